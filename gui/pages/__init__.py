"""One file per page: page.py (the frame of all), welcome, study, runs, decide, report, settings."""
