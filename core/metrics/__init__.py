"""Quality metrics and their uncertainty: numpy only, pure functions of arrays and texts.

- `quality`: a metric as sums of per-row counts, so that one formula serves a value, a slice and a whole bootstrap
- `proportions`: Wilson's interval
- `bootstrap`: paired resampling by group, percentile intervals
- `mcnemar`: the exact paired test of two candidates
- `detectable`: the smallest difference that n rows can show, and the rows that a difference needs
- `percentiles`: p50, p95, p99 with their intervals, hidden where there are too few samples
- `calibration`: temperature scaling, Platt's and isotonic mapping to P(correct), expected calibration error
- `text`: one text scored against another, row by row (sacrebleu and rouge-score, loaded where they are used)
- `reasoning`: what a language model thought, told from its answer
"""
