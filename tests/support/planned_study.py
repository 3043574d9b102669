"""The plan of a study file's text, with parts of the text changed."""

from __future__ import annotations

from pathlib import Path

from core.jobs.plan import Plan, build_plan
from core.study_file import parse_study


def planned(text: str, base: Path, *changes: tuple[str, str]) -> Plan:
    """The plan of a study whose files lie in `base`; each change replaces a text of the study by another."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return build_plan(parse_study(text, "study.yaml"), base)


def part(plan: Plan, candidate: str, name: str) -> str:
    """The id of the one job that makes a part of a candidate."""
    (found,) = (job for owner, part_name, job in plan.parts if (owner, part_name) == (candidate, name))
    return found
