"""Everything that decides, measures and stores; never imports Qt.

Map: `spec` (the study file) -> `jobs` (plan, life cycle, recorder, launcher) -> `worker` (one process a job) ->
`engines` (the only place that imports torch) -> events -> `store` (SQLite rows) -> `decide` and `charts` (pure) ->
`report` and the window. `data`, `metrics` and `routing` are the numeric ground that engines and `decide` share.
"""

__version__ = "0.1.0"
