"""Measuring a candidate: what it answers, how fast, how heavy.

Map: `job` (the handler), `language_job` and `endpoint_job` (its parts for language models here and behind an address),
`answering` (who answers a row), `quality` (the pass over all evaluation rows, resumable), `plan` (what is timed and how
long, every constant with its reason), `runtimes` (which runtimes, and the best of them), `probe_process` (starts one
fresh process a runtime and ends it), `probe` (that process), `subjects` (what it loads), `timing` (latency and
throughput inside it), `memory`, `energy`, `environment` (what is read from the machine), `summary` (the result).

Nothing here loads torch before a torch model is opened, so that imported predictions need no torch, and each runtime's
memory is its own.
"""
