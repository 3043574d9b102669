"""The work on models: the only place that imports torch or transformers.

Map: `models` (open, read and write model folders), `distill` (losses, batches, the training loop, students from a
teacher's layers, the teacher-output cache), `fine_tune` (training on the targets), `baseline` (the floor), `compress`
(quantising and export), `benchmark` (predictions, latency, memory, energy); `device` (where the work runs),
`checkpoint` (resumable state on disk), `durable` (files that are whole or absent),
`child_process` (a module of ours in a process that can be stopped).
"""
