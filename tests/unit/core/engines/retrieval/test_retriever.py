from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_documents import ROWS, index_parameters, made_index, setup_of, write_documents

from core.engines.retrieval.encoder import SentenceEncoder
from core.engines.retrieval.retriever import Retriever, fused, ranked


@pytest.fixture(scope="module")
def job_folder(tmp_path_factory: pytest.TempPathFactory, body: Path) -> Path:
    folder = tmp_path_factory.mktemp("index")
    made_index(folder / "job", index_parameters(write_documents(folder / "docs"), body))
    return folder / "job"


def test_equal_scores_stand_in_their_order_whatever_the_depth() -> None:
    scores = np.array([0.0, 2.0, 1.0, 2.0, 1.0])
    assert ranked(scores, 3).tolist() == [1, 3, 2]
    assert ranked(scores, 9).tolist() == [1, 3, 2, 4, 0]
    assert ranked(scores, 9, above=0.0).tolist() == [1, 3, 2, 4]
    assert ranked(scores, 1, above=2.0).tolist() == []


def test_fusion_adds_reciprocal_ranks() -> None:
    # 7: 1/61 + 1/62; 5: 1/62 + 1/61, the same, and 5 comes first; 9 and 2 stand in one ranking each.
    assert fused([np.array([7, 5, 9]), np.array([5, 7, 2, 9])]).tolist() == [5, 7, 9, 2]


def test_words_find_the_document_of_a_question(job_folder: Path) -> None:
    found = Retriever(setup_of(job_folder)).search([question for question, _, _ in ROWS[:3]])
    assert [passages[0].document for passages in found] == [document for _, _, document in ROWS[:3]]


def test_words_that_stand_nowhere_find_nothing(job_folder: Path) -> None:
    assert Retriever(setup_of(job_folder)).search(["zzz qqq"]) == [[]]


def test_meaning_ranks_by_the_cosine(job_folder: Path, body: Path) -> None:
    retriever = Retriever(setup_of(job_folder, "embeddings", body, top_k=3))
    (passages,) = retriever.search(["lost card"])
    vector = SentenceEncoder(body).embed(["lost card"])[0]
    cosines = [float(SentenceEncoder(body).embed([passage.text])[0] @ vector) for passage in passages]
    assert len(passages) == 3
    assert cosines == sorted(cosines, reverse=True)


def test_both_together_are_the_fusion_of_the_two(job_folder: Path, body: Path) -> None:
    both = Retriever(setup_of(job_folder, "hybrid", body, top_k=3)).search(["the lost card"])[0]
    alone = [
        [one.number for one in Retriever(setup_of(job_folder, method, body, top_k=50)).search(["the lost card"])[0]]
        for method in ("bm25", "embeddings")
    ]
    assert [one.number for one in both] == fused([np.array(numbers) for numbers in alone]).tolist()[:3]
