"""The worker: `python -m core.worker JOB_FOLDER` does one job and writes events; no database, no window.

Map: `context` (what a job may say and ask), `channel` (events out, stop messages in), `__main__` (the process),
`memory_errors` (which errors mean that memory ran out).
"""
