"""The sample study keeps the promises of its README."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from importlib.resources import files

import pytest

from core.data.grouping import normalise
from core.study_file import parse_study

FOLDER = files("resources").joinpath("samples", "card_support")
DIFFICULTIES = {"easy", "ambiguous", "two_intent", "misspelt"}
MOST_ALIKE = 0.8


@pytest.fixture(scope="module")
def messages() -> list[dict[str, str]]:
    text = FOLDER.joinpath("messages.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_there_are_sixteen_intents_of_sixty_messages_or_more(messages: list[dict[str, str]]) -> None:
    counts = Counter(row["intent"] for row in messages)
    assert len(messages) >= 960
    assert len(counts) == 16
    assert min(counts.values()) >= 60


def test_every_difficulty_is_there_in_number_and_in_every_intent(messages: list[dict[str, str]]) -> None:
    counts = Counter(row["difficulty"] for row in messages)
    assert set(counts) == DIFFICULTIES
    assert min(counts.values()) >= 100
    assert len({(row["intent"], row["difficulty"]) for row in messages}) == 16 * len(DIFFICULTIES)


def test_no_message_is_empty_or_repeats_another(messages: list[dict[str, str]]) -> None:
    texts = [normalise(row["text"]) for row in messages]
    assert all(len(text) >= 8 for text in texts)
    assert len(set(texts)) == len(texts)


def test_no_two_messages_share_more_than_four_fifths_of_their_words(messages: list[dict[str, str]]) -> None:
    """Jaccard similarity of the sets of words; only pairs that share a rare word can be so alike."""
    words = [frozenset(re.findall(r"\w+", row["text"].lower())) for row in messages]
    frequency = Counter(word for one in words for word in one)
    by_word: dict[str, list[int]] = defaultdict(list)
    alike = []
    for index, one in enumerate(words):
        # Of n words more than 0.8 n are shared, so one of the rarest n − ⌈0.8 n⌉ + 1 is among them.
        rarest = sorted(one, key=lambda word: (frequency[word], word))[: len(one) - -(-4 * len(one) // 5) + 1]
        for other in {other for word in rarest for other in by_word[word]}:
            union = len(one | words[other])
            if len(one & words[other]) > MOST_ALIKE * union:
                alike.append((messages[other]["text"], messages[index]["text"]))
        for word in one:
            by_word[word].append(index)
    assert alike == []


def test_readme_tells_the_numbers_that_the_file_has(messages: list[dict[str, str]]) -> None:
    readme = FOLDER.joinpath("README.md").read_text(encoding="utf-8")
    assert f"{len(messages):,} messages" in readme
    assert "synthetic" in readme
    for name, count in Counter(row["difficulty"] for row in messages).items():
        assert f"| `{name}` | {count:,} |" in readme
    for intent in {row["intent"] for row in messages}:
        assert f"| `{intent}` |" in readme


def test_its_study_file_is_valid_and_has_the_floor_in_the_comparison() -> None:
    study = parse_study(FOLDER.joinpath("study.yaml").read_text(encoding="utf-8"), "study.yaml")
    assert {candidate.model.source for candidate in study.candidates if candidate.model} >= {"sample", "baseline"}
    assert study.data.columns is not None
    assert study.data.columns.slice == ["difficulty"]
