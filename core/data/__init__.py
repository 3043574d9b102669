"""The user's rows: read, checked, split, written.

Map: `fingerprint` (a file's identity), `encodings` and `formats` (bytes -> cells), `reading` (a table with its columns
checked), `grouping`, `filling` and `splitting` (groups and splits), `dataset` (tables -> rows), `joined` (a dataset out
of predictions files), `prepare` (the job), `examples` and `predictions` (what jobs hand on, as JSON lines through
`jsonl`), `imported` (predictions measured elsewhere, scored), `init_study` (a study file guessed from a data file).

`fingerprint`, `jsonl`, `examples` and `predictions` are light; the others import pandas or pyarrow and are loaded by
the worker, or through `core.lazy`.
"""
