"""Passages found for the rows that a candidate with retrieval is measured on: once, one row at a time, and timed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.domain import Example, Prediction, Split
from core.engines.benchmark.answering import RowAnswerer
from core.engines.language.generator import LocalGenerator
from core.engines.models.weights import resolve
from core.engines.retrieval.given import FILE_NAME, Found, GivenPassages, read_found, write_found
from core.engines.retrieval.index import FOLDER_NAME, Index, Passage
from core.engines.retrieval.messages import packed, with_passages
from core.engines.retrieval.rank import Ranks, leaked_rows, ranks_by_answer, ranks_by_document, unknown_documents
from core.engines.retrieval.retriever import RetrievalSetup, Retriever
from core.errors import UserError
from core.i18n import english
from core.jobs.results import BenchmarkResult, RetrievalFigures
from core.jobs.specs import RetrievalUse
from core.spec import Task
from core.worker.context import JobContext, Stopped

_WARM_UP_SEARCHES = 3
_MIB = 2**20


class Retrieved:
    """The passages of some rows, and where a process that is timed finds the index."""

    def __init__(self, use: RetrievalUse, setup: RetrievalSetup, examples: Sequence[Example], found: dict[str, Found]):
        self._use = use
        self.setup = setup
        self._examples = {example.example_id: example for example in examples}
        self._found = found
        self._index = Index(Path(setup.index))
        self._given = GivenPassages(self._index, found)

    def messages(self, requests: Sequence[Example]) -> list[Example]:
        """The requests, whose inputs are what is asked without passages, with the passages in them."""
        return [
            replace(one, input=with_passages(self.setup.prompt, self._passages(one.example_id), one.input))
            for one in requests
        ]

    def packed(self, requests: Sequence[Example]) -> list[Example]:
        """The requests as a process that looks the passages up itself is asked them."""
        return [replace(one, input=packed(self._examples[one.example_id].input, one.input)) for one in requests]

    def milliseconds(self, example_id: str) -> float:
        """How long a row's search took."""
        return self._found[example_id].milliseconds

    def check_fit(self, generator: LocalGenerator, asked: Sequence[Example], requests: Sequence[Example]) -> None:
        """Nothing where every message fits into the model's context, or would not without its passages either.

        Raises UserError naming the longest one otherwise.
        """
        limit = generator.context_tokens
        if limit is None:
            return
        counts = generator.token_counts([one.input for one in asked])
        longest = max(range(len(counts)), key=lambda row: counts[row])
        if counts[longest] >= limit > generator.token_counts([requests[longest].input])[0]:
            row = requests[longest].example_id
            raise UserError("retrieval.too_long", row=row, tokens=counts[longest], limit=limit)

    def figures(self, task: Task, context: JobContext) -> RetrievalFigures:
        """What was found for the test rows, with a line in the log for what a user should look at."""
        tested = [example for example in self._examples.values() if example.split is Split.TEST]
        documents = self._index.documents()
        by, ranks = self._ranks(task, tested, list(documents))
        leaked = leaked_rows(tested, documents.values())
        if ranks.unknown:
            context.log(english("retrieval.log.unknown", count=ranks.unknown), "warning")
        if leaked:
            context.log(english("retrieval.log.leaked", count=leaked), "warning")
        card = self._index.card
        return RetrievalFigures(
            method=self._use.method,
            top_k=self._use.top_k,
            documents=card.documents,
            passages=card.passages,
            index_mib=self._index.bytes_on_disk / _MIB,
            embeddings_mib=self._index.vector_bytes / _MIB if self.setup.encoder is not None else 0.0,
            encoder_mib=card.encoder_bytes / _MIB if self.setup.encoder is not None else 0.0,
            milliseconds=tuple(self.milliseconds(example.example_id) for example in tested),
            right_by=by,
            ranks=ranks.places,
            rank_places=ranks.rows,
            unknown_documents=ranks.unknown,
            leaked_rows=leaked,
        )

    def _ranks(self, task: Task, tested: Sequence[Example], names: Sequence[str]) -> tuple[Any, Ranks]:
        """By what a passage counts as right, and where the first right one stands; a class is in no document."""
        found = [self._passages(example.example_id) for example in tested]
        if self._use.document_column is not None:
            return "document", ranks_by_document(tested, found, self._use.document_column, names)
        return ("answer", ranks_by_answer(tested, found)) if task.kind == "generation" else (None, Ranks(()))

    def _passages(self, example_id: str) -> list[Passage]:
        return self._given.of(example_id)


def with_figures(result: BenchmarkResult, retrieved: Retrieved, task: Task, context: JobContext) -> BenchmarkResult:
    """The result with what retrieval found."""
    return result.model_copy(update={"retrieval": retrieved.figures(task, context)})


def retrieve_rows(use: RetrievalUse, examples: Sequence[Example], context: JobContext) -> Retrieved:
    """Search the index of the input `index` for each row's input, one at a time; `retrieved.jsonl` keeps what is found.

    Raises Stopped, and UserError where the encoder cannot be loaded, or the data names documents of which the index has
    none: before anybody is asked, for answers may have to be paid.
    """
    _check_documents(use, examples, context)
    encoder = None if use.encoder is None else str(resolve(use.encoder, use.encoder_sha256))
    setup = RetrievalSetup(
        index=str(context.input_folder("index") / FOLDER_NAME),
        encoder=encoder,
        method=use.method,
        top_k=use.top_k,
        query_prefix=use.query_prefix,
        prompt=use.prompt,
    )
    path = context.folder / FILE_NAME
    if not path.exists():
        write_found(path, _search(setup, examples, context))
    return Retrieved(use, setup, examples, read_found(path))


def _check_documents(use: RetrievalUse, examples: Sequence[Example], context: JobContext) -> None:
    if use.document_column is not None:
        tested = [example for example in examples if example.split is Split.TEST]
        unknown_documents(tested, use.document_column, Index(context.input_folder("index") / FOLDER_NAME).documents())


def _search(setup: RetrievalSetup, examples: Sequence[Example], context: JobContext) -> list[Found]:
    retriever = Retriever(setup)
    for example in examples[:_WARM_UP_SEARCHES]:
        retriever.search([example.input])
    found = []
    for example in examples:
        if context.should_stop():
            raise Stopped
        begun = time.perf_counter()
        (passages,) = retriever.search([example.input])
        took_ms = (time.perf_counter() - begun) * 1000
        found.append(Found(example.example_id, took_ms, tuple(passage.number for passage in passages)))
    return found


class LaterAnswers:
    """Rows answered by someone who is not told of the search: its time is added to each answer's latency.

    Satisfies `answering.RowAnswerer`.
    """

    def __init__(self, answerer: RowAnswerer, retrieved: Retrieved) -> None:
        self._answerer = answerer
        self._retrieved = retrieved
        self.device = answerer.device
        self.batch_rows = answerer.batch_rows

    def token_counts(self, examples: Sequence[Example]) -> list[int] | None:
        """How many tokens the model sees of each row."""
        return self._answerer.token_counts(examples)

    def answer(self, examples: Sequence[Example], tokens: Sequence[int] | None) -> list[Prediction]:
        """The prediction of each row, later by what its search took."""
        return [
            one
            if one.latency_ms is None
            else replace(one, latency_ms=one.latency_ms + self._retrieved.milliseconds(one.example_id))
            for one in self._answerer.answer(examples, tokens)
        ]
