"""Standard suites through lm-eval.

Map: `job` (the handler), `local_model` and `endpoint_model` (candidates as lm-eval asks them), `reading` (its results),
`progress` (how many requests are answered).
lm-eval is loaded where it is used: it is an extra of its own.
"""
