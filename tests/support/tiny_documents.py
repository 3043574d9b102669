"""A few documents, an index over them made by its job, and rows whose answers stand in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from job_context import RecordingContext, job_context

from core.data.documents import document_source
from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines.retrieval import job
from core.engines.retrieval.retriever import RetrievalSetup
from core.jobs.results import IndexResult
from core.jobs.specs import IndexParameters, RetrievalUse
from core.model_files import fingerprint_weights
from core.spec import LocalModel

DOCUMENTS = {
    "card.txt": "A lost card is blocked at once. The fee is 12 francs.",
    "loan.md": "The rate of a loan is 3 percent. Interest is paid each month.",
    "refund.html": "<html><body><p>Money comes back in 9 days.</p><script>no text</script></body></html>",
}
# Question, answer, and the document that it stands in.
ROWS = (
    ("what does a lost card cost", "12 francs", "card.txt"),
    ("what is the rate of a loan", "3 percent", "loan.md"),
    ("when is money back", "9 days", "refund.html"),
    ("who is the director", "Ada", "card.txt"),
)


def write_documents(folder: Path, documents: Mapping[str, str] = DOCUMENTS) -> Path:
    """A folder with a file for each document."""
    for name, text in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def write_question_rows(folder: Path) -> Path:
    """The folder of a prepare job whose rows, all of them test rows, name their documents in the field `doc`."""
    examples = [
        Example(f"q{place}", Split.TEST, f"g{place}", question, answer, fields=(("doc", document),))
        for place, (question, answer, document) in enumerate(ROWS)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    write_examples(folder, examples)
    return folder


def index_parameters(documents: Path, encoder: Path | None = None, chunk_words: int = 40) -> IndexParameters:
    """What an index job over `documents` is told; `encoder` is a folder."""
    return IndexParameters(
        documents=document_source(documents, None, None),
        chunk_words=chunk_words,
        overlap_words=0,
        encoder=None if encoder is None else LocalModel(source="local", path=str(encoder)),
        encoder_sha256=None if encoder is None else fingerprint_weights(encoder),
    )


def made_index(
    folder: Path,
    parameters: IndexParameters,
    stop_when: Callable[[RecordingContext], bool] = lambda context: False,
) -> tuple[IndexResult, RecordingContext]:
    """What the index job in `folder` found, and what it said."""
    context = job_context(folder, parameters, {}, stop_when)
    return job.run(parameters, context), context


def setup_of(
    folder: Path, method: str = "bm25", encoder: Path | None = None, top_k: int = 2, prompt: str | None = None
) -> RetrievalSetup:
    """How the index of the job in `folder` is searched."""
    return RetrievalSetup.model_validate(
        {
            "index": str(folder / "index"),
            "encoder": None if encoder is None else str(encoder),
            "method": method,
            "top_k": top_k,
            "query_prefix": "",
            "prompt": prompt,
        }
    )


def use_of(method: str = "bm25", encoder: Path | None = None, top_k: int = 2, **parts: str) -> RetrievalUse:
    """What a benchmark is told of retrieval."""
    return RetrievalUse.model_validate(
        {
            "method": method,
            "top_k": top_k,
            "chunk_words": 40,
            "encoder": None if encoder is None else {"source": "local", "path": str(encoder)},
            **parts,
        }
    )
