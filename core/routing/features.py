"""What a router sees of an input: TF-IDF of its words and word pairs, and its length. Plain Python and numpy.

The same functions serve the fit and the served policy, so that a request is scored as the fit saw it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Scripts without spaces between words: each of their characters counts as a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]{{2,}}")
_MOST_TERMS = 20_000
_LENGTH_SCALE = 0.3  # of a TF-IDF row, whose norm is 1: length counts, but not more than the words
LENGTH_FEATURES = 2


def words(text: str) -> list[str]:
    """The words of a text in lower case: two or more letters or digits, or one character of an unspaced script."""
    return _WORD.findall(text.lower())


def term_counts(text: str) -> Counter[str]:
    """How often each word and each pair of neighbouring words stands in a text."""
    found = words(text)
    return Counter([*found, *(f"{left} {right}" for left, right in pairwise(found))])


def lengths(text: str) -> tuple[float, float]:
    """The logarithms of 1 + the number of characters, and of 1 + the number of words."""
    return math.log1p(len(text)), math.log1p(len(words(text)))


@dataclass(frozen=True)
class TextFeatures:
    """A fitted vocabulary: column and inverse document frequency of each term, and the mean and spread of lengths.

    Columns: the terms in sorted order, then the two lengths.
    """

    columns: dict[str, int]
    idf: tuple[float, ...]
    length_means: tuple[float, float]
    length_deviations: tuple[float, float]

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.idf) + LENGTH_FEATURES

    def row(self, counts: Counter[str], length: tuple[float, float]) -> tuple[list[int], list[float]]:
        """The columns and values of one text: sublinear TF-IDF of norm 1 (0 where no term is known), and lengths."""
        known = [(self.columns[term], count) for term, count in counts.items() if term in self.columns]
        values = [(1 + math.log(count)) * self.idf[column] for column, count in known]
        norm = math.sqrt(math.fsum(value * value for value in values)) or 1.0
        scaled = [
            _LENGTH_SCALE * (part - mean) / deviation
            for part, mean, deviation in zip(length, self.length_means, self.length_deviations, strict=True)
        ]
        columns = [*(column for column, _ in known), *range(len(self.idf), self.width)]
        return columns, [*(value / norm for value in values), *scaled]


def fit_text_features(counts: Sequence[Counter[str]], text_lengths: Sequence[tuple[float, float]]) -> TextFeatures:
    """The features of these texts alone: terms of at least two texts (of one, below 100 texts), at most 20,000.

    The inverse document frequency is smoothed: ln((1 + n) ÷ (1 + df)) + 1 (scikit-learn, "Text feature extraction").
    Raises ValueError where there are no texts.
    """
    if not counts:
        raise ValueError("no texts to learn a vocabulary from")
    frequency = Counter(term for document in counts for term in document)
    least = 2 if len(counts) >= 100 else 1
    kept = [term for term, documents in frequency.items() if documents >= least]
    kept = sorted(sorted(kept, key=lambda term: (-frequency[term], term))[:_MOST_TERMS])
    characters, word_numbers = (_mean_and_deviation(part) for part in zip(*text_lengths, strict=True))
    return TextFeatures(
        columns={term: column for column, term in enumerate(kept)},
        idf=tuple(math.log((1 + len(counts)) / (1 + frequency[term])) + 1 for term in kept),
        length_means=(characters[0], word_numbers[0]),
        length_deviations=(characters[1], word_numbers[1]),
    )


def _mean_and_deviation(values: Iterable[float]) -> tuple[float, float]:
    numbers = list(values)
    mean = math.fsum(numbers) / len(numbers)
    deviation = math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / len(numbers))
    return mean, deviation if deviation > 1e-9 else 1.0
