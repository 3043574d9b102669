"""A search for the best student: settings are proposed, trained, measured on this machine, and the best one is kept.

Map: `space` (one setting), `proposing` (which one is tried next, and which falls behind), `objective` (what is best),
`records` (the trials on disk, one line each), `pooling` (what the timings of one shape say together), `searching` (the
trials one after the other), `job` (the handler of a sweep job). What is trained and measured stands behind `students`
(with `figures`, `turns`, the short timings, and `judge`, who ends trainings): `classifiers` with `rows` (what is
learnt, and what is held out), `trial` (a training of one setting) and `measure` (its quality, speed and size);
`writers` with `written_rows`, `writing_trial` and `writing_forms`, the same of language models.
"""
