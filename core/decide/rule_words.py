"""The rules behind gates in words; documents keep their codes."""

from __future__ import annotations

from core.decide.outcome import Message, message


def rule_in_words(rule: str | None) -> Message | None:
    """What a gate's rule is called where a user reads it; null where the gate has no rule beside its own name."""
    return None if rule is None else message(f"decide.rule.{rule.lower().replace('-', '_')}")
