"""Reasons that say the same of several candidates, told in one sentence."""

from __future__ import annotations

from collections.abc import Iterable

from core.decide.outcome import Message, message
from core.i18n import listed

SHARED = ("decide.reason.dominated", "decide.reason.not_routable", "decide.reason.unproven_policy")
"""Codes whose sentence differs only in its candidate; each has a `.several` that takes `names`."""


def told_together(reasons: Iterable[Message]) -> tuple[Message, ...]:
    """The reasons in their order; those of `SHARED` that differ only in their candidate are one."""
    groups: dict[tuple[object, ...], list[Message]] = {}
    for place, reason in enumerate(reasons):
        groups.setdefault(_sameness(reason, place), []).append(reason)
    return tuple(group[0] if len(group) == 1 else _of_several(group) for group in groups.values())


def _sameness(reason: Message, place: int) -> tuple[object, ...]:
    if reason.code not in SHARED:
        return (place,)
    return (reason.code, *sorted((key, value) for key, value in reason.values.items() if key != "candidate"))


def _of_several(group: list[Message]) -> Message:
    first = group[0]
    shared = {key: value for key, value in first.values.items() if key != "candidate"}
    names = dict.fromkeys(str(reason.values["candidate"]) for reason in group)
    if len(names) == 1:
        return first
    return message(f"{first.code}.several", names=listed(names), **shared)
