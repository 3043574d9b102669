"""What the data itself allows, as the decision tells it: the ceiling of wrong labels, and what more labels would bring.

Both come from the `profile` job's cheap model and are estimates; each names its method.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from core.decide.outcome import ExpectedStudent, Interval, SuspectedRow
from core.decide.systems import System
from core.evidence import StudyEvidence
from core.jobs.results import ExpectedQuality, LabelNoise, LearningCurve


def accuracy_ceiling(noise: LabelNoise) -> Interval:
    """The most that a model can score which answers every row rightly: where the label is wrong, right counts as
    wrong."""
    return Interval(1.0 - noise.rate, 1.0 - noise.high, 1.0 - noise.low)


def suspected_rows(evidence: StudyEvidence) -> tuple[SuspectedRow, ...]:
    """The listed rows, the surest first, beside what the measured models answer to them; empty without a profile."""
    if evidence.profile is None or evidence.profile.label_noise is None or evidence.test is None:
        return ()
    place_of = {example_id: place for place, example_id in enumerate(evidence.test.example_ids)}
    outputs = {one.name: one.test.outputs for one in evidence.candidates if one.test is not None}
    found = []
    for row in evidence.profile.label_noise.suspects:
        place = place_of[row.example_id]
        answers = {name: own[place] for name, own in outputs.items() if own[place] is not None}
        agreeing = tuple(name for name, answer in answers.items() if answer == row.suggested)
        text = evidence.test.inputs[place]
        found.append(
            SuspectedRow(row.example_id, text, row.target, row.suggested, row.confidence, agreeing, len(answers))
        )
    return tuple(found)


def expected_student(curve: LearningCurve, student: str, system: System) -> ExpectedStudent | None:
    """What a trained student is expected at with more train rows, if its errors fall as those of the cheap family do.

    Half the interval joins the student's own and the curve's. Null where the family makes no errors to begin with.
    """
    now = curve.sizes[-1]
    errors = 1.0 - now.quality
    if errors <= 0.0:
        return None
    own = system.quality
    points = tuple(_scaled(one, errors, own.value, (own.high - own.low) / 2) for one in curve.expected)
    return ExpectedStudent(student, now.rows, own.value, points)


def _scaled(family: ExpectedQuality, errors: float, own: float, own_half: float) -> tuple[int, Interval]:
    factor = (1.0 - own) / errors
    value = 1.0 - factor * (1.0 - family.quality)
    half = math.hypot(own_half, factor * (family.high - family.low) / 2)
    return family.rows, Interval(value, max(0.0, value - half), min(1.0, value + half))


def trained_students(evidence: StudyEvidence, measured: Mapping[str, System]) -> list[str]:
    """The measured students that learnt from the train rows, the best first."""
    names = [name for name in measured if evidence.candidate(name).training is not None]
    return sorted(names, key=lambda name: (-measured[name].quality.value, name))
