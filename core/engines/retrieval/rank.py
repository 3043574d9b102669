"""How often the right passage is among those that were found: by the document that the data names, or by the answer."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.data.chunking import words_of
from core.domain import Example
from core.engines.retrieval.index import Passage, content_hash
from core.errors import UserError


@dataclass(frozen=True)
class Ranks:
    """The place, from 1, of the first right passage of each row, 0 where there is none among those that were found.
    `rows` are the rows that have one, by their place. `unknown` counts the rows that name a document which the index
    does not have."""

    places: tuple[int, ...]
    rows: tuple[int, ...] = ()
    unknown: int = 0


def ranks_by_document(
    examples: Sequence[Example], found: Sequence[Sequence[Passage]], column: str, names: Iterable[str]
) -> Ranks:
    """By the cells of a column: a document's name, or its last part where that is told by no other. Blank cells leave
    their row out. Raises UserError where the index has none of the documents that the column names."""
    known = set(names)
    unknown = unknown_documents(examples, column, known)
    by_last_part = _by_last_part(known)
    named = [_named(example, column) for example in examples]
    places = [
        _first(_is_document(one.document, wanted, by_last_part) for one in passages)
        for wanted, passages in zip(named, found, strict=True)
        if wanted
    ]
    return Ranks(tuple(places), tuple(row for row, wanted in enumerate(named) if wanted), unknown)


def unknown_documents(examples: Sequence[Example], column: str, names: Iterable[str]) -> int:
    """How many rows name a document that is none of `names`. Raises UserError where none of those that name one does
    better."""
    known = set(names)
    by_last_part = _by_last_part(known)
    wanted = [name for example in examples if (name := _named(example, column))]
    unknown = sum(name not in known and by_last_part[name] != 1 for name in wanted)
    if wanted and unknown == len(wanted):
        raise UserError("retrieval.documents_unknown", column=column, example=next(iter(sorted(known))))
    return unknown


def _named(example: Example, column: str) -> str:
    return dict(example.fields)[column].strip()


def _by_last_part(names: Iterable[str]) -> Counter[str]:
    return Counter(posixpath.basename(name) for name in names)


def _is_document(name: str, wanted: str, by_last_part: Mapping[str, int]) -> bool:
    return name == wanted or (by_last_part[wanted] == 1 and posixpath.basename(name) == wanted)


def ranks_by_answer(examples: Sequence[Example], found: Sequence[Sequence[Passage]]) -> Ranks:
    """By the words of the target, which stand in a right passage one after the other; rows without words are left out.

    As `has_answer` of Karpukhin and others, "Dense Passage Retrieval for Open-Domain Question Answering" (2020).
    """
    places, rows = [], []
    for row, (example, passages) in enumerate(zip(examples, found, strict=True)):
        wanted = _padded(example.target)
        if wanted.strip():
            rows.append(row)
            places.append(_first(wanted in _padded(one.text) for one in passages))
    return Ranks(tuple(places), tuple(rows))


def _padded(text: str) -> str:
    return f" {' '.join(words_of(text))} "


def _first(right: Iterable[bool]) -> int:
    """The place of the first true one, from 1; 0 where there is none."""
    return next((place for place, is_right in enumerate(right, start=1) if is_right), 0)


def leaked_rows(examples: Sequence[Example], hashes: Iterable[str]) -> int:
    """How many rows' input and target together are all that a document says."""
    known = set(hashes)
    targeted = (example for example in examples if example.target)
    return sum(content_hash(f"{example.input} {example.target}") in known for example in targeted)
