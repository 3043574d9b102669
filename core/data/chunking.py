"""Long texts cut into passages between sentences, and the words by which their length is counted and they are found."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

# Scripts without spaces: each character counts as a word (Han with its extensions, Hiragana, Katakana).
_IDEOGRAPHS = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+")
_IDEOGRAPH = re.compile(rf"[{_IDEOGRAPHS}]")
# A sentence ends after its mark and the blanks behind it, after a mark of Chinese text, or at an empty line.
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|(?<=[。！？；])[”’」』）]*|\n\s*\n")


@dataclass(frozen=True)
class Span:
    """A stretch of a text, from `start` to before `end` in characters, and how many words it has."""

    start: int
    end: int
    words: int


def is_ideograph(word: str) -> bool:
    """Whether a word is one character of a script without spaces."""
    return _IDEOGRAPH.fullmatch(word) is not None


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, in order; an ideograph is a word of its own."""
    return _WORD.findall(text.lower())


def passages_of(text: str, chunk_words: int, overlap_words: int) -> list[Span]:
    """The passages of a text: whole sentences, as many as fit into `chunk_words`.

    Each passage but the first begins with the last sentences of the one before that fit into `overlap_words`. A
    sentence of more than `chunk_words` words is cut between words. Blanks at the ends of a passage are no part of it;
    stretches without a word are in none.
    """
    sentences = [part for sentence in _sentences(text) for part in _pieces(text, sentence, chunk_words)]
    passages: list[Span] = []
    current: list[Span] = []
    for sentence in sentences:
        if current and _total(current) + sentence.words > chunk_words:
            passages.append(_joined(current))
            current = _tail(current, min(overlap_words, chunk_words - sentence.words))
        current.append(sentence)
    if current:
        passages.append(_joined(current))
    return passages


def _sentences(text: str) -> list[Span]:
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    bounds = [0, *ends, len(text)]
    return [span for start, end in itertools.pairwise(bounds) if (span := _trimmed(text, start, end)) is not None]


def _trimmed(text: str, start: int, end: int) -> Span | None:
    """The stretch without blanks at its ends; null where it has no word."""
    part = text[start:end]
    count = len(_WORD.findall(part))
    if not count:
        return None
    return Span(start + len(part) - len(part.lstrip()), end - (len(part) - len(part.rstrip())), count)


def _pieces(text: str, sentence: Span, chunk_words: int) -> list[Span]:
    if sentence.words <= chunk_words:
        return [sentence]
    starts = [match.start() for match in _WORD.finditer(text, sentence.start, sentence.end)][::chunk_words]
    bounds = [sentence.start, *starts[1:], sentence.end]
    pieces = (_trimmed(text, start, end) for start, end in itertools.pairwise(bounds))
    return [piece for piece in pieces if piece is not None]


def _total(spans: list[Span]) -> int:
    return sum(span.words for span in spans)


def _joined(spans: list[Span]) -> Span:
    return Span(spans[0].start, spans[-1].end, _total(spans))


def _tail(spans: list[Span], most_words: int) -> list[Span]:
    """The last spans that together have at most so many words."""
    first = len(spans)
    while first > 0 and _total(spans[first - 1 :]) <= most_words:
        first -= 1
    return spans[first:]
