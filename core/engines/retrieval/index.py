"""An index on disk: passages with their documents, BM25, embeddings; opened memory-mapped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.chunking import passages_of
from core.data.documents import Document
from core.data.grouping import normalise
from core.engines.durable import replaced_folder, write_json
from core.engines.retrieval.bm25 import Bm25, write_bm25

FOLDER_NAME = "index"
_CARD, _PASSAGES, _STARTS, _DOCUMENTS = "index.json", "passages.jsonl", "passage_starts.npy", "documents.jsonl"
EMBEDDINGS = "embeddings.npy"
# Files of an index are about this many times as large as its texts, and the vectors come on top.
_FILES_PER_TEXT = 4


@dataclass(frozen=True)
class Passage:
    """A stretch of a document, from `start` to before `end` in its characters; `number` counts from 0."""

    number: int
    document: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class IndexCard:
    """What an index holds, and how it was made. `encoder_bytes` are of weight files, 0 without an encoder."""

    documents: int
    passages: int
    words: int
    width: int
    encoder_bytes: int


def cut_documents(documents: Sequence[Document], chunk_words: int, overlap_words: int) -> tuple[list[Passage], int]:
    """The passages of all documents in their order, and how many words the passages have."""
    passages: list[Passage] = []
    words = 0
    for document in documents:
        for span in passages_of(document.text, chunk_words, overlap_words):
            text = document.text[span.start : span.end]
            passages.append(Passage(len(passages), document.name, span.start, span.end, text))
            words += span.words
    return passages, words


def write_index(
    folder: Path,
    documents: Sequence[Document],
    passages: Sequence[Passage],
    card: IndexCard,
    write_vectors: Callable[[Path], None] | None,
) -> None:
    """Write the index as the folder `index` within `folder`, whole or not at all.

    `write_vectors` writes the embeddings to the path that it is given. Raises UserError (disk.full).
    """
    needed = _FILES_PER_TEXT * sum(len(passage.text.encode("utf-8")) for passage in passages)
    with replaced_folder(folder / FOLDER_NAME, needed + 4 * card.passages * card.width) as made:
        _write_passages(made, passages)
        _write_lines(made / _DOCUMENTS, [[one.name, content_hash(one.text)] for one in documents])
        write_bm25(made, [passage.text for passage in passages])
        if write_vectors is not None:
            write_vectors(made / EMBEDDINGS)
        write_json(made / _CARD, vars(card))


def content_hash(text: str) -> str:
    """A text's hash by its letters and digits alone, so that it is known again however it is set."""
    return hashlib.sha256(normalise(text).encode("utf-8")).hexdigest()


def _write_passages(folder: Path, passages: Sequence[Passage]) -> None:
    rows = [[passage.document, passage.start, passage.end, passage.text] for passage in passages]
    np.save(folder / _STARTS, _write_lines(folder / _PASSAGES, rows))


def _write_lines(path: Path, rows: Sequence[object]) -> NDArray[np.int64]:
    """Write a line of JSON for each row; where each line starts in bytes, shape (rows,)."""
    starts = np.zeros(len(rows), dtype=np.int64)
    with path.open("wb") as stream:
        for place, row in enumerate(rows):
            starts[place] = stream.tell()
            stream.write(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n")
    return starts


class Index:
    """A written index. Passages are read from the disk when they are asked for; vectors are null without an encoder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        document: dict[str, Any] = json.loads((folder / _CARD).read_text(encoding="utf-8"))
        self.card = IndexCard(**document)
        self.bm25 = Bm25(folder, self.card.passages)
        self.vectors: NDArray[np.float32] | None = None
        if (folder / EMBEDDINGS).exists():
            self.vectors = np.load(folder / EMBEDDINGS, mmap_mode="r")
        self._starts = np.load(folder / _STARTS, mmap_mode="r")

    def passage(self, number: int) -> Passage:
        """The passage of that number."""
        with (self._folder / _PASSAGES).open("rb") as stream:
            stream.seek(int(self._starts[number]))
            document, start, end, text = json.loads(stream.readline())
        return Passage(number, document, start, end, text)

    def documents(self) -> dict[str, str]:
        """The content hash of each document, by its name."""
        with (self._folder / _DOCUMENTS).open(encoding="utf-8") as stream:
            return dict(json.loads(line) for line in stream)

    @property
    def bytes_on_disk(self) -> int:
        """The size of all files of the index."""
        return sum(path.stat().st_size for path in self._folder.iterdir())

    @property
    def vector_bytes(self) -> int:
        """The size of the embeddings, which a search reads whole; 0 where there are none."""
        return 0 if self.vectors is None else int(self.vectors.nbytes)
