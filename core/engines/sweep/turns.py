"""How fast students are, in short turns.

One timing says as much of the machine's other work as of the student. So models that stand beside each other are timed
in turn, and every training of a search adds turns to those of its shape and form, minutes after the ones before
(`pooling`): the median over all of them counts, and how far they spread is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.engines.benchmark import plan, timing
from core.engines.sweep.figures import Speed

# Together they take as long as one timing of the benchmark's.
TURNS = 5
# Of a student whose shape and form has had its turns before.
FURTHER_TURNS = 2

Answer = Callable[[Sequence[str]], object]


def timed(answers: Sequence[Answer], inputs: Sequence[str], turns: int, tell: Callable[[], None]) -> list[Speed]:
    """The speed of each model, given what answers a batch of its requests; `tell` is called between the turns and may
    raise."""
    requests = [inputs[row] for row in plan.timing_sample(len(inputs))]
    for answer in answers:
        timing.warmed_up(answer, requests)
    found: list[list[timing.Turn]] = [[] for _ in answers]
    for number in range(turns):
        for place, answer in enumerate(answers):
            tell()
            found[place].append(timing.turn(answer, requests, number, TURNS))
    return [_speed(of_one) for of_one in found]


def _speed(turns: Sequence[timing.Turn]) -> Speed:
    milliseconds = tuple(one for turn in turns for one in turn.milliseconds)
    return Speed(tuple(turn.requests_per_second for turn in turns), milliseconds)
