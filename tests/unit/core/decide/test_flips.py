"""What would change the recommendation: the nearest value that does, as the recommendation itself is decided."""

from __future__ import annotations

import numpy as np
import pytest
from evidence_by_hand import evidence_of, make_study, priced, right_share, route, scored, single

from core.decide import Decision, decide
from core.decide.flips import SEARCH_FACTORS
from core.decide.overrides import with_value
from core.evidence import StudyEvidence

ROWS = 300


@pytest.fixture(scope="module")
def routed() -> tuple[StudyEvidence, Decision]:
    """A teacher, a student and a hybrid whose policies are cut anew at every price."""
    study = make_study(
        [
            single("big", "teacher", profile="vendor"),
            single("small", "student", profile="cheap"),
            {"name": "both", "role": "hybrid", "teacher": "big", "student": "small"},
        ],
        criteria={"cost": {"monthly_requests": 100_000, "value_per_success": 0.01}},
        profiles={"vendor": priced(900.0), "cheap": priced(20.0)},
    )
    teacher, student = right_share(0.95, ROWS, seed=1), right_share(0.80, ROWS, seed=2)
    priority = teacher - student + np.random.default_rng(3).normal(0, 0.5, ROWS)
    rows = {"big": scored(teacher), "small": scored(student)}
    evidence = evidence_of(study, rows, routes={"both": route(priority)})
    return evidence, decide(evidence)


def test_no_value_tried_nearer_than_a_flip_gives_another_answer(routed: tuple[StudyEvidence, Decision]) -> None:
    evidence, found = routed
    flips = [flip for flip in found.flips if flip.flips_at is not None]
    assert flips
    for flip in flips:
        assert flip.flips_at is not None
        change = max(flip.flips_at / flip.value, flip.value / flip.flips_at)
        for factor in SEARCH_FACTORS:
            if factor >= change:
                break
            value = flip.value * (factor if flip.flips_at > flip.value else 1 / factor)
            again = decide(evidence, with_value(evidence.study, flip.path, value), with_flips=False)
            assert (again.choice, again.candidate) == (found.choice, found.candidate), (flip.path, value)


def test_flip_of_a_study_with_a_hybrid_flips_when_entered(routed: tuple[StudyEvidence, Decision]) -> None:
    evidence, found = routed
    for flip in found.flips:
        if flip.flips_at is not None:
            again = decide(evidence, with_value(evidence.study, flip.path, flip.flips_at), with_flips=False)
            assert (again.choice, again.candidate) == (flip.to, flip.to_candidate)
            assert (again.choice, again.candidate) != (found.choice, found.candidate)
