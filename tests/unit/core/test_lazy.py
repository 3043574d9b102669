"""A library that is not there is named together with what brings it."""

from __future__ import annotations

import sys

import pytest

from core.errors import UserError
from core.lazy import load


@pytest.mark.parametrize(
    ("library", "told"),
    [("optuna", r'pip install "tercet[engine]"'), ("pandas", "this installation is incomplete")],
)
def test_a_missing_library_is_told_by_what_brings_it(monkeypatch: pytest.MonkeyPatch, library: str, told: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UserError) as refused:
        load(library)
    assert refused.value.text.startswith(f"{library} is not installed")
    assert told in refused.value.text
