"""Checking answers once they are there, and asking once more for those that fail.

Map: `second` (the second request: its message, its answers), `job` (the handler).
"""
