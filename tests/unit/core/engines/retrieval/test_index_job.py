"""The index job: killed anywhere it ends with the same index; two document sets never mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from job_context import RecordingContext
from tiny_documents import DOCUMENTS, index_parameters, made_index, setup_of, write_documents
from tiny_models import WORDS

from core.engines.retrieval import embedding
from core.engines.retrieval.encoder import SentenceEncoder
from core.engines.retrieval.index import Index
from core.engines.retrieval.retriever import Retriever
from core.jobs.identity import job_id
from core.worker.context import Stopped

MANY = {f"d{number}.txt": " ".join(WORDS[number % 5 : number % 5 + 1 + number % 7]) for number in range(20)}


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "BATCH_ROWS", 4)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "index").iterdir()}


def test_the_index_holds_every_passage_with_its_document_and_vector(tmp_path: Path, body: Path) -> None:
    documents = write_documents(tmp_path / "docs")
    result, _ = made_index(tmp_path / "job", index_parameters(documents, body, chunk_words=7))
    index = Index(tmp_path / "job" / "index")
    passages = [index.passage(number) for number in range(result.passages)]
    assert [passage.text for passage in passages] == [
        "A lost card is blocked at once.",
        "The fee is 12 francs.",
        "The rate of a loan is 3",
        "percent. Interest is paid each month.",
        "Money comes back in 9 days.",
    ]
    assert {passage.document for passage in passages} == set(DOCUMENTS)
    assert DOCUMENTS["card.txt"][passages[1].start : passages[1].end] == passages[1].text
    assert isinstance(index.vectors, np.memmap)
    expected = np.concatenate([SentenceEncoder(body).embed([passage.text]) for passage in passages])
    assert np.asarray(index.vectors) == pytest.approx(expected, abs=1e-5)
    assert (result.documents, result.index_mib > result.embeddings_mib > 0.0) == (3, True)


@pytest.mark.parametrize("batches", [1, 3])
def test_a_killed_job_goes_on_and_ends_with_the_same_index(tmp_path: Path, body: Path, batches: int) -> None:
    parameters = index_parameters(write_documents(tmp_path / "docs", MANY), body)
    made_index(tmp_path / "whole", parameters)

    def later(context: RecordingContext) -> bool:
        return context.steps("phase.index") >= 4 * batches

    with pytest.raises(Stopped):
        made_index(tmp_path / "cut", parameters, later)
    # A kill in the middle of a write leaves a part of a vector behind.
    with (tmp_path / "cut" / embedding.PARTIAL_NAME).open("ab") as stream:
        stream.write(b"\x01\x02\x03")
    result, _ = made_index(tmp_path / "cut", parameters)
    assert result.resumed_passages == 4 * batches
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert not (tmp_path / "cut" / embedding.PARTIAL_NAME).exists()


def test_an_index_of_words_alone_needs_no_encoder(tmp_path: Path) -> None:
    result, context = made_index(tmp_path / "job", index_parameters(write_documents(tmp_path / "docs")))
    assert (result.embeddings_mib, result.encoder_mib, result.device) == (0.0, 0.0, "CPU")
    assert Index(tmp_path / "job" / "index").vectors is None
    assert context.starts == [("CPU", 0)]


def test_two_document_sets_are_two_jobs_that_never_mix(tmp_path: Path) -> None:
    found = {}
    for name, answer in (("one", "twelve"), ("two", "ninety")):
        documents = write_documents(tmp_path / name, {"fee.txt": f"The fee is {answer}."})
        parameters = index_parameters(documents)
        folder = tmp_path / job_id(parameters, {})
        made_index(folder, parameters)
        found[name] = [one.text for one in Retriever(setup_of(folder)).search(["what is the fee"])[0]]
    assert found == {"one": ["The fee is twelve."], "two": ["The fee is ninety."]}
    again = index_parameters(write_documents(tmp_path / "copy", {"fee.txt": "The fee is twelve."}))
    assert (tmp_path / job_id(again, {})).exists()


def test_passages_that_are_cut_and_files_that_are_skipped_are_told(tmp_path: Path, body: Path) -> None:
    documents = write_documents(tmp_path / "docs", {"long.txt": "lost card " * 60, "photo.png": "x"})
    result, context = made_index(tmp_path / "job", index_parameters(documents, body, chunk_words=200))
    assert (result.cut_passages, result.skipped_files) == (1, 1)
    assert any("longer than the encoder's" in line for line in context.logs)
    assert any("no kind that is read" in line for line in context.logs)
