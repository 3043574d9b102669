"""How well one text answers as another: per-row scores from 0 to 1, a model's reasoning left out of the output.

BLEU and chrF are sacrebleu's on the level of a sentence, ROUGE-L is rouge-score's; neither is loaded before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from core.lazy import load
from core.metrics.reasoning import split_reasoning

TextScorer = Callable[[str, str], float]

_NUMBER = re.compile(r"[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
# Scripts without spaces between words: each character is a word. Elsewhere a word is a run of letters and digits.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+"
)


def text_scorer(metric: str) -> TextScorer | None:
    """The function (output, target) -> score of a task's metric; null for one that needs a judge."""
    return _SCORERS.get(metric)


def exact_match(output: str, target: str) -> float:
    """1 where the texts are the same but for surrounding white space."""
    return float(_answer(output) == target.strip())


def numeric(output: str, target: str) -> float:
    """1 where the last number of the output equals the target's last one, thousands separators aside."""
    answer, wanted = _last_number(_answer(output)), _last_number(target)
    return float(wanted is not None and answer == wanted)


def bleu(output: str, target: str) -> float:
    """BLEU of the one row: exponential smoothing, effective order, tokenisation 13a (zh where the target has Han).

    sacrebleu's signature: nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp. A mean of rows is not corpus BLEU, which adds
    up n-gram counts before it divides: compare means with means only (Post 2018, arXiv:1804.08771).
    """
    found = _bleu("zh" if _HAN.search(target) else "13a").sentence_score(_answer(output), [target.strip()])
    return _share(found.score)


def chrf(output: str, target: str) -> float:
    """chrF2 of the one row: F-score of character 1- to 6-grams, recall counting twice (Popović 2015).

    sacrebleu's signature: nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no.
    """
    return _share(_chrf().sentence_score(_answer(output), [target.strip()]).score)


def rouge_l(output: str, target: str) -> float:
    """ROUGE-L F1 of the one row, without stemming (Lin 2004).

    rouge-score's own tokens are a–z and 0–9 only; ours are the same there, and other scripts count too.
    """
    return _share(100.0 * _rouge().score(target.strip(), _answer(output))["rougeL"].fmeasure)


def _answer(output: str) -> str:
    return split_reasoning(output)[1]


def _last_number(text: str) -> Decimal | None:
    numbers = _NUMBER.findall(text)
    return Decimal(numbers[-1].replace(",", "")) if numbers else None


def _share(percent: float) -> float:
    """Rounding in the libraries may end just above 100."""
    return min(1.0, max(0.0, float(percent) / 100.0))


@cache
def _bleu(tokenize: str) -> Any:
    return load("sacrebleu.metrics").BLEU(effective_order=True, tokenize=tokenize)


@cache
def _chrf() -> Any:
    return load("sacrebleu.metrics").CHRF()


@cache
def _rouge() -> Any:
    return load("rouge_score.rouge_scorer").RougeScorer(["rougeL"], tokenizer=_Words())


class _Words:
    """The tokenizer that rouge-score asks for."""

    def tokenize(self, text: str) -> list[str]:
        return _WORD.findall(text.lower())


_SCORERS: dict[str, TextScorer] = {
    "accuracy": exact_match,
    "macro_f1": exact_match,
    "exact_match": exact_match,
    "numeric": numeric,
    "bleu": bleu,
    "chrf": chrf,
    "rouge_l": rouge_l,
}
