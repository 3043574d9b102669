"""A candidate with retrieval: asked with passages, timed with the search, and its retrieval measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from job_context import RecordingContext, job_context
from tiny_documents import ROWS, index_parameters, made_index, use_of, write_documents, write_question_rows
from tiny_language_models import write_language_model

from core.data.predictions import read_predictions
from core.engines.benchmark import job, plan, probe, retrieved, runtimes
from core.engines.benchmark.probe import ProbeReport
from core.engines.benchmark.subjects import Asked
from core.engines.language.torch_generator import TorchGenerator
from core.engines.models.protocol import Runtime
from core.engines.retrieval import given
from core.engines.retrieval.messages import with_passages
from core.engines.retrieval.retriever import RetrievalSetup, Retriever
from core.errors import UserError
from core.jobs.results import BenchmarkResult
from core.jobs.specs import BenchmarkParameters, RetrievalUse
from core.spec import LocalModel, Task
from core.worker.context import Stopped

WRITING = Task(kind="generation", metric="exact_match", max_output_tokens=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_language_model(tmp_path_factory.mktemp("language"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, body: Path) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    made_index(folder / "index", index_parameters(write_documents(folder / "docs"), body))
    return {"data": write_question_rows(folder / "rows"), "index": folder / "index"}


@pytest.fixture(autouse=True)
def _timed_briefly_and_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured_here(
        source: Path, runtime: Runtime, asked: Asked, workplace: Path, wait: Callable[[int], None]
    ) -> ProbeReport:
        wait(0)
        return probe.measure(source, runtime, asked)

    monkeypatch.setattr(plan, "SINGLE_SECONDS_AT_MOST", 0.2)
    monkeypatch.setattr(plan, "THROUGHPUT_SECONDS_AT_MOST", 0.2)
    monkeypatch.setattr(runtimes, "run_probe", measured_here)


def run(
    folder: Path, model: Path, folders: dict[str, Path], use: RetrievalUse | None, task: Task = WRITING
) -> tuple[BenchmarkResult, RecordingContext]:
    parameters = BenchmarkParameters(
        task=task, loadable=LocalModel(source="local", path=str(model), language_model=True), retrieval=use
    )
    context = job_context(folder, parameters, folders)
    return job.run(parameters, context), context


def test_each_row_is_asked_with_its_passages_and_the_recall_is_measured(
    tmp_path: Path, model: Path, folders: dict[str, Path], body: Path
) -> None:
    use = use_of("hybrid", body, document_column="doc")
    result, _ = run(tmp_path, model, folders, use)
    generator, retriever = TorchGenerator(model), Retriever(_setup(use, folders, body))
    found = retriever.search([question for question, _, _ in ROWS])
    for (question, _, _), passages, prediction in zip(ROWS, found, read_predictions(tmp_path), strict=True):
        message = with_passages(None, passages, question)
        assert prediction.output == generator.generate([message], 4)[0].text
        assert prediction.input_tokens == generator.token_counts([message])[0]
    told = result.retrieval
    assert told is not None
    places = [[one.document for one in passages] for passages in found]
    assert told.ranks == tuple(
        next((place for place, name in enumerate(names, 1) if name == document), 0)
        for names, (_, _, document) in zip(places, ROWS, strict=True)
    )
    assert (told.right_by, told.documents, told.passages) == ("document", 3, 3)
    assert len(told.milliseconds) == len(ROWS)
    assert told.encoder_mib > 0.0
    assert result.runtimes[0].requests_per_second is not None


def _setup(use: RetrievalUse, folders: dict[str, Path], body: Path) -> RetrievalSetup:
    return RetrievalSetup(
        index=str(folders["index"] / "index"),
        encoder=str(body),
        method=use.method,
        top_k=use.top_k,
        query_prefix="",
        prompt=None,
    )


def test_the_timed_process_looks_the_passages_up_itself(
    tmp_path: Path, model: Path, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[str] = []
    plain = Retriever.search

    def remembering(self: Retriever, queries: list[str]) -> object:
        searched.extend(queries)
        return plain(self, queries)

    monkeypatch.setattr(Retriever, "search", remembering)
    result, _ = run(tmp_path, model, folders, use_of("bm25"))
    single_and_batches = len(result.runtimes[0].latency.milliseconds)
    assert len(searched) > len(ROWS) + single_and_batches
    assert set(searched) == {question for question, _, _ in ROWS}


def test_without_a_document_column_the_answer_s_words_count(
    tmp_path: Path, model: Path, folders: dict[str, Path]
) -> None:
    result, _ = run(tmp_path, model, folders, use_of("bm25", top_k=1))
    assert result.retrieval is not None
    assert (result.retrieval.right_by, result.retrieval.ranks) == ("answer", (1, 1, 1, 0))
    assert (result.retrieval.embeddings_mib, result.retrieval.encoder_mib) == (0.0, 0.0)


def test_a_class_is_weighed_with_passages_and_stands_in_no_document(
    tmp_path: Path, model: Path, folders: dict[str, Path]
) -> None:
    task = Task(kind="classification", metric="accuracy", prompt="{input}?")
    result, _ = run(tmp_path, model, folders, use_of("bm25", top_k=1), task)
    assert result.retrieval is not None
    assert (result.retrieval.right_by, result.retrieval.ranks) == (None, ())


def test_passages_that_do_not_fit_into_the_context_are_refused(
    tmp_path: Path, model: Path, folders: dict[str, Path]
) -> None:
    use = use_of("bm25", prompt="{context}" * 9 + "{request}")
    with pytest.raises(UserError) as caught:
        run(tmp_path, model, folders, use)
    assert caught.value.code == "retrieval.too_long"


def test_a_stopped_search_begins_again_and_a_finished_one_is_kept(
    tmp_path: Path, model: Path, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = BenchmarkParameters(
        task=WRITING, loadable=LocalModel(source="local", path=str(model)), retrieval=use_of("bm25")
    )
    with pytest.raises(Stopped):
        job.run(parameters, job_context(tmp_path, parameters, folders, lambda context: True))
    assert not (tmp_path / given.FILE_NAME).exists()
    run(tmp_path, model, folders, use_of("bm25"))
    monkeypatch.setattr(retrieved, "_search", lambda *arguments: pytest.fail("searched again"))
    (tmp_path / "predictions.jsonl").unlink()
    run(tmp_path, model, folders, use_of("bm25"))
