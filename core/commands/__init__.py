"""The commands of `tercet`, one module for each group.

Map: `running` (run, demo), `reading` (status, results, recommend), `handing_over` (report, export, init), `progress`
(bars on a terminal, plain lines elsewhere), `console` (what goes to which stream).
"""
