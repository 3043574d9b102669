"""The commands of `tercet`, one module for each group.

Map: `running` (run, demo), `dry_run`, `status`, `results`, `examples`, `reading` (recommend), `reporting` (report),
`handing_over` (export), `beginning` (init), `doctor`, `progress` (bars on a terminal, plain lines elsewhere), `tables`,
`console` (what goes to which stream). A command imports no more than it needs, for scripts ask often.
"""
