"""Weights and dates of rows: read, refused by row where they cannot be, and what a split by time looks like."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.examples import read_examples
from core.data.prepare import run
from core.data.splitting_by_time import spans_of, split_by_time
from core.domain import Split
from core.errors import UserError
from core.spec import Columns, PredictionColumns, SplitPlan

if TYPE_CHECKING:
    Context = Any
    Build = Any
    Write = Any

WEIGHTED = Columns(input="text", target="label", weight="traffic")
DAYS = "2026-01-{:02d}"


def lines(header: str, rows: Sequence[tuple[object, ...]]) -> str:
    return "\n".join([header, *(",".join(str(cell) for cell in row) for row in rows)]) + "\n"


def dated(days: list[str]) -> str:
    return lines("text,label,created", [(f"message {place}", "ab"[place % 2], day) for place, day in enumerate(days)])


def test_weights_are_kept_in_the_order_of_the_examples(context: Context, write: Write, parameters: Build) -> None:
    rows = [(f"message {number}", "ab"[number % 2], number + 0.5) for number in range(20)]
    result = run(parameters(write("data.csv", lines("text,label,traffic", rows)), columns=WEIGHTED), context)
    assert result.weights == tuple(number + 0.5 for number in range(20))


def test_data_without_a_weight_column_has_none(context: Context, write: Write, parameters: Build) -> None:
    rows = [(f"message {number}", "ab"[number % 2]) for number in range(20)]
    assert run(parameters(write("data.csv", lines("text,label", rows))), context).weights == ()


@pytest.mark.parametrize(
    ("cell", "code"),
    [("0", "wrong"), ("-1", "wrong"), ("nan", "wrong"), ("inf", "wrong"), ("much", "wrong"), ("", "blank")],
)
def test_a_row_without_a_positive_weight_is_refused_by_its_number(
    cell: str, code: str, context: Context, write: Write, parameters: Build
) -> None:
    rows: list[tuple[object, ...]] = [(f"message {number}", "ab"[number % 2], 1) for number in range(10)]
    rows[4] = ("message 4", "a", cell)
    with pytest.raises(UserError, match="row 6") as refused:
        run(parameters(write("data.csv", lines("text,label,traffic", rows)), columns=WEIGHTED), context)
    assert refused.value.code == f"data.weight.{code}"
    assert "traffic" in str(refused.value)


def test_train_rows_need_no_weight_where_files_are_given(context: Context, write: Write, parameters: Build) -> None:
    train = write("train.csv", "text,label\nfirst,a\nsecond,b\n")
    test = write("test.csv", "text,label,traffic\nthird,a,3\nfourth,b,1\n")
    result = run(parameters(files={"train": train, "test": test}, columns=WEIGHTED), context)
    assert result.weights == (1.0, 1.0, 3.0, 1.0)


def test_a_weight_column_that_the_test_file_lacks_is_named(context: Context, write: Write, parameters: Build) -> None:
    train = write("train.csv", "text,label,traffic\nfirst,a,1\nsecond,b,1\n")
    test = write("test.csv", "text,label\nthird,a\nfourth,b\n")
    with pytest.raises(UserError, match=r"data\.columns\.weight"):
        run(parameters(files={"train": train, "test": test}, columns=WEIGHTED), context)


def test_weights_of_imported_rows_come_from_whichever_file_has_them(
    context: Context, write: Write, parameters: Build
) -> None:
    strong = write("strong.csv", "id,input,target,score\n1,one,a,1\n2,two,b,1\n")
    weak = write("weak.csv", "id,input,score,traffic\n2,two,0,7\n1,one,1,2\n")
    standard = PredictionColumns()
    columns = Columns(weight="traffic")
    result = run(parameters(predictions={strong: standard, weak: standard}, columns=columns), context)
    assert result.weights == (2.0, 7.0)


def test_the_newest_rows_are_test_and_the_oldest_train(context: Context, write: Write, parameters: Build) -> None:
    days = [DAYS.format(1 + (place * 7) % 20) for place in range(20)]
    plan = SplitPlan(test=0.2, calibration=0.2, time="created")
    result = run(parameters(write("data.csv", dated(days)), split=plan), context)
    splits = [example.split for example in read_examples(context.folder)]
    assert (result.rows_train, result.rows_calibration, result.rows_test) == (12, 4, 4)
    for day, split in zip(days, splits, strict=True):
        number = int(day[-2:])
        assert split is (Split.TEST if number > 16 else Split.CALIBRATION if number > 12 else Split.TRAIN)
    assert [(span.split, span.first, span.last, span.older_rows) for span in result.spans] == [
        ("train", "2026-01-01", "2026-01-12", 0),
        ("calibration", "2026-01-13", "2026-01-16", 0),
        ("test", "2026-01-17", "2026-01-20", 0),
    ]


def test_a_group_that_spans_a_border_goes_with_its_newest_row(
    context: Context, write: Write, parameters: Build
) -> None:
    rows = [(f"message {day}", "ab"[day % 2], DAYS.format(day)) for day in range(1, 10)]
    rows.append(("Message 2!", "a", DAYS.format(20)))
    plan = SplitPlan(test=0.2, calibration=0.0, time="created")
    result = run(parameters(write("data.csv", lines("text,label,created", rows)), split=plan), context)
    of_input = {example.input: example.split for example in read_examples(context.folder)}
    assert of_input["message 2"] is of_input["Message 2!"] is Split.TEST
    test = next(span for span in result.spans if span.split == "test")
    assert (test.first, test.older_rows) == ("2026-01-20", 1)


def test_calibration_that_is_set_aside_is_the_newest_of_train(
    context: Context, write: Write, parameters: Build
) -> None:
    plan = SplitPlan(test=0.2, calibration=0.0, time="created")
    days = [DAYS.format(1 + place) for place in range(20)]
    run(parameters(write("data.csv", dated(days)), split=plan, set_calibration_aside=True), context)
    splits = [example.split for example in read_examples(context.folder)]
    assert splits == [Split.TRAIN] * 14 + [Split.CALIBRATION] * 2 + [Split.TEST] * 4


@pytest.mark.parametrize(("cell", "code"), [("03/04/2026", "wrong"), ("yesterday", "wrong"), ("", "blank")])
def test_a_row_without_a_date_that_can_be_told_is_refused_by_its_number(
    cell: str, code: str, context: Context, write: Write, parameters: Build
) -> None:
    days = [DAYS.format(1 + place) for place in range(9)] + [cell]
    with pytest.raises(UserError, match="row 11") as refused:
        run(parameters(write("data.csv", dated(days)), split=SplitPlan(time="created")), context)
    assert refused.value.code == f"data.time.{code}"


def test_dates_are_compared_as_moments_whatever_zone_they_are_written_in(
    context: Context, write: Write, parameters: Build
) -> None:
    days = [
        "2026-01-05T10:00:00+02:00",  # 08:00 UTC
        "2026-01-05T09:00:00Z",
        "2026-01-05 08:30+00:00",
        "1767603900",  # 09:05 UTC
        "1767603900001",  # a millisecond later
    ]
    plan = SplitPlan(test=0.4, calibration=0.2, time="created")
    run(parameters(write("data.csv", dated(days)), split=plan), context)
    splits = [example.split for example in read_examples(context.folder)]
    assert splits == [Split.TRAIN, Split.CALIBRATION, Split.TRAIN, Split.TEST, Split.TEST]


def test_dates_without_a_zone_are_taken_as_utc(context: Context, write: Write, parameters: Build) -> None:
    plan = SplitPlan(test=0.4, calibration=0.2, time="created")
    days = ["2026-01-05 08:30", "2026-01-05", "2026-01-05T08:31:00", "2026-01-06", "2026-01-04"]
    result = run(parameters(write("data.csv", dated(days)), split=plan), context)
    assert [span.last for span in result.spans] == ["2026-01-05", "2026-01-05T08:30:00+00:00", "2026-01-06"]


@pytest.mark.parametrize("zoned", ["2026-01-01T10:00:00+02:00", "2026-01-01T10:00Z", "1767603900"])
def test_a_row_without_a_zone_among_rows_with_one_is_refused_by_its_number(
    zoned: str, context: Context, write: Write, parameters: Build
) -> None:
    days = [zoned] * 4 + ["2026-01-05 08:30"] + [zoned]
    with pytest.raises(UserError, match="row 6: '2026-01-05 08:30' of column 'created'") as refused:
        run(parameters(write("data.csv", dated(days)), split=SplitPlan(time="created")), context)
    assert refused.value.code == "data.time.zone_mixed"
    assert "row 2" in str(refused.value)


def test_a_date_beyond_the_calendar_is_refused_by_its_row(context: Context, write: Write, parameters: Build) -> None:
    days = ["2026-01-01T00:00Z"] * 4 + ["9999-12-31T23:59-10:00"]
    with pytest.raises(UserError, match="row 6"):
        run(parameters(write("data.csv", dated(days)), split=SplitPlan(time="created")), context)


def test_rows_of_one_moment_stay_on_one_side_and_the_share_that_comes_of_it_is_told(
    context: Context, write: Write, parameters: Build
) -> None:
    days = [DAYS.format(1)] * 6 + [DAYS.format(2)] * 2 + [DAYS.format(3)] * 12
    plan = SplitPlan(test=0.2, calibration=0.1, time="created")
    result = run(parameters(write("data.csv", dated(days)), split=plan, needs_train=True), context)
    assert (result.rows_train, result.rows_calibration, result.rows_test) == (6, 2, 12)
    (told,) = context.warnings
    assert told.replace("\u00a0", " ").startswith(
        "Test has 60 % of the rows where data.split.test asks for 20 %: rows of"
    )


def test_shares_as_near_as_asked_for_are_not_told(context: Context, write: Write, parameters: Build) -> None:
    days = [DAYS.format(1 + place // 3) for place in range(60)]
    run(parameters(write("data.csv", dated(days)), split=SplitPlan(test=0.2, calibration=0.2, time="created")), context)
    assert context.warnings == []


@pytest.mark.parametrize(("distinct", "told"), [(1, "the same time in every row"), (2, "holds 2 different times")])
def test_times_that_leave_no_train_rows_are_refused_with_their_number(
    distinct: int, told: str, context: Context, write: Write, parameters: Build
) -> None:
    days = [DAYS.format(1 + place % distinct) for place in range(20)]
    build = parameters(write("data.csv", dated(days)), split=SplitPlan(time="created"), needs_train=True)
    with pytest.raises(UserError, match=told) as refused:
        run(build, context)
    assert refused.value.code == "data.split.time_no_train_rows"


def test_times_all_equal_leave_imported_rows_to_test_alone(context: Context, write: Write, parameters: Build) -> None:
    strong = write(
        "strong.csv", lines("input,target,score,day", [(f"m {row}", "ab"[row % 2], 1, 1767603900) for row in range(9)])
    )
    plan = SplitPlan(test=0.3, calibration=0.3, time="day")
    result = run(parameters(predictions={strong: PredictionColumns()}, split=plan, columns=Columns()), context)
    assert (result.rows_train, result.rows_calibration, result.rows_test) == (0, 0, 9)
    assert len(context.warnings) == 2


def test_train_rows_of_one_moment_are_not_all_set_aside(context: Context, write: Write, parameters: Build) -> None:
    days = [DAYS.format(1)] * 15 + [DAYS.format(2)] * 5
    plan = SplitPlan(test=0.2, calibration=0.0, time="created")
    asked = {"split": plan, "needs_train": True, "set_calibration_aside": True}
    with pytest.raises(UserError, match=r"routing\.folds") as refused:
        run(parameters(write("data.csv", dated(days)), **asked), context)
    assert refused.value.code == "data.split.time_nothing_to_set_aside"


def test_a_date_column_that_is_missing_is_named(context: Context, write: Write, parameters: Build) -> None:
    with pytest.raises(UserError, match=r"data\.split\.time"):
        run(parameters(write("data.csv", dated([DAYS.format(3)] * 5)), split=SplitPlan(time="when")), context)


def test_an_option_at_its_default_leaves_the_job_as_it_was(write: Write, parameters: Build) -> None:
    from core.jobs.identity import job_id

    path: Path = write("data.csv", dated([DAYS.format(1 + place) for place in range(9)]))
    plain = job_id(parameters(path), {})
    assert plain == job_id(parameters(path, split=SplitPlan(time=None)), {})
    assert plain != job_id(parameters(path, split=SplitPlan(time="created")), {})
    assert plain != job_id(parameters(path, columns=WEIGHTED), {})


ROWS = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 30)), min_size=2, max_size=40)


@settings(max_examples=150, deadline=None)
@given(ROWS, st.floats(0.05, 0.6), st.floats(0.0, 0.35))
def test_no_group_spans_two_splits_and_nothing_learnt_from_is_newer_than_what_is_measured(
    rows: list[tuple[int, int]], test: float, calibration: float
) -> None:
    groups, moments = [group for group, _ in rows], [float(moment) for _, moment in rows]
    splits = split_by_time(groups, moments, test, calibration)
    assert len(set(zip(groups, splits, strict=True))) == len(set(groups))
    spans = spans_of(groups, moments, splits)
    order = [spans[split] for split in (Split.TRAIN, Split.CALIBRATION, Split.TEST) if split in spans]
    for before, after in itertools.pairwise(order):
        assert before.last < after.first


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 300), min_size=2, max_size=40, unique=True), st.floats(0.05, 0.6), st.floats(0.0, 0.35))
def test_rows_of_their_own_moments_are_split_exactly(moments: list[int], test: float, calibration: float) -> None:
    splits = split_by_time(range(len(moments)), [float(moment) for moment in moments], test, calibration)
    assert splits.count(Split.TEST) == round(test * len(moments))
    assert splits.count(Split.CALIBRATION) == round(calibration * len(moments))
