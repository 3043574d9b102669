"""What a run that is not started yet would ask of endpoints, as its jobs will word it.

Map: `asking` (the requests of a job; those of label, benchmark and load jobs), `known` (what is there before the run:
answers, passages), `later` (second requests and verdicts, which depend on answers), `suites` (tasks of lm-eval).
"""
