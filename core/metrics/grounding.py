"""How much of an answer its context supports, by words, numbers and names alone: no model is asked.

An answer is taken apart into sentences, each a claim, and its groundedness is the share of claims that the context
supports, as FActScore counts atomic facts (Min et al. 2023, arXiv:2305.14251). A claim is supported where

- every number in it stands in the context,
- every name in it does (words with a capital or digit inside a sentence, as the precision of entities against the
  source of Nan et al. 2021, arXiv:2102.09130), and
- at least `SUPPORTED_SHARE` of its content words do: ROUGE-1 precision (Lin 2004) without function words, over
  pairs of neighbouring characters where a script has no spaces.

What it cannot see: a negation or a swapped subject keeps its words, so a false claim may pass; a paraphrase, a number
written in words or an answer in another language than its context differ, so a true one may fail. A judge reads both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from core.metrics.reasoning import split_reasoning

SUPPORTED_SHARE = 0.6

# Neither "U.S." nor "Dr." ends a sentence.
_SENTENCE_END = re.compile(
    r"(?<=[.!?])(?<!\.[A-Za-z]\.)(?<!\b[DMS]r\.)(?<!\bSt\.)(?<!\bNo\.)[\"'”’)\]]*\s+"
    r"|(?<=[。！？；])[”’」』）]*|(?<=[!?])(?=[\u3400-\u9fff])"
)
_CITATION = re.compile(r"\[\d+(?:\s*[,，、–-]\s*\d+)*\]|【\d+】")
_LIST_MARK = re.compile(r"^\s*(?:[-*•·]|\(?\d{1,2}[.)、](?=\s|\D))\s*")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_HAN = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+(?:['’][^\W_{_HAN}]+)*")
_IS_HAN = re.compile(rf"[{_HAN}]")
_FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about after all also an and any are as at be because been before being but by can could did do "
        "does for from had has have he her him his how i if in into is it its me more most my of on one or "
        "other our out over she so some such than that the their them then there these they this those to up "
        "was we were what when where which while who whom why will with would you your ",
    )
)
_HAN_FUNCTION = frozenset("的了是在和与及也就都而又或把被对从到为以于之其这那有个们着过吗呢吧啊")


@dataclass(frozen=True)
class Claim:
    """One sentence of an answer. `share` of its content words stand in the context; `missing` are numbers and names
    that do not."""

    text: str
    share: float
    missing: tuple[str, ...]

    @property
    def supported(self) -> bool:
        """Whether the context supports it."""
        return self.share >= SUPPORTED_SHARE and not self.missing


def groundedness(answer: str, context: str) -> float:
    """The share of the answer's sentences that the context supports, 0 to 1; 0 for an answer that claims nothing. A
    model's reasoning is left out."""
    claims = claims_against(answer, context)
    return sum(claim.supported for claim in claims) / len(claims) if claims else 0.0


def claims_against(answer: str, context: str) -> list[Claim]:
    """Each sentence of an answer with what the context holds of it."""
    known = _units_of(context)
    return [_held_against(sentence, known) for sentence in claims_of(split_reasoning(answer)[1])]


def claims_of(text: str) -> list[str]:
    """The sentences of a text that claim something, marks of lists and citations cut off. A full stop within a number
    or an abbreviation without a blank after it ends none."""
    lines = (_LIST_MARK.sub("", _CITATION.sub("", line)) for line in text.splitlines())
    pieces = (piece.strip() for line in lines for piece in _SENTENCE_END.split(line))
    return [piece for piece in pieces if _content(piece) or _NUMBER.search(piece)]


@dataclass(frozen=True)
class _Units:
    """What a text holds: content words and character pairs, numbers, and all of its words in lower case."""

    content: frozenset[str]
    numbers: frozenset[Decimal]
    words: frozenset[str]
    plain: str


@lru_cache(maxsize=256)
def _units_of(text: str) -> _Units:
    words = [word.casefold() for word in _WORD.findall(text)]
    return _Units(frozenset(_content(text)), frozenset(_numbers(text)), frozenset(words), text.casefold())


def _held_against(sentence: str, known: _Units) -> Claim:
    wanted = _content(sentence)
    share = sum(unit in known.content for unit in wanted) / len(wanted) if wanted else 1.0
    numbers = [word for word in _NUMBER.findall(sentence) if _decimal(word) not in known.numbers]
    names = [name for name in _names(sentence) if name.casefold() not in known.words and not _part_of(name, known)]
    return Claim(sentence, share, tuple(dict.fromkeys([*numbers, *names])))


def _part_of(name: str, known: _Units) -> bool:
    """A Latin name in a text without spaces, or with an ending of its own: "SmolLM模型", "Berlin's"."""
    return name.casefold().removesuffix("'s").removesuffix("’s") in known.plain


def _content(text: str) -> list[str]:
    """The words that carry meaning, each as often as it stands; pairs of characters where words have no spaces."""
    units: list[str] = []
    for word in _WORD.findall(text):
        if _IS_HAN.match(word):
            units += _pairs(word)
        elif word.casefold() not in _FUNCTION_WORDS and not word.isdigit():
            units.append(_stem(word.casefold()))
    return units


def _pairs(run: str) -> list[str]:
    """The pairs of neighbouring characters of a run, those of two function words left out; a single one as it is."""
    if len(run) == 1:
        return [] if run in _HAN_FUNCTION else [run]
    pairs = (run[place : place + 2] for place in range(len(run) - 1))
    return [pair for pair in pairs if not _HAN_FUNCTION.intersection(pair)]


def _stem(word: str) -> str:
    """Without the endings of English plurals, possessives and verbs: "cards" and "card" are one word."""
    bare = word.removesuffix("'s").removesuffix("’s")
    for ending in ("ing", "ed", "es", "s"):
        if bare.endswith(ending) and len(bare) - len(ending) >= 3:
            return bare[: -len(ending)].removesuffix("e")
    return bare.removesuffix("e") if len(bare) > 3 else bare


def _names(sentence: str) -> Iterator[str]:
    """Words that are written as names are: with a capital that does not open the sentence, or with a digit inside."""
    for place, match in enumerate(_WORD.finditer(sentence)):
        word = match.group()
        if _IS_HAN.match(word) or word.isdigit():
            continue
        opens = place == 0 or sentence[: match.start()].rstrip()[-1:] in {":", "：", "“", '"', "("}
        mixed = any(sign.isdigit() for sign in word) and any(sign.isalpha() for sign in word)
        capital = word[0].isupper() and (not opens or (len(word) > 1 and word.isupper()))
        if (mixed or capital) and word.casefold() not in _FUNCTION_WORDS:
            yield word


def _numbers(text: str) -> Iterator[Decimal]:
    return (_decimal(word) for word in _NUMBER.findall(text))


def _decimal(word: str) -> Decimal:
    """1,200 and 1200.0 are one number."""
    return Decimal(word.replace(",", "")).normalize()
