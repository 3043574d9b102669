"""The index job: documents cut into passages, indexed by words and, where there is an encoder, by meaning."""

from __future__ import annotations

import time
from pathlib import Path

from core.data.documents import read_documents, skipped_files
from core.engines.models.weights import resolve
from core.engines.retrieval.index import FOLDER_NAME, Index, IndexCard, cut_documents, write_index
from core.errors import UserError
from core.i18n import english
from core.jobs.results import IndexResult
from core.jobs.specs import IndexParameters
from core.lazy import load
from core.worker.context import JobContext, Stopped

_MIB = 2**20


def run(parameters: IndexParameters, context: JobContext) -> IndexResult:
    """The figures of the index, once it stands in `index/` of the job's folder. Raises UserError and Stopped."""
    begun = time.monotonic()
    documents = read_documents(parameters.documents)
    passages, words = cut_documents(documents, parameters.chunk_words, parameters.overlap_words)
    if parameters.encoder is None:
        context.started("CPU")
        _progress(context, 0, len(passages))
        card = IndexCard(len(documents), len(passages), words, 0, 0)
        write_index(context.folder, documents, passages, card, None)
        return _result(parameters, context, card, "CPU", begun)
    encoder = load("core.engines.retrieval.encoder").SentenceEncoder(_encoder_folder(parameters))
    embedding = load("core.engines.retrieval.embedding")
    context.started(encoder.device)
    texts = [f"{parameters.passage_prefix}{passage.text}" for passage in passages]
    done = embedding.embed_passages(
        encoder, texts, context.folder, lambda rows: _progress(context, rows, len(passages))
    )
    if done.cut:
        limit = encoder.longest_tokens
        context.log(english("retrieval.log.cut", count=done.cut, rows=len(texts), limit=limit), "warning")
    card = IndexCard(len(documents), len(passages), words, encoder.width, encoder.weight_bytes)
    order, _ = embedding.embedding_order(encoder, texts)
    partial = context.folder / embedding.PARTIAL_NAME
    write_index(
        context.folder,
        documents,
        passages,
        card,
        lambda target: embedding.write_embeddings(partial, target, order, card.width),
    )
    partial.unlink()
    return _result(parameters, context, card, encoder.device, begun, done.cut, done.resumed)


def _encoder_folder(parameters: IndexParameters) -> Path:
    if parameters.encoder is None:
        raise ValueError("the index has no encoder")
    folder = resolve(parameters.encoder, parameters.encoder_sha256)
    if not folder.is_dir():
        raise UserError("retrieval.encoder_writes", path=str(folder))
    return folder


def _progress(context: JobContext, done: int, rows: int) -> None:
    context.progress("phase.index", done, rows)
    if context.should_stop():
        raise Stopped


def _result(
    parameters: IndexParameters,
    context: JobContext,
    card: IndexCard,
    device: str,
    begun: float,
    cut: int = 0,
    resumed: int = 0,
) -> IndexResult:
    index = Index(context.folder / FOLDER_NAME)
    skipped = skipped_files(Path(parameters.documents.path))
    if skipped:
        context.log(english("retrieval.log.skipped", count=skipped), "warning")
    return IndexResult(
        documents=card.documents,
        passages=card.passages,
        words=card.words,
        index_mib=index.bytes_on_disk / _MIB,
        embeddings_mib=index.vector_bytes / _MIB,
        encoder_mib=card.encoder_bytes / _MIB,
        cut_passages=cut,
        skipped_files=skipped,
        resumed_passages=resumed,
        device=device,
        seconds=time.monotonic() - begun,
    )
