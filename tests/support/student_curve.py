"""The evidence of a study whose student has a learning curve of its own, made by hand."""

from __future__ import annotations

from typing import Any

from evidence_by_hand import evidence_of, make_study, right_share, scored, single, training

from core.evidence import CurvePoint, StudyEvidence

ROWS = 200
SHARES = {100: 0.6, 200: 0.7, 400: 0.78, 800: 0.84}


def evidence(sizes: int = 4, seeds: int = 1, **student: Any) -> StudyEvidence:
    """Four planned sizes, of which so many are measured, by so many trainings each; `student` are other parts of the
    student in the study file."""
    model = {"source": "hub", "id": "org/big"}
    teacher = single("big", "teacher", train={"method": "fine_tune"}, model=model)
    study = make_study(
        [teacher, single("small", **({"train": {"method": "distill"}} | student))],
        criteria={"cost": {"monthly_requests": 1000.0}},
        learning_curve={"student": "small"},
    )
    own = scored(right_share(0.84, ROWS))
    points = [
        CurvePoint(
            rows, tuple(range(1, seeds + 1)), tuple(scored(right_share(share, ROWS, seed)) for seed in range(seeds))
        )
        for rows, share in SHARES.items()
    ]
    return evidence_of(
        study,
        {"big": scored(right_share(0.95, ROWS)), "small": own},
        trainings={"small": training(9.0)},
        more={"small": {"curve": tuple(points[:sizes]), "curve_planned": 4}},
    )
