"""New examples become rounds: nothing that judges is learnt, and nothing is judged on what was learnt."""

from __future__ import annotations

from pathlib import Path

import pytest
from streams import new_rows, write_stream
from tiny_models import LABELS

from core.data.grouping import normalise
from core.engines.dynamic.rounds import plan_rounds
from core.engines.dynamic.stream import JudgedRows, StreamRow, read_stream
from core.errors import UserError
from core.spec import Columns, Dynamic

NOBODY = JudgedRows(frozenset())


def rows_of(count: int, linked: int = 1) -> list[StreamRow]:
    return [StreamRow(f"r{n}", f"text {n}", None, n // linked) for n in range(count)]


def dynamic(**parts: object) -> Dynamic:
    return Dynamic.model_validate({"stream": "", "round_rows": 10, "held_out": 0.3, **parts})


def test_rows_that_judge_are_left_out_whatever_their_case_and_marks(tmp_path: Path) -> None:
    file = write_stream(
        tmp_path / "s.csv", [("Lost, my CARD!", "card"), ("interest rate", "loan"), ("lost my card", "")]
    )
    stream = read_stream(file, Columns(), LABELS, JudgedRows(frozenset({normalise("lost my card")})))
    assert [row.input for row in stream.rows] == ["interest rate"]
    assert stream.dropped == 2


def test_blank_and_missing_targets_are_told_from_given_ones(tmp_path: Path) -> None:
    file = write_stream(tmp_path / "s.csv", [("lost", " card "), ("rate", " ")])
    stream = read_stream(file, Columns(), LABELS, NOBODY)
    assert [row.target for row in stream.rows] == ["card", None]
    assert stream.labelled == 1
    without = write_stream(tmp_path / "t.csv", [("lost",), ("rate",)], ("text",))
    assert [row.target for row in read_stream(without, Columns(), LABELS, NOBODY).rows] == [None, None]


def test_equal_texts_and_equal_groups_are_linked(tmp_path: Path) -> None:
    rows = [("lost", "", "a"), ("rate", "", "b"), ("LOST!", "", "c"), ("money", "", "b")]
    file = write_stream(tmp_path / "s.csv", rows, ("text", "target", "user"))
    groups = [row.group for row in read_stream(file, Columns(group="user"), LABELS, NOBODY).rows]
    assert groups[0] == groups[2]
    assert groups[1] == groups[3]
    assert groups[0] != groups[1]


def test_what_is_linked_to_a_judged_row_is_left_out_by_its_group_or_through_another_row(tmp_path: Path) -> None:
    rows = [("hello again", "", "c1"), ("lost", "", "c2"), ("rate", "", "c2"), ("money", "", "c3"), ("help", "", "")]
    file = write_stream(tmp_path / "s.csv", rows, ("text", "target", "user"))
    judged = JudgedRows(frozenset({"lost"}), frozenset({"c1"}))
    stream = read_stream(file, Columns(group="user"), LABELS, judged)
    assert [row.input for row in stream.rows] == ["money", "help"]
    assert stream.dropped == 3


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([("lost", "card"), ("rate", "mortgage")], "dynamic.label_unknown"),
        ([("old", "card")], "dynamic.no_rows"),
        ([("lost", "card"), (" ", "loan")], "data.cell.empty"),
    ],
)
def test_streams_that_cannot_be_learnt_are_refused(tmp_path: Path, rows: list[tuple[str, str]], code: str) -> None:
    file = write_stream(tmp_path / "s.csv", rows)
    with pytest.raises(UserError) as refused:
        read_stream(file, Columns(), LABELS, JudgedRows(frozenset({"old"})))
    assert refused.value.code == code


def test_a_stream_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    file = write_stream(tmp_path / "s.csv", new_rows(3))
    write_stream(tmp_path / "s.csv", new_rows(4))
    with pytest.raises(UserError) as refused:
        read_stream(file, Columns(), LABELS, NOBODY)
    assert refused.value.code == "data.file.changed"


def test_each_row_stands_once_in_the_round_of_its_place(tmp_path: Path) -> None:
    rounds, waiting = plan_rounds(rows_of(30), set(), dynamic(), 1)
    assert waiting == 0
    for number, one in enumerate(rounds):
        names = {row.name for row in (*one.learnt, *one.held_out)}
        assert names == {f"r{n}" for n in range(10 * number, 10 * number + 10)}
        assert (len(one.learnt), len(one.held_out)) == (7, 3)
    assert plan_rounds(rows_of(30), set(), dynamic(), 1)[0] == rounds
    assert plan_rounds(rows_of(30), set(), dynamic(), 2)[0] != rounds


def test_linked_rows_stay_on_one_side_across_rounds() -> None:
    rows = [StreamRow(f"r{n}", f"text {n}", None, n % 13) for n in range(60)]
    rounds, _ = plan_rounds(rows, set(), dynamic(), 5)
    learnt = {row.group for one in rounds for row in one.learnt}
    assert learnt.isdisjoint(row.group for one in rounds for row in one.held_out)


def test_what_the_student_has_learnt_before_is_never_held_out() -> None:
    rows = rows_of(40)
    known = {row.key for row in rows[::2]}
    rounds, _ = plan_rounds(rows, known, dynamic(held_out=0.9), 1)
    assert all(row.key not in known for one in rounds for row in one.held_out)
    assert all(one.learnt and one.held_out for one in rounds)


def test_a_short_rest_joins_the_last_round_and_a_longer_one_is_its_own() -> None:
    assert [len(one.learnt) + len(one.held_out) for one in plan_rounds(rows_of(24), set(), dynamic(), 1)[0]] == [10, 14]
    assert [len(one.learnt) + len(one.held_out) for one in plan_rounds(rows_of(25), set(), dynamic(), 1)[0]] == [
        10,
        10,
        5,
    ]


def test_rows_that_make_no_round_wait() -> None:
    assert plan_rounds(rows_of(1), set(), dynamic(), 1) == ((), 1)
    assert plan_rounds(rows_of(8, linked=8), set(), dynamic(), 1) == ((), 8)
    rounds, waiting = plan_rounds(rows_of(2), set(), dynamic(), 1)
    assert (len(rounds), waiting) == (1, 0)
