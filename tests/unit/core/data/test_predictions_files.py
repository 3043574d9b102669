from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from own_metric import install_metric

from core.data.examples import read_examples
from core.data.fingerprint import fingerprint
from core.data.imported import import_predictions, unknown_rows
from core.data.prepare import run
from core.domain import Example, Prediction, Split
from core.errors import UserError
from core.jobs.results import UnknownRows
from core.spec import PredictionColumns, PredictionsModel, SplitPlan, Task

if TYPE_CHECKING:
    Context = Any
    Build = Any
    Write = Any

STANDARD = PredictionColumns()
ACCURACY = Task(kind="classification", metric="accuracy")


def imported(
    path: Path, examples: list[Example], task: Task = ACCURACY, columns: PredictionColumns = STANDARD
) -> list[Prediction]:
    model = PredictionsModel(source="predictions", file=str(path), columns=columns)
    return import_predictions(fingerprint(path), model, examples, task)


def left_out(path: Path, examples: list[Example]) -> UnknownRows | None:
    model = PredictionsModel(source="predictions", file=str(path), columns=STANDARD)
    return unknown_rows(fingerprint(path), model, examples, ACCURACY)


def example(number: int, target: str = "a", split: Split = Split.TEST) -> Example:
    return Example(f"row-{number}", split, f"g{number}", f"input {number}", target)


class TestDatasetFromPredictions:
    def test_files_are_joined_on_id_in_the_first_files_order(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        strong = write("strong.csv", "id,input,target,output\n1,one,a,a\n2,two,b,b\n")
        weak = write("weak.csv", "id,input,score,group\n2,two,0.5,g\n1,one,1,g\n")
        result = run(parameters(predictions={strong: STANDARD, weak: STANDARD}), context)
        examples = read_examples(context.folder)
        assert [(one.example_id, one.input, one.target) for one in examples] == [("1", "one", "a"), ("2", "two", "b")]
        assert len({one.group for one in examples}) == 1
        assert result.rows_test == 2

    def test_without_ids_they_are_joined_on_the_input_and_equal_inputs_in_turn(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        strong = write("strong.csv", "id,input,target,score\n1,one,a,1\n2,same,b,1\n3,same,c,0\n")
        weak = write("weak.csv", "input,target,score\nsame,b,1\none,a,0\nsame,c,1\n")
        run(parameters(predictions={strong: STANDARD, weak: STANDARD}), context)
        assert [one.target for one in read_examples(context.folder)] == ["a", "b", "c"]

    def test_a_split_divides_their_rows(self, context: Context, write: Write, parameters: Build) -> None:
        lines = "".join(f"{number},input {number},{number % 2}\n" for number in range(50))
        path = write("scores.csv", "id,input,score\n" + lines)
        result = run(parameters(predictions={path: STANDARD}, split=SplitPlan(test=0.5, calibration=0.1)), context)
        assert (result.rows_train, result.rows_calibration, result.rows_test) == (20, 5, 25)
        assert result.label_entropy_bits is None

    def test_rows_absent_from_one_file_are_refused_with_its_name_and_their_number(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        strong = write("strong.csv", "id,input,score\n1,one,1\n2,two,1\n3,three,1\n")
        weak = write("weak.csv", "id,input,score\n2,two,1\n")
        with pytest.raises(UserError, match=r"weak\.csv lacks 2 rows .* such as row 2 of strong\.csv"):
            run(parameters(predictions={strong: STANDARD, weak: STANDARD}), context)

    def test_targets_that_disagree_are_refused_with_their_row(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        strong = write("strong.csv", "id,input,target,score\n1,one,a,1\n2,two,b,1\n")
        weak = write("weak.csv", "id,input,target,score\n2,two,c,1\n1,one,a,0\n")
        with pytest.raises(UserError, match=r"different targets for row 3 of strong\.csv"):
            run(parameters(predictions={strong: STANDARD, weak: STANDARD}), context)

    def test_repeated_ids_are_refused_with_their_row(self, context: Context, write: Write, parameters: Build) -> None:
        path = write("scores.csv", "id,input,score\n1,one,1\n1,two,0\n")
        with pytest.raises(UserError, match=r"scores\.csv, row 3: id '1'"):
            run(parameters(predictions={path: STANDARD}), context)

    def test_a_renamed_column_that_is_not_there_is_named(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        path = write("scores.csv", "question,right\none,1\n")
        columns = PredictionColumns(input="question", score="correct")
        expected = r"model\.columns\.score: column 'correct' is not in scores\.csv; its columns are question, right"
        with pytest.raises(UserError, match=expected):
            run(parameters(predictions={path: columns}), context)

    def test_a_file_with_neither_output_nor_score_is_refused(
        self, context: Context, write: Write, parameters: Build
    ) -> None:
        with pytest.raises(UserError, match=r"model\.columns\.output: column 'output' is not in x\.csv"):
            run(parameters(predictions={write("x.csv", "input,target\none,a\n"): STANDARD}), context)


class TestImport:
    def test_the_score_outranks_the_output_and_may_be_fractional(self, write: Write) -> None:
        path = write("p.csv", "input,output,score\ninput 1,wrong,0.75\n")
        assert imported(path, [example(1)])[0].score == 0.75

    def test_outputs_are_scored_by_equality_without_outer_blanks(self, write: Write) -> None:
        path = write("p.csv", "input,output\ninput 1, a \ninput 2,A\n")
        assert [one.score for one in imported(path, [example(1), example(2)])] == [1.0, 0.0]

    def test_a_blank_score_falls_back_on_the_output(self, write: Write) -> None:
        path = write("p.csv", "input,output,score\ninput 1,a,\ninput 2,b,0.5\n")
        assert [one.score for one in imported(path, [example(1), example(2)])] == [1.0, 0.5]

    @pytest.mark.parametrize(
        ("output", "target", "score"),
        [
            ("So it is 1,234.", "1234", 1.0),
            ("12 and then 5", "12", 0.0),
            ("about -3.50 euros", "#### -3.5", 1.0),
            ("none", "4", 0.0),
        ],
    )
    def test_numeric_answers_are_scored_by_their_last_number(
        self, write: Write, output: str, target: str, score: float
    ) -> None:
        path = write("p.csv", f'input,output\ninput 1,"{output}"\n')
        task = Task(kind="generation", metric="numeric")
        assert imported(path, [example(1, target)], task)[0].score == score

    def test_other_figures_are_read_and_blank_ones_are_null(self, write: Write) -> None:
        header = "id,input,output,score,confidence,input_tokens,output_tokens,latency_ms\n"
        path = write("p.csv", header + "row-1,x,a,1,0.5,3,4,12.5\nrow-2,y,b,true,,,,\n")
        first, second = imported(path, [example(1), example(2)])
        assert first == Prediction("row-1", "a", 1.0, 0.5, 3, 4, 12.5)
        assert second == Prediction("row-2", "b", 1.0, None, None, None, None)

    def test_predictions_stand_in_the_examples_order_whatever_the_files(self, write: Write) -> None:
        path = write("p.csv", "input,score\ninput 2,0.2\ninput 1,0.1\n")
        assert [one.score for one in imported(path, [example(1), example(2)])] == [0.1, 0.2]

    def test_one_prediction_serves_examples_with_the_same_input(self, write: Write) -> None:
        path = write("p.csv", "input,score\ninput 1,0.1\n")
        assert [one.score for one in imported(path, [example(1), example(1)])] == [0.1, 0.1]

    def test_rows_that_are_not_in_the_data_are_counted_and_the_first_is_named(self, write: Write) -> None:
        examples = [example(1), example(2, split=Split.TRAIN)]
        named = write("named.csv", "id,input,score\nx-9,else,1\nrow-1,input 1,1\nrow-2,input 2,1\nx-8,other,1\n")
        assert left_out(named, examples) == UnknownRows(count=2, first_row=2, first="x-9")
        by_input = write("by_input.csv", "input,score\ninput 1,1\ninput 2,1\nelse,0\ninput 1,0\n")
        assert left_out(by_input, examples) == UnknownRows(count=2, first_row=4, first="else")

    def test_rows_of_the_train_part_are_no_fault(self, write: Write) -> None:
        path = write("p.csv", "input,score\ninput 1,0.1\ninput 2,0.2\n")
        assert left_out(path, [example(1), example(2, split=Split.TRAIN)]) is None

    def test_train_examples_need_no_prediction_and_the_others_do(self, write: Write) -> None:
        path = write("p.csv", "input,score\ninput 1,0.1\n")
        assert len(imported(path, [example(1), example(2, split=Split.TRAIN)])) == 1
        with pytest.raises(UserError, match=r"p\.csv lacks 1 of the 2 test and calibration rows"):
            imported(path, [example(1), example(2, split=Split.CALIBRATION)])

    @pytest.mark.parametrize("score", ["1.5", "-0.1", "nan", "inf", "good"])
    def test_a_score_outside_0_to_1_is_refused_with_its_row(self, write: Write, score: str) -> None:
        path = write("p.csv", f"input,score\ninput 1,1\ninput 2,{score}\n")
        with pytest.raises(UserError, match=rf"p\.csv, row 3: score is '{score}' and must be a number from 0 to 1"):
            imported(path, [example(1), example(2)])

    def test_a_latency_below_zero_is_refused(self, write: Write) -> None:
        path = write("p.csv", "input,score,latency_ms\ninput 1,1,-4\n")
        with pytest.raises(UserError, match="latency_ms is '-4'"):
            imported(path, [example(1)])

    def test_outputs_of_a_metric_that_is_not_computed_here_need_a_score(self, write: Write) -> None:
        path = write("p.csv", "input,output\ninput 1,text\n")
        with pytest.raises(UserError, match="no score column, and judge is not computed"):
            imported(path, [example(1)], Task(kind="generation", metric="judge"))

    def test_an_output_is_scored_against_its_target_without_its_reasoning(self, write: Write) -> None:
        path = write("p.csv", "input,output\ninput 1,<think>no</think> A Cat\n")
        found = imported(path, [example(1, target="a cat sat")], Task(kind="generation", metric="rouge_l"))
        assert found[0].score == pytest.approx(0.8)

    def test_outputs_are_scored_by_a_metric_of_the_users_own_and_its_fault_names_the_row(
        self, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install_metric(tmp_path / "packages", monkeypatch, "return int(output) / len(target)")
        path = write("p.csv", "input,output\ninput 1,2\ninput 2,nine\n")
        task = Task(kind="generation", metric="plugin:near")
        found = imported(path, [example(1, target="four")], task)
        assert found[0].score == 0.5
        with pytest.raises(UserError, match=r"row 3: the metric near failed \(ValueError"):
            imported(path, [example(1, target="four"), example(2)], task)

    def test_sets_of_labels_are_kept_in_one_form_and_scored_by_the_row(self, write: Write) -> None:
        path = write("p.csv", "input,target,output\ninput 1,b;a,a; b\ninput 2,a,c;a\ninput 3,a,\n")
        task = Task(kind="multi_label", metric="micro_f1", separator=";")
        rows = [example(1, '["a", "b"]'), example(2, '["a"]'), example(3, '["a"]')]
        found = imported(path, rows, task)
        assert [one.output for one in found] == ['["a", "b"]', '["a", "c"]', None]
        assert [one.score for one in found] == [1.0, pytest.approx(2 / 3), 0.0]
        with pytest.raises(UserError, match=r"row 2: the (target|output) is no JSON list of labels"):
            imported(path, rows, Task(kind="multi_label", metric="micro_f1"))

    def test_an_output_without_any_target_needs_a_score(self, write: Write) -> None:
        path = write("p.csv", "input,output\ninput 1,text\n")
        with pytest.raises(UserError, match=r"row 2 has no score and its example has no target"):
            imported(path, [example(1, target="")])

    def test_a_target_that_differs_from_the_data_is_refused(self, write: Write) -> None:
        path = write("p.csv", "input,target,score\ninput 1,b,1\n")
        with pytest.raises(UserError, match=r"p\.csv, row 2: the target differs"):
            imported(path, [example(1)])
