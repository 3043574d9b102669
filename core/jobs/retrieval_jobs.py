"""The index that candidates with retrieval search: what is refused before it is planned, and its job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.data.documents import document_source, require_document_columns
from core.domain import Role
from core.errors import UserError
from core.jobs.graph import JobGraph
from core.jobs.model_sources import ModelPart, answers_in_text, ready_model
from core.jobs.specs import IndexParameters, RetrievalUse
from core.lazy import is_installed, missing_library
from core.model_files import is_language_model_folder, sample_path
from core.spec import Candidate, Encoder, HubModel, LocalModel, PredictionsModel, Retrieval, SampleModel, Study
from core.study_file import resolve_path

INDEX_PART = "index"


@dataclass(frozen=True)
class Passages:
    """The job that makes the index, and how it is used."""

    index_job: str
    use: RetrievalUse


def check_retrieval(study: Study, base: Path, libraries: tuple[str, ...]) -> None:
    """Raises UserError where a candidate that is given passages answers in no text, none is given any, or the encoder
    is none; where there is an encoder, for missing `libraries` too."""
    wanting = [(place, one) for place, one in enumerate(study.candidates) if one.retrieval]
    if study.retrieval is not None and not wanting:
        raise UserError("study.retrieval_unused", field="retrieval")
    for place, candidate in wanting:
        imported = candidate.role is Role.HYBRID or isinstance(candidate.model, PredictionsModel)
        if imported or not answers_in_text(study, candidate, base):
            raise UserError("study.retrieval_classifier", field=f"candidates[{place}].retrieval", name=candidate.name)
    encoder = None if study.retrieval is None else _encoder(study.retrieval)
    if not wanting or encoder is None:
        return
    for library in libraries:
        if not is_installed(library):
            raise missing_library(library)
    _check_encoder(encoder, base)


def _encoder(retrieval: Retrieval) -> Encoder | None:
    """The encoder that is used; a search by words alone needs none."""
    return None if retrieval.method == "bm25" else retrieval.encoder


def _check_encoder(encoder: Encoder, base: Path) -> None:
    ready_model(encoder, base)
    path = None
    if isinstance(encoder, LocalModel):
        path = resolve_path(base, encoder.path)
    elif isinstance(encoder, SampleModel):
        path = sample_path(encoder.id)
    if path is not None and (path.is_file() or is_language_model_folder(path)):
        raise UserError("retrieval.encoder_writes", path=str(path))


def planned_passages(study: Study, candidate: Candidate, base: Path, graph: JobGraph) -> Passages | None:
    """The index of a candidate with retrieval, its job planned once; null for one without.

    Raises UserError where there are no documents, one cannot be read, or a table lacks a column.
    """
    retrieval = study.retrieval
    if retrieval is None or not candidate.retrieval:
        return None
    encoder = _encoder(retrieval)
    part = ModelPart() if encoder is None else ready_model(encoder, base)
    # The ready model of a folder carries its whole path.
    ready = part.ready if isinstance(part.ready, HubModel | LocalModel | SampleModel) else None
    documents = document_source(resolve_path(base, retrieval.documents), retrieval.column, retrieval.id_column)
    require_document_columns(documents)
    parameters = IndexParameters(
        documents=documents,
        chunk_words=retrieval.chunk_words,
        overlap_words=retrieval.overlap_words,
        encoder=ready,
        encoder_sha256=part.sha256,
        passage_prefix="" if encoder is None else retrieval.passage_prefix,
    )
    use = RetrievalUse(
        method=retrieval.method,
        top_k=retrieval.top_k,
        chunk_words=retrieval.chunk_words,
        encoder=ready,
        encoder_sha256=part.sha256,
        query_prefix="" if encoder is None else retrieval.query_prefix,
        prompt=retrieval.prompt,
        document_column=study.data.columns.document,
    )
    return Passages(graph.add(parameters, {}, None, INDEX_PART), use)
