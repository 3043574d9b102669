"""The life of a job: specs in, results out.

Map: `specs` (what a job is told), `results` (what it hands back), `folder` (its files on disk), `identity` (hash of all
that determines a result), `plan` (study -> jobs), `lifecycle` (pure state machine), `recorder` (the only writer of
results), `launcher` (worker processes), `session` (plan, recorder and launcher together, as the command line and the
window use them).
"""
