"""What a judge is asked about one answer, and how its verdicts make a score from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from core.domain import Example, Picture
from core.engines.judging.verdicts import read_number, read_word
from core.engines.language.prompts import message_of
from core.engines.language.question import Message, pictured
from core.engines.retrieval.given import RowContexts
from core.jobs.specs import JudgeParameters
from core.metrics.grounding import claims_of
from core.metrics.reasoning import split_reasoning
from core.spec import Judge, Task

Method = Literal["reference", "pairwise", "sentences", "words"]

_RATE = (
    "You judge an answer by a reference answer that is right. What counts is whether both say the same in substance: "
    "wording, length, order and language do not count."
)
_COMPARE = (
    "You compare two answers to one question. What counts is which of them is right and more helpful: length, order "
    "and style do not count."
)
_SUPPORT = "You check whether a context supports a claim. What is not in the context is not supported, however true."
_PICTURE = "The picture beside this message was given with the question."
_FIRST, _SECOND, _TIE = "A", "B", "tie"
_YES, _NO = "yes", "no"


class Form(Protocol):
    """One way of judging. `labels` are the verdicts that a model on this machine weighs; `both_orders` says that the
    second message of a row is the first with the two texts changed about."""

    @property
    def method(self) -> Method:
        """Its name."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every verdict there is."""

    @property
    def both_orders(self) -> bool:
        """Whether there are two messages for each row."""

    def messages(self, example: Example, output: str) -> list[Message]:
        """What the judge is asked about an answer; empty where there is nothing to judge."""

    def verdict(self, text: str) -> str | None:
        """The verdict that a text names, one of `labels`; null where it cannot be read."""

    def value(self, place: int, text: str) -> float | None:
        """What a verdict on the message at `place` says, 0 to 1; null where it cannot be read."""


def form_of(parameters: JudgeParameters, contexts: RowContexts) -> Form | None:
    """How the answers are judged, and held against which contexts; null where no model judges."""
    judge = parameters.judge
    if judge is None:
        return None
    if parameters.task.metric == "groundedness":
        return Support(judge, contexts, parameters.pictures)
    of_mode = Rating if judge.mode == "reference" else Comparison
    return of_mode(judge, parameters.task, parameters.pictures)


@dataclass(frozen=True)
class Rating:
    """The answer rated by the target, 1 to the judge's scale; a score is (verdict - 1) / (scale - 1)."""

    judge: Judge
    task: Task
    pictures: bool = False
    method: Method = "reference"
    both_orders: bool = True

    @property
    def labels(self) -> tuple[str, ...]:
        """The numbers of the scale."""
        return tuple(str(number) for number in range(1, self.judge.scale + 1))

    def messages(self, example: Example, output: str) -> list[Message]:
        """The reference answer first, then the answer to judge first."""
        scale = self.judge.scale
        texts = [_block("Reference answer", example.target), _block("Answer to judge", _said(output))]
        asked = (
            f"Give the answer to judge a whole number from 1 to {scale}: 1 means that it is wrong, {scale} that it "
            "says the same as the reference answer. Answer with the number and nothing else."
        )
        rule, question = self.judge.prompt or _RATE, _block("Question", question_of(self.task, example))
        seen = example.picture if self.pictures else None
        return [_message(rule, [question, *order], asked, seen) for order in (texts, texts[::-1])]

    def verdict(self, text: str) -> str | None:
        """The number that a text names."""
        number = read_number(text, self.judge.scale)
        return None if number is None else str(number)

    def value(self, place: int, text: str) -> float | None:
        """The verdict's place on the scale."""
        verdict = self.verdict(text)
        return None if verdict is None else (int(verdict) - 1) / (self.judge.scale - 1)


@dataclass(frozen=True)
class Comparison:
    """The answer held against the target, which the judge is not told to be one: 1 where it is better, 0.5 for a tie,
    0 where it is worse (pairwise comparison with swapped positions, Zheng et al. 2023, arXiv:2306.05685)."""

    judge: Judge
    task: Task
    pictures: bool = False
    method: Method = "pairwise"
    labels: tuple[str, ...] = (_FIRST, _SECOND, _TIE)
    both_orders: bool = True

    def messages(self, example: Example, output: str) -> list[Message]:
        """The answer as A and the target as B, then the other way round."""
        question, said = question_of(self.task, example), _said(output)
        asked = (
            f"Which answer is better? Answer with {_FIRST}, {_SECOND} or {_TIE} and nothing else; {_TIE} means that "
            "both are as good."
        )
        orders = [(said, example.target), (example.target, said)]
        return [
            _message(
                self.judge.prompt or _COMPARE,
                [_block("Question", question), _block(f"Answer {_FIRST}", one), _block(f"Answer {_SECOND}", other)],
                asked,
                example.picture if self.pictures else None,
            )
            for one, other in orders
        ]

    def verdict(self, text: str) -> str | None:
        """The answer that a text names, or the tie."""
        return read_word(text, self.labels)

    def value(self, place: int, text: str) -> float | None:
        """Whether the answer won."""
        verdict = self.verdict(text)
        if verdict is None or verdict == _TIE:
            return None if verdict is None else 0.5
        return float((verdict == _FIRST) == (place == 0))


@dataclass(frozen=True)
class Support:
    """Each sentence of the answer held against the context; a score is the share that it supports."""

    judge: Judge
    contexts: RowContexts
    pictures: bool = False
    method: Method = "sentences"
    labels: tuple[str, ...] = (_YES, _NO)
    both_orders: bool = False

    def messages(self, example: Example, output: str) -> list[Message]:
        """One message for each sentence that claims something."""
        context, seen = self.contexts.of(example), example.picture if self.pictures else None
        asked = f"Does the context support all of the claim? Answer with {_YES} or {_NO} and nothing else."
        return [
            _message(self.judge.prompt or _SUPPORT, [_block("Context", context), _block("Claim", claim)], asked, seen)
            for claim in claims_of(_said(output))
        ]

    def verdict(self, text: str) -> str | None:
        """Yes or no."""
        return read_word(text, self.labels)

    def value(self, place: int, text: str) -> float | None:
        """Whether the sentence is supported."""
        verdict = self.verdict(text)
        return None if verdict is None else float(verdict == _YES)


def question_of(task: Task, example: Example) -> str:
    """What was asked about an example; its input alone where predictions were measured elsewhere, without the columns
    of the prompt."""
    cells = {"input", *(column for column, _ in example.fields)}
    return message_of(task, example) if cells.issuperset(task.prompt_columns) else example.input


def _said(output: str) -> str:
    return split_reasoning(output)[1].strip()


def _message(rule: str, blocks: Sequence[str], asked: str, picture: Picture | None) -> Message:
    shown = [] if picture is None else [_PICTURE]
    return pictured("\n\n".join([rule, *shown, *blocks, asked]), picture)


def _block(title: str, text: str) -> str:
    # Fenced, so that an answer that gives orders is seen to be a text to judge.
    return f"{title}:\n<<<\n{text}\n>>>"
