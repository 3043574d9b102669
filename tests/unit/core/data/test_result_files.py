"""Result files of other tools as predictions: what is read of them, how they join, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tool_results
import yaml
from tool_results import (
    choice_sample,
    generation_sample,
    promptfoo_result,
    write_lines,
    write_promptfoo,
)

from core.data.examples import read_examples
from core.data.fingerprint import fingerprint
from core.data.imported import import_predictions
from core.data.init_study import guess_study
from core.data.prepare import run
from core.data.result_files import has_row_choices
from core.domain import Example, Prediction, Role, Split
from core.errors import UserError
from core.spec import PredictionColumns, PredictionsModel, SplitPlan, Study, Task
from core.study_checks import check_study

if TYPE_CHECKING:
    Context = Any
    Build = Any

ACCURACY = Task(kind="classification", metric="accuracy")
EXACT = Task(kind="generation", metric="exact_match")
BLEU = Task(kind="generation", metric="bleu")
COLOURS = ("red", "green", "blue")
ASKED = tuple(enumerate((("grass", "green"), ("the sky", "blue"), ("blood", "red"))))
TOOL_FILES = Path(tool_results.__file__).parent / "tool_files"


def model(path: Path, **options: Any) -> PredictionsModel:
    return PredictionsModel(source="predictions", file=str(path), **options)


def row(own_id: str, text: str, target: str = "") -> Example:
    return Example(own_id, Split.TEST, own_id, text, target)


def imported(path: Path, examples: list[Example], task: Task = ACCURACY, **options: Any) -> list[Prediction]:
    return import_predictions(fingerprint(path), model(path, **options), examples, task)


def asked(question: str) -> str:
    return f"Question: {question}\nAnswer:"


class TestSamplesOfLmEval:
    def test_the_likeliest_choice_is_the_output_and_its_share_the_confidence(self, tmp_path: Path) -> None:
        sample = choice_sample(7, "Which?", COLOURS, 1, (-3.0, -1.0, -2.0))
        (one,) = imported(write_lines(tmp_path / "samples_x.jsonl", [sample]), [row("7", asked("Which?"), "green")])
        assert (one.output, one.score) == ("green", 1.0)
        assert one.confidence == pytest.approx(0.6652, abs=1e-4)  # exp(-1) / (exp(-1) + exp(-2) + exp(-3))
        assert (one.input_tokens, one.output_tokens, one.latency_ms) == (None, None, None)

    def test_another_figure_of_lm_eval_is_the_score_where_the_column_names_it(self, tmp_path: Path) -> None:
        path = write_lines(tmp_path / "s.jsonl", [choice_sample(0, "Which?", COLOURS, 1, (-1.0, -2.0, -3.0))])
        examples = [row("0", asked("Which?"), "green")]
        assert imported(path, examples)[0].score == 0.0
        assert imported(path, examples, columns=PredictionColumns(score="acc_norm"))[0].score == 1.0

    def test_a_digit_is_read_as_the_choice_that_acc_says(
        self, tmp_path: Path, context: Context, parameters: Build
    ) -> None:
        # "2" is the place of the choice 3, or the choice at place 1: only acc tells which was meant.
        by_place = choice_sample(0, "a", ("1", "2", "3"), 2, (-3.0, -2.0, -1.0), acc=1.0)
        by_text = choice_sample(1, "b", ("1", "2", "3"), 2, (-3.0, -1.0, -2.0), acc=1.0)
        path = write_lines(tmp_path / "s.jsonl", [by_place, by_text])
        run(parameters(predictions={path: PredictionColumns()}), context)
        assert [one.target for one in read_examples(context.folder)] == ["3", "2"]

    def test_choices_that_stand_in_the_context_are_told_whole(self, tmp_path: Path) -> None:
        sample = choice_sample(0, "x", (" won", " won"), 0, (-2.0, -1.0), acc=1.0) | {"target": " won"}
        sample["arguments"]["gen_args_0"]["arg_0"] = "Because Ann"
        sample["arguments"]["gen_args_1"]["arg_0"] = "Because Bob"
        path = write_lines(tmp_path / "s.jsonl", [sample])
        (one,) = imported(path, [row("0", "Because Ann  won\nBecause Bob  won")])
        assert (one.output, one.score) == ("Because Bob  won", 1.0)

    def test_unconditional_requests_are_no_choices(self, tmp_path: Path) -> None:
        sample = choice_sample(0, "Which?", COLOURS, 1, (-3.0, -1.0, -2.0))
        for place, colour in enumerate(COLOURS):
            sample["arguments"][f"gen_args_{place + 3}"] = {"arg_0": "", "arg_1": f" {colour}"}
            sample["filtered_resps"].append(["-0.1", "False"])
        (one,) = imported(write_lines(tmp_path / "s.jsonl", [sample]), [row("0", asked("Which?"), "green")])
        assert one.output == "green"

    def test_rows_with_choices_of_their_own_are_told_from_texts_and_tables(self, tmp_path: Path) -> None:
        assert has_row_choices(TOOL_FILES / "lm_eval_0.4.13_choices.jsonl")
        assert not has_row_choices(TOOL_FILES / "lm_eval_0.4.13_texts.jsonl")
        assert not has_row_choices(TOOL_FILES / "promptfoo_0.121.20.json")
        table = tmp_path / "rows.csv"
        table.write_text("input,output\na,b\n", encoding="utf-8")
        assert not has_row_choices(table)

    def test_several_filters_are_told_apart_by_name(self, tmp_path: Path) -> None:
        path = write_lines(
            tmp_path / "s.jsonl",
            [
                generation_sample(0, "2 + 2?", "4", "[invalid]", "strict-match", 0.0),
                generation_sample(0, "2 + 2?", "4", "4", "flexible-extract", 1.0),
            ],
        )
        examples = [row("0", "Q: 1 + 1?\nA: 2\n\nQ: 2 + 2?\nA:", "4")]
        with pytest.raises(
            UserError, match=r"several answer filters \(strict-match, flexible-extract\).*model\.filter"
        ):
            imported(path, examples, EXACT)
        strict = imported(path, examples, EXACT, filter="strict-match")
        flexible = imported(path, examples, EXACT, filter="flexible-extract")
        assert [(one.output, one.score) for one in strict + flexible] == [("[invalid]", 0.0), ("4", 1.0)]
        with pytest.raises(UserError, match=r"no answer filter 'none'; its filters are strict-match, flexible"):
            imported(path, examples, EXACT, filter="none")

    def test_a_metric_that_lm_eval_did_not_compute_is_computed_from_the_output(self, tmp_path: Path) -> None:
        sample = generation_sample(0, "Say it", "a b c d", "a b c d", "none", 0.0)
        path = write_lines(tmp_path / "s.jsonl", [sample])
        (one,) = imported(path, [row("0", "Say it", "a b c d")], BLEU, columns=PredictionColumns(input="question"))
        assert one.score == pytest.approx(1.0)

    def test_arguments_as_lists_are_read_as_well(self, tmp_path: Path) -> None:
        sample = generation_sample(0, "2 + 2?", "4", "4", "none", 1.0)
        sample["arguments"] = [["2 + 2?", {"until": ["\n"]}]]
        (one,) = imported(write_lines(tmp_path / "s.jsonl", [sample]), [row("0", "2 + 2?", "4")], EXACT)
        assert one.output == "4"

    def test_samples_of_perplexity_are_refused_with_their_line(self, tmp_path: Path) -> None:
        sample = generation_sample(0, "x", "y", "z", "none", 0.0)
        sample["arguments"] = {"gen_args_0": {"arg_0": "a text"}}
        path = write_lines(tmp_path / "s.jsonl", [sample])
        with pytest.raises(UserError, match=r"s\.jsonl, line 1: this sample holds no answer.*perplexity"):
            imported(path, [row("0", "x")], EXACT)

    def test_a_file_cut_short_is_refused_with_its_line(self, tmp_path: Path) -> None:
        path = write_lines(tmp_path / "s.jsonl", [choice_sample(0, "a", COLOURS, 1, (-3.0, -1.0, -2.0))])
        path.write_text(path.read_text(encoding="utf-8") * 2 + '{"doc_id": 2, "doc"', encoding="utf-8")
        with pytest.raises(UserError, match=r"s\.jsonl, line 3 is not JSON"):
            imported(path, [row("0", asked("a"))])

    def test_the_summary_beside_the_samples_is_told_from_them(self, tmp_path: Path) -> None:
        path = tmp_path / "results_2026.json"
        path.write_text(json.dumps({"results": {"arc": {"acc,none": 0.3}}, "n-samples": {}}), encoding="utf-8")
        with pytest.raises(UserError, match=r"summary, which holds no answers; give the samples_"):
            imported(path, [row("0", "a")])


class TestFilesThatTheToolsWrote:
    """lm-eval 0.4.13's own files, of its dummy model on three rows (`--model dummy --log_samples`), and promptfoo
    0.121.20's of two scripted providers."""

    @pytest.mark.parametrize(("provider", "scores"), [("cheap", [1.0, 0.0, 0.0]), ("dear", [0.0, 1.0, 1.0])])
    def test_results_of_promptfoo(self, provider: str, scores: list[float]) -> None:
        asked_for = (("Too dear", "fees"), ("Lost it", "card"), ("Where is it", "card"))
        examples = [row(str(test), f"Classify: {text}", right) for test, (text, right) in enumerate(asked_for)]
        found = imported(TOOL_FILES / "promptfoo_0.121.20.json", examples, provider=provider)
        assert [one.score for one in found] == scores
        assert {(one.input_tokens, one.output_tokens) for one in found} == {(6, 2)}

    def test_a_study_of_promptfoos_own_file_has_its_costs(self) -> None:
        study = Study.model_validate(yaml.safe_load(guess_study(TOOL_FILES / "promptfoo_0.121.20.json")))
        assert [(one.name, one.role) for one in study.candidates][:2] == [
            ("dear", Role.TEACHER),
            ("cheap", Role.STUDENT),
        ]
        assert study.profiles["cheap"].model_dump()["price"]["per_million_requests"] == pytest.approx(100.0)

    def test_choices(self) -> None:
        examples = [row(str(place), asked(f"What colour is {thing}?"), right) for place, (thing, right) in ASKED]
        found = imported(TOOL_FILES / "lm_eval_0.4.13_choices.jsonl", examples)
        assert [(one.output, one.score) for one in found] == [("red", 0.0), ("blue", 1.0), ("blue", 0.0)]
        assert all(one.confidence is not None and 1 / 3 < one.confidence < 1 for one in found)

    @pytest.mark.parametrize("answer_filter", ["strict-match", "whole"])
    def test_texts_of_each_filter(self, answer_filter: str) -> None:
        examples = [row(str(place), asked(f"What colour is {thing}?"), right) for place, (thing, right) in ASKED]
        found = imported(TOOL_FILES / "lm_eval_0.4.13_texts.jsonl", examples, EXACT, filter=answer_filter)
        assert [(one.output, one.score) for one in found] == [("lol", 0.0)] * 3


class TestResultsOfPromptfoo:
    def test_output_score_tokens_and_latency_are_read(self, tmp_path: Path) -> None:
        path = write_promptfoo(tmp_path / "r.json", [promptfoo_result(0, "Too dear", "fees")])
        examples = [row("0", "Classify: Too dear", "fees")]
        assert imported(path, examples) == [Prediction("0", "fees", 1.0, None, 12, 3, 420.0)]

    def test_lines_are_read_as_the_whole_document_is(self, tmp_path: Path) -> None:
        results = [promptfoo_result(0, "Too dear", "fees"), promptfoo_result(1, "Lost it", "fees", "card")]
        examples = [row("0", "Classify: Too dear", "fees"), row("1", "Classify: Lost it", "card")]
        whole = imported(write_promptfoo(tmp_path / "r.json", results), examples)
        assert imported(write_lines(tmp_path / "r.jsonl", results), examples) == whole
        assert [one.score for one in whole] == [1.0, 0.0]

    def test_what_came_from_its_cache_has_no_latency(self, tmp_path: Path) -> None:
        result = promptfoo_result(0, "Too dear", "fees")
        result["response"] |= {"cached": True, "tokenUsage": {"total": 15, "cached": 15}}
        (one,) = imported(write_promptfoo(tmp_path / "r.json", [result]), [row("0", "Classify: Too dear", "fees")])
        assert (one.latency_ms, one.input_tokens) == (None, None)

    def test_where_nothing_was_asserted_the_output_is_scored(self, tmp_path: Path) -> None:
        result = promptfoo_result(0, "Too dear", "loans", score=1, success=True, gradingResult=None, failureReason=0)
        result["testCase"].pop("assert")
        path = write_promptfoo(tmp_path / "r.json", [result])
        (one,) = imported(path, [row("0", "Classify: Too dear", "fees")])
        assert one.score == 0.0

    def test_named_scores_and_success_may_be_the_score(self, tmp_path: Path) -> None:
        result = promptfoo_result(0, "Too dear", "fees", namedScores={"tone": 0.25})
        path = write_promptfoo(tmp_path / "r.json", [result])
        examples = [row("0", "Classify: Too dear", "fees")]
        assert imported(path, examples, columns=PredictionColumns(score="tone"))[0].score == 0.25
        assert imported(path, examples, columns=PredictionColumns(score="success"))[0].score == 1.0

    def test_providers_of_one_file_are_candidates_that_join_on_their_tests(
        self, tmp_path: Path, context: Context, parameters: Build
    ) -> None:
        results = [
            promptfoo_result(test, f"text {test}", output, "fees" if test % 2 else "card", provider, promptIdx=place)
            for test in range(4)
            for place, (provider, output) in enumerate((("openai:gpt-4.1", "fees"), ("ollama:qwen", "card")))
        ]
        path = write_promptfoo(tmp_path / "r.json", results)
        both = [model(path, provider=name) for name in ("openai:gpt-4.1", "ollama:qwen")]
        given = parameters(predictions={path: PredictionColumns()}, split=SplitPlan(test=0.5, calibration=0.0))
        run(
            given.model_copy(update={"predictions": (fingerprint(path),) * 2, "prediction_columns": tuple(both)}),
            context,
        )
        examples = read_examples(context.folder)
        assert [one.target for one in examples] == ["card", "fees", "card", "fees"]
        scores = [[one.score for one in import_predictions(fingerprint(path), one, examples, ACCURACY)] for one in both]
        assert scores == [[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]]
        with pytest.raises(UserError, match=r"several providers \(openai:gpt-4\.1, ollama:qwen\); name one.*provider"):
            imported(path, examples)
        with pytest.raises(UserError, match=r"no provider 'gpt-5'; its providers are openai"):
            imported(path, examples, provider="gpt-5")

    def test_several_prompts_of_one_provider_are_told_apart_by_number_or_label(self, tmp_path: Path) -> None:
        short = promptfoo_result(0, "a", "fees", promptIdx=0)
        long = promptfoo_result(0, "a", "card", promptIdx=1, prompt={"raw": "Think: a", "label": "thoughtful"})
        path = write_promptfoo(tmp_path / "r.json", [short, long])
        with pytest.raises(UserError, match=r"several prompts.*0: Classify.*1: thoughtful.*model\.prompt"):
            imported(path, [row("0", "Classify: a", "fees")])
        assert imported(path, [row("0", "Think: a", "fees")], prompt="thoughtful")[0].output == "card"
        assert imported(path, [row("0", "Classify: a", "fees")], prompt="0")[0].output == "fees"

    def test_a_variable_may_be_the_input(self, tmp_path: Path) -> None:
        path = write_promptfoo(tmp_path / "r.json", [promptfoo_result(0, "Too dear", "fees")])
        (one,) = imported(path, [row("row-1", "Too dear", "fees")], columns=PredictionColumns(input="message"))
        assert one.example_id == "row-1"

    def test_its_numbers_do_not_match_rows_of_other_data(self, tmp_path: Path) -> None:
        results = [promptfoo_result(0, "one", "card", "card"), promptfoo_result(1, "two", "fees")]
        path = write_promptfoo(tmp_path / "r.json", results)
        data = [row("1", "one", "card"), row("2", "two", "fees")]
        found = imported(path, data, columns=PredictionColumns(input="message"))
        assert [one.output for one in found] == ["card", "fees"]

    def test_a_request_that_failed_is_refused_with_its_place_and_reason(self, tmp_path: Path) -> None:
        failed = promptfoo_result(
            1, "b", None, failureReason=2, error="API error: 429 Too Many Requests", response=None
        )
        path = write_promptfoo(tmp_path / "r.json", [promptfoo_result(0, "a", "fees"), failed])
        with pytest.raises(UserError, match=r"r\.json, result 2: the request failed \(API error: 429.*evaluate this"):
            imported(path, [row("0", "Classify: a")])

    @pytest.mark.parametrize(
        ("content", "refusal"),
        [
            ('{"results": {"version": 3, "results": [{"vars"', r"r\.json is not whole JSON"),
            ('{"results": {"version": 3}}', r"r\.json holds no results of promptfoo"),
            ("[1, 2]", r"r\.json holds no results of promptfoo"),
            ('{"results": {"results": [{"vars": {}}]}}', r"r\.json, result 1 is none of promptfoo's"),
            ('{"results": {"results": []}}', r"r\.json holds no results; evaluate"),
        ],
    )
    def test_files_that_are_not_whole_are_refused(self, tmp_path: Path, content: str, refusal: str) -> None:
        path = tmp_path / "r.json"
        path.write_text(content, encoding="utf-8")
        with pytest.raises(UserError, match=refusal):
            imported(path, [row("0", "a")])

    def test_a_file_without_results_is_told_before_its_providers(self, tmp_path: Path) -> None:
        path = write_promptfoo(tmp_path / "r.json", [])
        with pytest.raises(UserError, match=r"r\.json holds no results; evaluate"):
            imported(path, [row("0", "a")], provider="openai:gpt-4.1")


class TestWhatTheyShare:
    def test_prompts_that_differ_name_the_remedy(self, tmp_path: Path, context: Context, parameters: Build) -> None:
        first = choice_sample(0, "Which?", COLOURS, 1, (-3.0, -1.0, -2.0))
        second = choice_sample(0, "Which?", COLOURS, 1, (-3.0, -1.0, -2.0))
        other = choice_sample(1, "And now?", COLOURS, 0, (-3.0, -1.0, -2.0))
        for request in second["arguments"].values():
            request["arg_0"] = "<|user|> Which? <|assistant|>"
        paths = [write_lines(tmp_path / name, [one, other]) for name, one in (("a.jsonl", first), ("b.jsonl", second))]
        with pytest.raises(UserError, match=r"where only the prompts differ, let model\.columns\.input name"):
            run(parameters(predictions=dict.fromkeys(paths, PredictionColumns())), context)
        run(parameters(predictions=dict.fromkeys(paths, PredictionColumns(input="question"))), context)
        assert [one.input for one in read_examples(context.folder)] == ["Which?", "And now?"]

    def test_a_field_that_no_record_has_is_named(self, tmp_path: Path) -> None:
        path = write_lines(tmp_path / "s.jsonl", [choice_sample(0, "a", COLOURS, 1, (-3.0, -1.0, -2.0))])
        with pytest.raises(UserError, match=r"model\.columns\.input: column 'query' is not in s\.jsonl.*question"):
            imported(path, [row("0", "a")], columns=PredictionColumns(input="query"))

    def test_the_format_can_be_said_and_a_file_that_is_none_is_refused(self, tmp_path: Path) -> None:
        path = write_lines(tmp_path / "p.jsonl", [{"input": "a", "output": "b", "score": 1}])
        assert imported(path, [row("row-1", "a")], format="table")[0].score == 1.0
        with pytest.raises(UserError, match=r"p\.jsonl, line 1 is no sample of lm-evaluation-harness"):
            imported(path, [row("row-1", "a")], format="lm_eval")
        with pytest.raises(UserError, match=r"p\.jsonl, result 1 is none of promptfoo's"):
            imported(path, [row("row-1", "a")], format="promptfoo")


class TestGuessedStudy:
    def test_each_provider_becomes_a_candidate_and_the_dearest_the_teacher(self, tmp_path: Path) -> None:
        results = [
            promptfoo_result(test, f"text {test}", "fees", ("fees", "card")[test % 2], name, promptIdx=place, cost=cost)
            for test in range(8)
            for place, (name, cost) in enumerate((("ollama:qwen", 0), ("openai:gpt-4.1", 0.0004)))
        ]
        path = write_promptfoo(tmp_path / "support.json", results)
        study = Study.model_validate(yaml.safe_load(guess_study(path)))
        check_study(study)
        assert [(one.name, one.role) for one in study.candidates] == [
            ("openai-gpt-4.1", Role.TEACHER),
            ("ollama-qwen", Role.STUDENT),
            ("hybrid", Role.HYBRID),
        ]
        assert study.task.metric == "accuracy"
        assert study.profiles["openai-gpt-4.1"].model_dump()["price"]["per_million_requests"] == pytest.approx(400.0)

    def test_samples_of_one_model_become_a_teacher_with_the_first_filter(self, tmp_path: Path) -> None:
        records = [generation_sample(0, "2 + 2?", "4", "4", name, 1.0) for name in ("strict-match", "flexible")]
        study = Study.model_validate(yaml.safe_load(guess_study(write_lines(tmp_path / "samples_g.jsonl", records))))
        check_study(study)
        (teacher,) = study.candidates
        assert isinstance(teacher.model, PredictionsModel)
        assert (teacher.model.filter, study.task.metric) == ("strict-match", "exact_match")
