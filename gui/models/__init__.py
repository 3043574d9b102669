"""Qt item models over frozen rows: jobs.py (the queue's table), log.py (a job's log, paged)."""
