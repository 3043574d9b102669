"""Each part of the report, from the two documents, the decision and the evidence behind them.

Map: `material` (what a section is made from, and cells), `answer`, `candidates`, `hybrid`, `change` (what would change
the answer), `data` (rows and complexity), `criteria` (criteria, compliance, assumptions), `method` (method, limits,
machine).
"""
