"""Which request goes to the teacher: policies, their curves, and what they are worth.

- `features`: word 1-2-gram TF-IDF and length of an input, the same for fitting and for serving
- `cascade`: the student answers first; P(it is right) from its confidence decides who answers in the end
- `router`: before any answer, a ridge model of the teacher's gain decides
- `policy`: a fitted policy read back from its JSON, ready to score one request
- `folds`: grouped folds, so that no row is scored by a policy that saw its group
- `job`: the `route` job: fits the policies and scores the test rows out of sample
- `curve`: quality and money as more rows go to the teacher; APGR and CPT
- `operating_point`: where to cut, tuned on rows that the cut is not judged on
- `evaluate`: one policy against the baselines, with its verdict

`curve`, `operating_point`, `evaluate` and `policy` need numpy only; `router` and `job` bring scikit-learn.
"""
