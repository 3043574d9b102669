"""A task of lm-eval asked of a folder or an endpoint; lm-eval itself stands in as an importable fake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
import torch
from fake_lm_eval import RESULTS, FakeHarness, install
from job_context import RecordingContext, job_context
from tiny_language_models import write_language_model

from core.data.fingerprint import folder_sha256
from core.engines.language.answer import Answer
from core.engines.language.answer_store import Asked
from core.engines.language.endpoint_budget import Budget
from core.engines.language.generator import Generation
from core.engines.language.token_guess import TokenGuess
from core.engines.suites import endpoint_model as endpoint_module
from core.engines.suites import job
from core.engines.suites.reading import metrics_of
from core.errors import UserError
from core.jobs.results import SuiteMetric, SuiteResult
from core.jobs.specs import DataFile, SuiteParameters, VendorPrice
from core.spec import EndpointModel, LocalModel
from core.worker.context import Stopped

ENDPOINT = EndpointModel(source="endpoint", base_url="http://localhost:1/v1", model="big")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_language_model(tmp_path_factory.mktemp("language"))


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> FakeHarness:
    fake = FakeHarness()
    install(monkeypatch, fake)
    return fake


def run(
    folder: Path,
    loadable: LocalModel | EndpointModel,
    stop_when: Callable[[RecordingContext], bool] = lambda context: False,
    **parts: Any,
) -> SuiteResult:
    parameters = SuiteParameters(library="lm-eval 0.4.13", loadable=loadable, **{"task": "capitals", **parts})
    return job.run(parameters, job_context(folder / "jobs" / "suite", parameters, {}, stop_when))


def local(model: Path) -> LocalModel:
    return LocalModel(source="local", path=str(model))


def refusal(folder: Path, loadable: LocalModel | EndpointModel, **parts: Any) -> UserError:
    with pytest.raises(UserError) as caught:
        run(folder, loadable, **parts)
    return caught.value


def test_every_figure_comes_with_its_error_rows_and_examples() -> None:
    assert metrics_of(RESULTS) == (
        SuiteMetric(
            task="capitals", metric="acc", filter="none", value=0.75, standard_error=0.25, rows=4, num_fewshot=2
        ),
        SuiteMetric(
            task="capitals", metric="exact_match", filter="strict", value=0.5, standard_error=None, rows=4,
            num_fewshot=2,
        ),
    )  # fmt: skip


def test_a_folder_is_asked_with_its_own_weights_and_the_study_s_settings(
    tmp_path: Path, model: Path, harness: FakeHarness
) -> None:
    result = run(tmp_path, local(model), limit=3, num_fewshot=2, chat_template=True)
    (asked,) = harness.calls
    assert (asked["tasks"], asked["limit"], asked["num_fewshot"], asked["apply_chat_template"]) == (
        ["capitals"], 3, 2, True,
    )  # fmt: skip
    assert asked["model"].pretrained.config.hidden_size == 32
    assert len(asked["model"].tokenizer) > 90
    assert (result.task, result.limit, result.library, len(result.metrics)) == ("capitals", 3, "lm-eval 0.4.13", 2)


def test_a_stop_ends_the_evaluation_at_the_next_pass(tmp_path: Path, model: Path, harness: FakeHarness) -> None:
    passes = []

    def passing(asked: Mapping[str, Any]) -> dict[str, Any]:
        for _ in range(3):
            asked["model"].pretrained(torch.tensor([[2]]))
            passes.append(1)
        return RESULTS

    harness.answer = passing
    with pytest.raises(Stopped):
        run(tmp_path, local(model), lambda context: bool(passes))
    assert len(passes) == 1


def test_the_requests_that_are_answered_are_the_progress(
    tmp_path: Path, model: Path, harness: FakeHarness, endpoint: type[FakeEndpoint]
) -> None:
    told: list[tuple[str, int, int]] = []

    def noting(context: RecordingContext) -> bool:
        told[:] = context.phases
        return False

    def asking(asked: Mapping[str, Any]) -> dict[str, Any]:
        asked["model"].generate_until(requests(("a", {}), ("b", {})))
        asked["model"].pretrained(torch.tensor([[2]]))  # asks whether to stop
        return RESULTS

    harness.answer = asking
    run(tmp_path, local(model), noting)
    assert told == [("phase.suite_data", 0, 1), *(("phase.suite", done, 2) for done in range(3))]
    harness.answer = lambda asked: asked["model"].generate_until(requests(("a", {}), ("b", {}))) and RESULTS
    parameters = SuiteParameters(library="lm-eval 0.4.13", loadable=ENDPOINT, task="capitals")
    context = job_context(tmp_path / "jobs" / "other", parameters, {})
    job.run(parameters, context)
    assert context.phases[1:-1] == [("phase.suite", done, 2) for done in range(3)]


def test_an_unknown_task_is_told_with_its_neighbours(tmp_path: Path, model: Path, harness: FakeHarness) -> None:
    told = refusal(tmp_path, local(model), task="arc_esy")
    assert told.code == "suites.task_unknown"
    assert "arc_easy" in told.text
    assert harness.calls == []


def test_tasks_of_the_user_s_own_are_handed_on_and_may_not_have_changed(
    tmp_path: Path, model: Path, harness: FakeHarness
) -> None:
    own = tmp_path / "tasks"
    own.mkdir()
    (own / "capitals.yaml").write_text("task: capitals\n", encoding="utf-8")
    include = DataFile(path=str(own), sha256=folder_sha256(own))
    run(tmp_path, local(model), include=include)
    assert harness.included == [str(own)]
    told = refusal(tmp_path, local(model), task="arc_esy", include=include)
    assert told.code == "suites.own_task_unknown"
    assert str(own) in told.text
    assert "arc_easy" in told.text
    (own / "capitals.yaml").write_text("task: other\n", encoding="utf-8")
    assert refusal(tmp_path, local(model), include=include).code == "data.file.changed"


class DatasetError(Exception):
    __module__ = "datasets.exceptions"


def raising(error: Exception, cause: Exception | None = None) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
        raise error from cause

    return answer


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (raising(ConnectionError("offline")), "suites.data_unreachable"),
        (raising(ValueError("no data"), DatasetError("gone")), "suites.data_unreachable"),
        (raising(ModuleNotFoundError("No module named 'langdetect'", name="langdetect")), "suites.library_missing"),
        (raising(RuntimeError("first line\nsecond line")), "suites.failed"),
        (lambda asked: {"results": {"capitals": {"alias": "capitals"}}}, "suites.nothing_measured"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    tmp_path: Path,
    model: Path,
    harness: FakeHarness,
    answer: Callable[[Mapping[str, Any]], dict[str, Any]],
    code: str,
) -> None:
    harness.answer = answer
    told = refusal(tmp_path, local(model))
    assert told.code == code
    assert "\n" not in told.text
    assert "capitals" in told.text


class FakeEndpoint:
    """Repeats the message and goes on after a line break; remembers what was sent under which limit."""

    sent: list[tuple[int, str]]
    limits: list[int]

    def __init__(
        self,
        model: EndpointModel,
        limit: int,
        top: int,
        log: Any,
        should_stop: Callable[[], bool],
        price: VendorPrice | None,
    ) -> None:
        self._limit = limit
        self._model = model
        self.budget = Budget(model.max_cost, price, TokenGuess(limit, names_labels=False))
        FakeEndpoint.limits.append(limit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def asked(self) -> Asked:
        return Asked(self._model.base_url, self._model.model, {"limit": self._limit})

    def answered_before(self, messages: Sequence[Any]) -> None:
        pass

    def check_cap(self, rows: int) -> None:
        return None

    def ask(self, messages: Sequence[str], on_answer: Callable[[int, Answer], None]) -> bool:
        for place, message in enumerate(messages):
            FakeEndpoint.sent.append((self._limit, message))
            failed = message == "bad"
            on_answer(
                place,
                Answer(Generation("", finish_reason="failed") if failed else Generation(f"{message}!\nmore;end")),
            )
        return True


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> type[FakeEndpoint]:
    FakeEndpoint.sent, FakeEndpoint.limits = [], []
    monkeypatch.setattr(endpoint_module, "Endpoint", FakeEndpoint)
    return FakeEndpoint


def requests(*asked: tuple[str, dict[str, Any]]) -> list[Any]:
    return [SimpleNamespace(args=one) for one in asked]


def test_an_endpoint_answers_up_to_the_stop_text_and_nothing_is_bought_twice(
    tmp_path: Path, harness: FakeHarness, endpoint: type[FakeEndpoint]
) -> None:
    heard: list[list[str]] = []
    wanted = requests(
        ("a", {"until": ["\n", ";"], "max_gen_toks": 8}),
        ("b", {"until": ";"}),
        ("a", {"until": [], "max_gen_toks": 8}),
        ("bad", {"until": ["\n"]}),
    )

    def asking(asked: Mapping[str, Any]) -> dict[str, Any]:
        heard.append(asked["model"].generate_until(wanted))
        return RESULTS

    harness.answer = asking
    run(tmp_path, ENDPOINT)
    assert heard[0] == ["a!", "b!\nmore", "a!\nmore;end", ""]
    assert sorted(endpoint.sent) == [(8, "a"), (256, "b"), (256, "bad")]
    endpoint.sent.clear()
    run(tmp_path, ENDPOINT)
    assert heard[1] == heard[0]
    assert endpoint.sent == [(256, "bad")], "an answer that could not be used is asked for again"


def test_an_endpoint_weighs_no_given_texts(tmp_path: Path, harness: FakeHarness, endpoint: type[FakeEndpoint]) -> None:
    harness.answer = lambda asked: {"results": {"capitals": asked["model"].loglikelihood(requests(("a", {})))}}
    assert refusal(tmp_path, ENDPOINT).code == "suites.endpoint_weighs"


def test_a_cap_in_money_is_over_all_requests_of_the_job(
    tmp_path: Path, harness: FakeHarness, endpoint: type[FakeEndpoint]
) -> None:
    capped = ENDPOINT.model_copy(update={"max_cost": 2.5})
    price = VendorPrice(currency="USD", per_million_requests=1e6)
    wanted = requests(*((text, {"max_gen_toks": limit}) for text, limit in (("a", 8), ("b", 8), ("c", 9))))
    harness.answer = lambda asked: {"results": {"capitals": dict(enumerate(asked["model"].generate_until(wanted)))}}
    assert refusal(tmp_path, capped, price=price).code == "endpoint.cost_cap"
    assert sorted(endpoint.sent) == [(8, "a"), (8, "b")]
    endpoint.sent.clear()
    assert refusal(tmp_path, capped, price=price).code == "endpoint.cost_cap"
    assert endpoint.sent == []
