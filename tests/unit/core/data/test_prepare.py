from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.data.examples import read_examples
from core.data.prepare import run
from core.domain import Split
from core.errors import UserError
from core.spec import Columns, SplitPlan, Task
from core.worker.context import Stopped

if TYPE_CHECKING:
    Context = Any
    Build = Any
    Write = Any


def table(rows: Sequence[tuple[object, ...]], header: str = "text,label") -> str:
    return "\n".join([header, *(",".join(str(cell) for cell in row) for row in rows)]) + "\n"


def distinct(count: int, prefix: str = "message") -> list[tuple[str, str]]:
    return [(f"{prefix} {number}", "ab"[number % 2]) for number in range(count)]


def test_a_file_is_split_exactly_and_kept_in_order(context: Context, write: Write, parameters: Build) -> None:
    result = run(parameters(write("data.csv", table(distinct(103)))), context)
    assert (result.rows_train, result.rows_calibration, result.rows_test) == (61, 21, 21)
    examples = read_examples(context.folder)
    assert [example.input for example in examples] == [text for text, _ in distinct(103)]
    assert Counter(example.split for example in examples)[Split.TEST] == 21
    assert result.labels == ("a", "b")
    assert context.device == "cpu"


def test_duplicates_share_a_group_and_are_counted(context: Context, write: Write, parameters: Build) -> None:
    rows = [*distinct(40), ("Message, 1!".replace(",", ""), "b"), ("MESSAGE 2", "a")]
    result = run(parameters(write("data.csv", table(rows))), context)
    examples = {example.input: example for example in read_examples(context.folder)}
    assert examples["message 1"].group == examples["Message 1!"].group
    assert examples["message 2"].split is examples["MESSAGE 2"].split
    assert (result.groups, result.duplicate_rows) == (40, 2)


def test_rows_of_one_group_column_stay_together(context: Context, write: Write, parameters: Build) -> None:
    rows = [(*row, f"customer {number // 5}") for number, row in enumerate(distinct(60))]
    split = SplitPlan(test=0.25, calibration=0.25, group="customer")
    run(parameters(write("data.csv", table(rows, "text,label,customer")), split=split), context)
    homes = {(example.group, example.split) for example in read_examples(context.folder)}
    assert len(homes) == 12
    assert {example.group_values for example in read_examples(context.folder)} == {
        (("customer", f"customer {number}"),) for number in range(12)
    }


def test_slices_and_ids_come_from_their_columns(context: Context, write: Write, parameters: Build) -> None:
    rows = [(number, *row, "en") for number, row in enumerate(distinct(10))]
    columns = Columns(input="text", target="label", slice=["language"])
    run(parameters(write("data.csv", table(rows, "id,text,label,language")), columns=columns), context)
    first = read_examples(context.folder)[0]
    assert first.example_id == "0"
    assert first.slices == (("language", "en"),)


def test_repeated_ids_are_no_ids(context: Context, write: Write, parameters: Build) -> None:
    rows = [(7, *row) for row in distinct(10)]
    run(parameters(write("data.csv", table(rows, "id,text,label"))), context)
    assert read_examples(context.folder)[0].example_id == "row-2"


def test_label_entropy_is_in_bits(context: Context, write: Write, parameters: Build) -> None:
    result = run(parameters(write("data.csv", table(distinct(20)))), context)
    assert result.label_entropy_bits == pytest.approx(1.0)


def test_generation_has_no_labels(context: Context, write: Write, parameters: Build) -> None:
    task = Task(kind="generation", metric="exact_match")
    result = run(parameters(write("data.csv", table(distinct(20))), task=task), context)
    assert result.labels == ()
    assert result.label_entropy_bits is None


def test_targets_of_an_extraction_are_json_objects_or_their_row_is_named(
    context: Context, write: Write, parameters: Build
) -> None:
    task = Task(kind="extraction", metric="field_f1")
    rows = [(text, '{""city"": ""Oslo""}') for text, _ in distinct(20)]
    good = "text,label\n" + "".join(f'{text},"{target}"\n' for text, target in rows)
    assert run(parameters(write("good.csv", good), task=task), context).labels == ()
    with pytest.raises(UserError, match="row row-22: the target is no JSON object"):
        run(parameters(write("bad.csv", good + "one more,Oslo\n"), task=task), context)


def test_labels_of_rows_with_several_are_kept_in_one_form(context: Context, write: Write, parameters: Build) -> None:
    task = Task(kind="multi_label", metric="micro_f1", separator="|")
    rows = "".join(f"{text},{label}|extra\n" for text, label in distinct(20))
    result = run(parameters(write("data.csv", "text,label\n" + rows), task=task), context)
    labels = sorted({label for _, label in distinct(20)} | {"extra"})
    assert result.labels == tuple(labels)
    assert all(example.target.startswith('["') for example in read_examples(context.folder))
    plain = Task(kind="multi_label", metric="micro_f1")
    with pytest.raises(UserError, match="row row-2: the target is no JSON list of labels"):
        run(parameters(write("data.csv", "text,label\n" + rows), task=plain), context)


def test_an_empty_cell_of_labels_is_told_how_no_label_is_written(
    context: Context, write: Write, parameters: Build
) -> None:
    task = Task(kind="multi_label", metric="micro_f1", separator="|")
    rows = "text,label\n" + "".join(f"{text},{label}\n" for text, label in distinct(20))
    with pytest.raises(UserError, match=r"empty in row 22; write \[\] for a row that has no label"):
        run(parameters(write("data.csv", rows + "nothing fits,\n"), task=task), context)
    run(parameters(write("data.csv", rows + "nothing fits,[]\n"), task=task), context)
    assert "[]" in {example.target for example in read_examples(context.folder)}


class TestGivenFiles:
    def paths(self, write: Write, test_rows: int, shared: int) -> dict[str, Path]:
        train = [*distinct(50, "train"), *distinct(shared, "test")]
        return {
            "train": write("train.csv", table(train)),
            "test": write("test.csv", table(distinct(test_rows, "test"))),
        }

    def test_too_much_overlap_is_refused_with_the_number_of_test_rows(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        with pytest.raises(UserError, match="3 of the 100 test rows also stand in train"):
            run(parameters(files=self.paths(write, 100, 3)), context)

    def test_a_little_overlap_is_dropped_from_train_and_reported(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        result = run(parameters(files=self.paths(write, 100, 2)), context)
        assert [(entry.reason, entry.rows) for entry in result.dropped] == [("data.dropped.train_in_test", 2)]
        assert (result.rows_train, result.rows_test) == (50, 100)

    def test_overlap_of_any_size_is_dropped_where_the_study_says_so(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        result = run(parameters(files=self.paths(write, 100, 40), overlap="drop"), context)
        assert (result.rows_train, result.rows_test) == (50, 100)

    def test_test_rows_stay_even_where_they_repeat(self, context: Context, write: Write, parameters: Build) -> None:
        rows = [*distinct(5, "test"), *distinct(5, "test")]
        result = run(parameters(files={"test": write("test.csv", table(rows))}), context)
        assert result.rows_test == 10

    def test_calibration_is_set_aside_from_train_where_asked_for(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        result = run(parameters(files=self.paths(write, 20, 0), set_calibration_aside=True), context)
        assert (result.rows_train, result.rows_calibration, result.rows_test) == (45, 5, 20)

    def test_a_given_calibration_part_is_left_as_it_is(self, context: Context, write: Write, parameters: Build) -> None:
        files = self.paths(write, 20, 0) | {"calibration": write("tune.csv", table(distinct(7, "tune")))}
        result = run(parameters(files=files, set_calibration_aside=True), context)
        assert (result.rows_train, result.rows_calibration) == (50, 7)

    def test_a_column_missing_in_one_of_them_is_named_with_that_file(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        files = self.paths(write, 20, 0) | {"test": write("held_out.csv", "message,label\na,b\n")}
        with pytest.raises(UserError, match=r"column 'text' is not in held_out\.csv; its columns are message, label"):
            run(parameters(files=files), context)

    def test_a_label_never_seen_in_train_stays_in_test(self, context: Context, write: Write, parameters: Build) -> None:
        files = self.paths(write, 20, 0) | {"test": write("test.csv", "text,label\nnew one,c\nnew two,a\n")}
        result = run(parameters(files=files, needs_train=True), context)
        assert result.rows_test == 2
        assert result.labels == ("a", "b", "c")


class TestRefusals:
    def test_one_class_only(self, context: Context, write: Write, parameters: Build) -> None:
        path = write("data.csv", table([(f"text {number}", "lost") for number in range(20)]))
        with pytest.raises(UserError, match="column 'label' holds the one class 'lost' only"):
            run(parameters(path), context)

    def test_one_row(self, context: Context, write: Write, parameters: Build) -> None:
        with pytest.raises(UserError, match=r"data\.split leaves no test rows of 1 row"):
            run(parameters(write("data.csv", table(distinct(1)))), context)

    def test_no_train_rows_where_a_candidate_needs_them(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        with pytest.raises(UserError, match="no train rows are left"):
            run(parameters(files={"test": write("test.csv", table(distinct(9)))}, needs_train=True), context)

    def test_no_train_rows_where_a_candidate_is_pruned(self, context: Context, write: Write, parameters: Build) -> None:
        with pytest.raises(UserError, match="no train rows are left"):
            run(parameters(files={"test": write("test.csv", table(distinct(9)))}, prunes=True), context)

    def test_an_empty_target_cell(self, context: Context, write: Write, parameters: Build) -> None:
        with pytest.raises(UserError, match=r"column 'label' of data\.csv is empty in row 3;"):
            run(parameters(write("data.csv", "text,label\na,b\nc,\nd,b\n")), context)

    def test_a_file_that_changed_since_the_plan(self, context: Context, write: Write, parameters: Build) -> None:
        path = write("data.csv", table(distinct(9)))
        planned = parameters(path)
        write("data.csv", table(distinct(10)))
        with pytest.raises(UserError, match="changed since this job was planned"):
            run(planned, context)

    def test_a_column_that_this_version_does_not_use(self, context: Context, write: Write, parameters: Build) -> None:
        columns = Columns(input="text", target="label", context="passage")
        with pytest.raises(UserError, match=r"data\.columns\.context is not used"):
            run(parameters(write("data.csv", table(distinct(9))), columns=columns), context)

    def test_a_stopped_job_writes_nothing(self, context: Context, write: Write, parameters: Build) -> None:
        context.stop_at = "phase.write_rows"
        with pytest.raises(Stopped):
            run(parameters(write("data.csv", table(distinct(9)))), context)
        assert not (context.folder / "examples.jsonl").exists()


def test_ten_thousand_rows_are_split_exactly(context: Context, write: Write, parameters: Build) -> None:
    result = run(parameters(write("data.csv", table(distinct(10_000)))), context)
    assert result.rows_test == 2000


SCHEMA = Task(kind="generation", metric="json_schema", json_schema={"type": "object"})


def test_what_is_held_against_a_schema_needs_no_targets(context: Context, write: Write, parameters: Build) -> None:
    data = write("data.csv", "text\n" + "\n".join(f"row {number}" for number in range(20)) + "\n")
    result = run(parameters(data, task=SCHEMA, columns=Columns()), context)
    assert (result.rows_test, {example.target for example in read_examples(context.folder)}) == (4, {""})


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"task": SCHEMA, "columns": Columns(target="answer")}, "answer"),
        ({"task": SCHEMA, "columns": Columns(), "needs_train": True}, "target"),
        ({"task": Task(kind="generation", metric="exact_match"), "columns": Columns()}, "target"),
    ],
)
def test_targets_that_are_named_or_needed_must_be_there(
    context: Context, write: Write, parameters: Build, changes: dict[str, Any], column: str
) -> None:
    data = write("data.csv", "text\n" + "\n".join(f"row {number}" for number in range(20)) + "\n")
    with pytest.raises(UserError) as refused:
        run(parameters(data, **changes), context)
    assert (refused.value.code, refused.value.values["column"]) == ("data.column.missing", column)
