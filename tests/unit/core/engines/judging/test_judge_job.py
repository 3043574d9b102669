"""A judge reads the answers of a benchmark in both orders: its verdicts are bought once, whatever happens between."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from answered_study import answered_study, tower
from job_context import RecordingContext, job_context
from scripted_endpoint import Reply, Request, completion, scripted_endpoint
from tiny_documents import index_parameters, made_index, write_documents
from tiny_language_models import write_language_model

from core.data.examples import read_examples, write_examples
from core.data.fingerprint import fingerprint
from core.data.predictions import read_predictions, write_predictions
from core.domain import Picture, Prediction
from core.engines.judging.hearing import HOPELESS_VERDICTS
from core.engines.judging.job import run
from core.engines.retrieval.given import FILE_NAME, Found, write_found
from core.errors import UserError
from core.jobs.results import JudgeResult
from core.jobs.specs import JudgeParameters, PredictionsFile
from core.model_files import fingerprint_weights
from core.spec import EndpointModel, Judge, LocalModel, PredictionsModel, Task
from core.worker.context import Stopped

JUDGED = Task(kind="generation", metric="judge", prompt="Where is {text}?")
GROUNDED = Task(kind="generation", metric="groundedness", prompt="{passage}\n\nWhere is {text}?")
CITIES = ("Oslo", "Rome", "Paris", "Cairo")
ROWS = 12

pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The jobs' folder of a study with a dataset and a candidate's answers: right, wrong, right …; one is absent."""
    rows = []
    for row in range(ROWS):
        city = CITIES[row % 4]
        said = None if row == ROWS - 1 else f"It is in {city}." if row % 2 == 0 else "It is in Lima."
        answer = Prediction(f"r{row}", said, 0.0, input_tokens=5, output_tokens=4, latency_ms=20.0)
        rows.append((tower(row, city, f"Tower {row} stands in {city}. It is {row + 10} m high."), answer))
    return answered_study(tmp_path, rows)


class Job:
    """A judge job in a folder of its own, beside the data and the answers."""

    def __init__(self, study: Path, model: EndpointModel | LocalModel | None, task: Task = JUDGED, **more: Any) -> None:
        self.folder = study / more.pop("folder", "judge")
        self.inputs = {"data": study / "data", "answers": study / "bench"}
        sha256, predictions = more.pop("sha256", None), more.pop("predictions", None)
        judge = None if model is None else Judge(model=model, **more)
        column = "passage" if task.metric == "groundedness" else None
        self.parameters = JudgeParameters(
            task=task, judge=judge, model_sha256=sha256, context_column=column, predictions=predictions
        )

    def run(self, stop_when: Callable[[RecordingContext], bool] = lambda context: False) -> JudgeResult:
        self.context = job_context(self.folder, self.parameters, self.inputs, stop_when)
        return run(self.parameters, self.context)

    def scores(self) -> list[float]:
        return [one.score for one in read_predictions(self.folder)]


def parts(message: str) -> dict[str, str]:
    """The fenced texts of a message by their titles, in its order."""
    return dict(re.findall(r"^([^\n]+):\n<<<\n(.*?)\n>>>", message, re.MULTILINE | re.DOTALL))


def fair(number: int, request: Request) -> Reply:
    """5 where the answer names the city of the reference, 1 elsewhere."""
    shown = parts(request.message)
    return Reply(completion("5" if shown["Reference answer"] in shown["Answer to judge"] else "1"))


def test_each_answer_is_judged_in_both_orders_and_one_that_is_absent_scores_zero(study: Path) -> None:
    with scripted_endpoint(fair) as server:
        job = Job(study, server.model())
        result = job.run()
        orders = [list(parts(message)) for message in server.messages()]
    assert orders.count(["Question", "Reference answer", "Answer to judge"]) == ROWS - 1
    assert orders.count(["Question", "Answer to judge", "Reference answer"]) == ROWS - 1
    assert job.scores() == [1.0 if row % 2 == 0 else 0.0 for row in range(ROWS)]
    assert (result.rows, result.unanswered, result.both_orders, result.disagreements) == (ROWS, 1, ROWS - 1, 0)
    assert (result.verdicts, result.bought, result.kept, result.unreadable) == (22, 22, 0, 0)
    assert (result.input_tokens, result.output_tokens) == (7 * 22, 3 * 22)
    assert [one.score for one in job.context.sent] == job.scores()
    assert {one.verdict: one.count for one in result.by_verdict} == {"5": 12, "1": 10}


def test_what_was_asked_is_shown_with_its_columns_and_the_rest_of_a_prediction_stays(study: Path) -> None:
    with scripted_endpoint(fair) as server:
        job = Job(study, server.model(), prompt="Spelling counts.")
        job.run()
        assert all(message.startswith("Spelling counts.\n\n") for message in server.messages())
        assert any(parts(message)["Question"] == "Where is tower 3?" for message in server.messages())
    before = read_predictions(study / "bench")
    after = read_predictions(job.folder)
    assert [replace(one, score=0.0) for one in after] == before


def test_a_judge_that_likes_the_first_text_is_found_out(study: Path) -> None:
    """It gives 4 to an answer that stands first, and 2 to one that stands second."""

    def biased(number: int, request: Request) -> Reply:
        return Reply(completion("4" if list(parts(request.message))[1] == "Answer to judge" else "2"))

    with scripted_endpoint(biased) as server:
        job = Job(study, server.model())
        result = job.run()
    assert job.scores() == [0.5] * (ROWS - 1) + [0.0]  # (4 - 1) / 4 and (2 - 1) / 4
    assert (result.disagreements, result.both_orders) == (ROWS - 1, ROWS - 1)
    assert (result.first_order, result.second_order) == (0.25, 0.75)
    assert any("other order" in line for line in job.context.logs)


def test_a_comparison_does_not_tell_which_text_is_the_reference(study: Path) -> None:
    def better(number: int, request: Request) -> Reply:
        shown = parts(request.message)
        assert set(shown) == {"Question", "Answer A", "Answer B"}
        first, second = ("Lima" in shown[name] for name in ("Answer A", "Answer B"))
        return Reply(completion("tie" if first == second else "B" if first else "A"))

    with scripted_endpoint(better) as server:
        job = Job(study, server.model(), mode="pairwise")
        result = job.run()
    assert job.scores() == [0.5 if row % 2 == 0 else 0.0 for row in range(ROWS)]
    assert (result.method, result.scale, result.disagreements) == ("pairwise", None, 0)


def test_verdicts_are_bought_once_also_after_a_stop_and_by_another_job(study: Path) -> None:
    with scripted_endpoint(fair) as server:
        cut = Job(study, server.model())
        with pytest.raises(Stopped):
            cut.run(lambda context: context.steps("phase.judge") >= 5)
        bought = len(server.requests)
        assert 5 <= bought < 22
        again = Job(study, server.model())
        result = again.run()
        assert len(server.requests) == 22
        assert (result.bought, result.kept) == (22, 0)  # those of the stopped attempt are this job's own
        other = Job(study, server.model(), folder="other")
        other.context = job_context(other.folder, other.parameters, other.inputs)
        other.context.spec = other.context.spec.model_copy(update={"job_id": "another"})
        assert (run(other.parameters, other.context).bought, len(server.requests)) == (0, 22)
        assert other.scores() == again.scores()


def test_the_cap_of_requests_holds_for_verdicts_too(study: Path) -> None:
    with scripted_endpoint(fair) as server:
        with pytest.raises(UserError) as refused:
            Job(study, server.model(max_requests=21)).run()
        assert (refused.value.code, len(server.requests)) == ("endpoint.cap", 0)


def test_a_judge_without_any_verdict_is_stopped_early_with_its_words(study: Path) -> None:
    with scripted_endpoint(lambda number, request: Reply(completion("I like it."))) as server:
        with pytest.raises(UserError) as refused:
            Job(study, server.model()).run()
        assert len(server.requests) < 22 + 8
    assert refused.value.code == "judge.unreadable"
    assert "I like it." in refused.value.text
    assert refused.value.values["count"] == HOPELESS_VERDICTS


def test_verdicts_of_before_that_cannot_be_read_do_not_pass_for_a_judge_that_can_be(study: Path) -> None:
    with scripted_endpoint(lambda number, request: Reply(completion("I like it."))) as server:
        with pytest.raises(UserError):
            Job(study, server.model()).run()
        asked = len(server.requests)
        with pytest.raises(UserError) as refused:
            Job(study, server.model(), folder="again").run()
    assert refused.value.code == "judge.unreadable"
    assert len(server.requests) - asked <= 1  # the request that goes before a run


def test_too_many_verdicts_that_cannot_be_read_stop_the_job(study: Path) -> None:
    def sulky(number: int, request: Request) -> Reply:
        return Reply(completion("hm" if "tower 3" in request.message else "5"))

    with scripted_endpoint(sulky) as server, pytest.raises(UserError) as refused:
        Job(study, server.model()).run()
    assert (refused.value.code, refused.value.values["count"], refused.value.values["verdicts"]) == (
        "judge.unreadable",
        2,
        22,
    )


def test_a_single_verdict_that_cannot_be_read_leaves_the_row_to_the_other_order(study: Path) -> None:
    def once(number: int, request: Request) -> Reply:
        shown = list(parts(request.message))
        return Reply(completion("hm" if "tower 3" in request.message and shown[1] == "Answer to judge" else "5"))

    with scripted_endpoint(once) as server:
        job = Job(study, server.model())
        result = job.run()
    assert (result.unreadable, result.unreadable_rows, result.both_orders) == (1, 0, ROWS - 2)
    assert job.scores()[3] == 1.0
    assert any("cannot be read" in line for line in job.context.logs)


def test_the_judge_is_held_against_an_exact_match_where_targets_are_short(study: Path) -> None:
    said = [replace(one, output=(one.output or "Lima.")[:-1].split()[-1]) for one in read_predictions(study / "bench")]
    write_predictions(study / "bench", said)
    with scripted_endpoint(lambda number, request: Reply(completion("5"))) as server:
        result = Job(study, server.model()).run()
    assert (result.exact_rows, result.exact_agreements) == (ROWS, ROWS / 2)
    assert (result.exact_matches, result.exact_judged_right, result.kappa) == (ROWS / 2, ROWS, 0.0)


def test_an_answer_that_ties_with_its_target_is_right_to_a_judge_that_compares(study: Path) -> None:
    said = [replace(one, output=(one.output or "Lima.")[:-1].split()[-1]) for one in read_predictions(study / "bench")]
    write_predictions(study / "bench", said)

    def fair_to_both(number: int, request: Request) -> Reply:
        shown = parts(request.message)
        same = shown["Answer A"] == shown["Answer B"]
        return Reply(completion("tie" if same else "B" if shown["Answer A"] == "Lima" else "A"))

    with scripted_endpoint(fair_to_both) as server:
        result = Job(study, server.model(), mode="pairwise").run()
    assert (result.exact_matches, result.exact_judged_right, result.kappa) == (ROWS / 2, ROWS / 2, 1.0)


def test_a_judge_that_gives_one_verdict_whatever_it_reads_is_counted_and_told(study: Path) -> None:
    with scripted_endpoint(lambda number, request: Reply(completion("5"))) as server:
        job = Job(study, server.model())
        result = job.run()
    assert [(one.verdict, one.count) for one in result.by_verdict] == [("5", 22)]
    assert [(one.score, one.rows) for one in result.by_score] == [(1.0, ROWS - 1)]
    assert any("big-teacher gave all 11 answers the same score" in line for line in job.context.logs)


def test_imported_answers_are_judged_and_keep_the_scores_of_their_file(study: Path, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.csv"
    lines = [f"r{row},tower {row},It is in Lima.,{0.75 if row < 3 else ''}" for row in range(ROWS)]
    path.write_text("id,input,output,score\n" + "\n".join(lines) + "\n", encoding="utf-8")
    given = [Prediction(f"r{row}", "It is in Lima.", 0.75 if row < 3 else 0.0) for row in range(ROWS)]
    write_predictions(study / "bench", given)
    file = PredictionsFile(file=fingerprint(path), columns=PredictionsModel(source="predictions", file=str(path)))
    with scripted_endpoint(fair) as server:
        job = Job(study, server.model(), predictions=file)
        result = job.run()
        assert len(server.requests) == 2 * (ROWS - 3)
    assert job.scores() == [0.75] * 3 + [0.0] * (ROWS - 3)
    assert (result.rows, result.given) == (ROWS - 3, 3)


def test_a_model_on_this_machine_weighs_the_verdicts(study: Path, tmp_path: Path) -> None:
    folder = write_language_model(tmp_path / "model", seed=1)
    model = LocalModel(source="local", path=str(folder))
    job = Job(study, model, scale=3, prompt="Rate it.", sha256=fingerprint_weights(folder))
    result = job.run()
    assert (result.unreadable, result.verdicts) == (0, 22)
    assert set(job.scores()) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    again = Job(study, model, scale=3, prompt="Rate it.", sha256=fingerprint_weights(folder), folder="again")
    again.run()
    assert again.scores() == job.scores()


def test_groundedness_without_a_judge_asks_nobody(study: Path) -> None:
    job = Job(study, None, GROUNDED)
    result = job.run()
    assert job.scores() == [1.0 if row % 2 == 0 else 0.0 for row in range(ROWS)]
    assert (result.method, result.judge, result.rows, result.unanswered) == ("words", None, ROWS, 1)


def test_groundedness_by_a_judge_asks_about_each_sentence(study: Path) -> None:
    first = read_predictions(study / "bench")
    said = "It stands in Oslo. It was built by Eiffel."
    write_predictions(study / "bench", [replace(first[0], output=said), *first[1:]])

    def supported(number: int, request: Request) -> Reply:
        shown = parts(request.message)
        return Reply(completion("yes" if shown["Claim"].rstrip(".").split()[-1] in shown["Context"] else "No."))

    with scripted_endpoint(supported) as server:
        job = Job(study, server.model(), GROUNDED)
        result = job.run()
    assert job.scores()[:3] == [0.5, 0.0, 1.0]
    assert (result.method, result.both_orders, result.verdicts) == ("sentences", 0, ROWS)


def test_the_judge_sees_the_picture_of_its_row(study: Path) -> None:
    rows = read_examples(study / "data")
    pictured = replace(rows[0], picture=Picture("https://host/tower.png"))
    write_examples(study / "data", [pictured, *rows[1:]])
    with scripted_endpoint(lambda number, request: Reply(completion("5"))) as server:
        job = Job(study, server.model(images=True))
        job.parameters = job.parameters.model_copy(update={"pictures": True})
        job.run()
        contents = [request.body["messages"][0]["content"] for request in server.requests]
    shown = [one for one in contents if not isinstance(one, str)]
    assert [[part["type"] for part in one] for one in shown] == [["text", "image_url"]] * 2
    assert all("was given with the question" in one[0]["text"] for one in shown)
    assert len(contents) == 22


@pytest.mark.parametrize("by_judge", [False, True])
def test_groundedness_counts_the_passages_that_the_candidate_was_given(
    study: Path, tmp_path: Path, by_judge: bool
) -> None:
    documents = {f"{city}.txt": f"The mayor of {city} lives in Lima." for city in CITIES}
    made_index(study / "index", index_parameters(write_documents(tmp_path / "docs", documents)))
    write_found(study / "bench" / FILE_NAME, [Found(f"r{row}", 1.0, (row % 4,)) for row in range(ROWS - 2)])

    def supported(number: int, request: Request) -> Reply:
        shown = parts(request.message)
        return Reply(completion("yes" if shown["Claim"].rstrip(".").split()[-1] in shown["Context"] else "no"))

    with scripted_endpoint(supported) as server:
        job = Job(study, server.model() if by_judge else None, GROUNDED)
        job.inputs |= {"found": study / "bench", "index": study / "index"}
        job.run()
        contexts = [parts(message)["Context"] for message in server.messages()]
    assert job.scores() == [1.0] * (ROWS - 2) + [1.0, 0.0]  # the last two rows were found nothing for
    if by_judge:
        assert sum("high.\n\n[1] The mayor of" in one for one in contexts) == ROWS - 2
