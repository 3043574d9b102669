"""Which labels a model's answer lists."""

from __future__ import annotations

import pytest

from core.engines.language.label_lists import LabelLists

LABELS = ("card lost", "loan", "rate")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('["loan", "Card-Lost"]', '["card lost", "loan"]'),
        ('Sure:\n```json\n["rate"]\n```', '["rate"]'),
        ('["loan", "weather"]', '["loan"]'),
        ("[]", "[]"),
        ("loan, rate.", '["loan", "rate"]'),
        ("- loan\n- card lost", '["card lost", "loan"]'),
        ("the weather", None),
        ("", None),
    ],
)
def test_labels_are_read_from_lists_and_what_is_no_label_is_left_out(text: str, kept: str | None) -> None:
    assert LabelLists(LABELS).read(text) == kept
