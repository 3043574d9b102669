"""Training: on the targets alone, or on a teacher's soft labels.

Map: `losses` (soft labels mixed with hard ones), `batches` (which rows go together, and in which order), `schedule`
(the learning rate of a step), `loop` (the training loop, from the first step to the last), `training` (what it works
on), `resuming` (its checkpoint), `observer` (who follows it), `rows` (a prepared dataset as tokens and label indices),
`fit_check` (whether a training fits into memory), `construct` (a student from its teacher's layers), `teacher_cache`
(the teacher's outputs, computed once), `training_job` (what fine-tuning and distilling have in common), `job` (the
handler of a distill job).
"""
