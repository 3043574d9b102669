"""What `tercet recommend` prints for people."""

from __future__ import annotations

import pytest
from decided_study import evidence

from core.commands.reading import print_decision
from core.decide import decide


def test_plain_recommendation_tells_every_note_and_what_is_not_measured(capsys: pytest.CaptureFixture[str]) -> None:
    decision = decide(evidence(measured=("teacher", "student")))
    print_decision(decision)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Recommendation: ")
    assert decision.notes
    for note in decision.notes:
        assert f"  ! {note.text}" in lines
    assert "  ! Not measured yet, and so not in the comparison: slow, floor." in lines
