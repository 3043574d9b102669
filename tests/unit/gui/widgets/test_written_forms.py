from __future__ import annotations

from typing import Any

import pytest

from gui.widgets.fields import FieldKind
from gui.widgets.written_forms import FORMS


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (FieldKind.INTEGERS, "1, 2, 3", [1, 2, 3]),
        (FieldKind.INTEGERS, "1 2，3", "1 2，3"),
        (FieldKind.INTEGERS, "1 2 3", [1, 2, 3]),
        (FieldKind.INTEGERS, "", None),
        (FieldKind.INTEGERS, "one", "one"),
        (FieldKind.LAYERS, "2", 2),
        (FieldKind.LAYERS, "0、2、5", [0, 2, 5]),
        (FieldKind.LAYERS, "[3]", [3]),
        (FieldKind.LAYERS, "two", "two"),
        (FieldKind.LAYER_CHOICES, "1, 2, [0, 5]", [1, 2, [0, 5]]),
        (FieldKind.LAYER_CHOICES, "", []),
        (FieldKind.WIDTHS, "all, 512", [None, 512]),
        (FieldKind.WIDTHS, "全部，512", [None, 512]),
        (FieldKind.RANGE, "1 – 8", [1.0, 8.0]),
        (FieldKind.RANGE, "0.5 to 1", [0.5, 1.0]),
        (FieldKind.RANGE, "0.5至1", [0.5, 1.0]),
        (FieldKind.RANGE, "5", "5"),
        (FieldKind.PAIRS, "X-Team: a\n\nX-B:c", {"X-Team": "a", "X-B": "c"}),
        (FieldKind.PAIRS, "X-Team", "X-Team"),
        (FieldKind.JSON, '{"top_p": 0.9}', {"top_p": 0.9}),
        (FieldKind.JSON, "{", "{"),
        (FieldKind.JSON, " ", {}),
        (FieldKind.LONG_TEXT, " \n", None),
        (FieldKind.LONG_TEXT, "Sort: {text}\n", "Sort: {text}\n"),
    ],
)
def test_values_are_read_as_people_write_them(kind: FieldKind, text: str, value: Any) -> None:
    assert FORMS[kind].read(text) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FieldKind.INTEGERS, [1, 22]),
        (FieldKind.LAYERS, 2),
        (FieldKind.LAYERS, [0, 2, 5]),
        (FieldKind.LAYERS, [3]),
        (FieldKind.LAYER_CHOICES, [1, [0, 5], 3]),
        (FieldKind.WIDTHS, [None, 384]),
        (FieldKind.RANGE, [0.5, 1.0]),
        (FieldKind.PAIRS, {"A": "b: c"}),
        (FieldKind.JSON, {"stop": ["a", "b"], "top_p": 0.9}),
    ],
)
def test_what_the_window_wrote_is_read_back_equal(kind: FieldKind, value: Any) -> None:
    for all_word in ("all", "全部"):
        assert FORMS[kind].read(FORMS[kind].write(value, all_word)) == value
