"""A search for the best student: settings are proposed, trained, measured on this machine, and the best one is kept.

Map: `space` (one setting), `proposing` (which one is tried next, and which falls behind), `objective` (what is best),
`records` (the trials on disk, one line each), `rows` (what is learnt, and what is held out), `trial` (a training of one
setting), `measure` (its quality, speed and size), `searching` (the trials one after the other), `job`
(the handler of a sweep job).
"""
