"""Which job's predictions stand for a candidate: the last one that its answers went through."""

from __future__ import annotations

import pytest

from core.store.evidence import answering_job

PARTS = {"benchmark": "b", "check": "c", "judge": "j", "benchmark@2": "b2", "check@2": "c2", "baseline_benchmark": "bb"}


@pytest.mark.parametrize(
    ("left_out", "part", "job"),
    [
        ((), "benchmark", "j"),
        (("judge",), "benchmark", "c"),
        (("judge", "check"), "benchmark", "b"),
        ((), "benchmark@2", "c2"),
        ((), "baseline_benchmark", "bb"),
        ((), "uncompressed_benchmark", None),
    ],
)
def test_answers_are_taken_as_they_were_scored_and_checked(
    left_out: tuple[str, ...], part: str, job: str | None
) -> None:
    assert answering_job({name: one for name, one in PARTS.items() if name not in left_out}, part) == job
