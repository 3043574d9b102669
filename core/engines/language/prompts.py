"""What a language model is asked, and the tokens of question and answer: the same in training, labelling, measuring."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.domain import Example
from core.engines.language.question import picture_mark
from core.errors import UserError
from core.metrics.reasoning import split_reasoning
from core.spec import Task

__all__ = ["completion_ids", "message_of", "prompt_ids", "split_reasoning"]

# What SentencePiece and its kin write for the space that they put before a text by themselves.
_SPACE_MARK = "▁"


def message_of(task: Task, example: Example, labels: Sequence[str] = (), shots: Sequence[Example] = ()) -> str:
    """What is asked about an example: the task's prompt with the example's cells in its braces.

    Without a prompt it is the input itself, for one label or several a question that lists `labels`, and for extraction
    one that shows the schema. `shots` are answered examples that stand before it; where they have pictures, each
    picture is called by a mark. Raises UserError where the prompt names a column that the prepared data does not have.
    """
    *shown, asked = _marked([*shots, example])
    if task.prompt is None and task.kind == "classification":
        return _classify(asked, labels, shown)
    if task.prompt is None and task.kind == "multi_label":
        return _choose(asked, labels, shown)
    if task.prompt is None and task.kind == "extraction":
        return _extract(task, asked, shown)
    question = f"{asked.mark}{_question(task, asked.example)}"
    if not shown:
        return question
    before = "\n\n".join(
        f"{one.mark}{_question(task, one.example)}\n\nRight answer: {one.example.target}\n\n---" for one in shown
    )
    return (
        f"Here are examples with their right answers.\n\n{before}\n\nAnswer the next one in the same way.\n\n{question}"
    )


@dataclass(frozen=True)
class _Row:
    """An example as it stands in a message, with the mark that its picture is called by before it."""

    example: Example
    mark: str

    @property
    def text(self) -> str:
        return f"{self.mark}Text: {self.example.input}"


def _marked(examples: Sequence[Example]) -> list[_Row]:
    """Each example with its mark: the last one is what is asked about, whose picture alone needs none."""
    number, rows = 0, []
    several = any(example.picture is not None for example in examples[:-1])
    for example in examples:
        number += example.picture is not None
        rows.append(_Row(example, f"{picture_mark(number)}\n" if several and example.picture is not None else ""))
    return rows


def _question(task: Task, example: Example) -> str:
    if task.prompt is None:
        return example.input
    return _filled(task.prompt, {"input": example.input, **dict(example.fields)})


def _classify(asked: _Row, labels: Sequence[str], shots: Sequence[_Row]) -> str:
    choices = "\n".join(f"- {label}" for label in labels)
    shown = "".join(f"{shot.text}\nCategory: {shot.example.target}\n\n" for shot in shots)
    return (
        f"Classify the text into exactly one of these categories:\n{choices}\n\n"
        f"{shown}{asked.text}\n\nAnswer with the name of the category and nothing else."
    )


def _choose(asked: _Row, labels: Sequence[str], shots: Sequence[_Row]) -> str:
    choices = "\n".join(f"- {label}" for label in labels)
    shown = "".join(f"{shot.text}\nCategories: {shot.example.target}\n\n" for shot in shots)
    return (
        f"Choose every category that fits the text, from these and no others:\n{choices}\n\n"
        f"{shown}{asked.text}\n\nAnswer with a JSON list of the names of the categories and nothing else; "
        "write [] where none fits."
    )


def _extract(task: Task, asked: _Row, shots: Sequence[_Row]) -> str:
    schema = json.dumps(task.json_schema, ensure_ascii=False)
    shown = "".join(f"{shot.text}\nJSON: {shot.example.target}\n\n" for shot in shots)
    return (
        f"Extract from the text one JSON object that fits this JSON schema:\n{schema}\n\n"
        f"{shown}{asked.text}\n\nAnswer with the JSON object and nothing else; leave out what the text does "
        "not say."
    )


def _filled(prompt: str, cells: dict[str, str]) -> str:
    """Not `str.format`: a column's name may hold dots and brackets, and a cell's text is never looked into."""
    parts = []
    for text, name, _, _ in string.Formatter().parse(prompt):
        parts.append(text)
        if name is None:
            continue
        if name not in cells:
            raise UserError("language.prompt_column", column=name)
        parts.append(cells[name])
    return "".join(parts)


def prompt_ids(tokenizer: Any, message: str) -> list[int]:
    """The tokens of a request: one user message in the chat template, up to where the answer begins.

    Without a chat template they are those of the message as it is, after the beginning token that the tokenizer adds.
    """
    if tokenizer.chat_template:
        conversation = [{"role": "user", "content": message}]
        return _ids(tokenizer, tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False))
    ids = _ids(tokenizer, message, special=True)
    # Some tokenizers end every text, after which a model has nothing left to say.
    return ids[:-1] if ids and ids[-1] == tokenizer.eos_token_id else ids


def completion_ids(tokenizer: Any, text: str) -> list[int]:
    """The tokens of an answer with the end token after it; raises UserError where the tokenizer has no end token."""
    if tokenizer.eos_token_id is None:
        raise UserError("language.no_end_token")
    return [*answer_ids(tokenizer, text), int(tokenizer.eos_token_id)]


def answer_ids(tokenizer: Any, text: str) -> list[int]:
    """The tokens of an answer as they follow the prompt's, with neither a beginning nor an end token.

    Without a chat template the answer goes on from the message, so a space stands between them.
    """
    return _ids(tokenizer, spaced_answer(tokenizer, text))


def spaced_answer(tokenizer: Any, text: str) -> str:
    """The text whose tokens an answer's are: with a space before it where nothing else parts it from the message."""
    return text if tokenizer.chat_template or _adds_space(tokenizer) else f" {text}"


def _ids(tokenizer: Any, text: str, special: bool = False) -> list[int]:
    # Whoever uses the tokens says what is too long; the tokenizer's own warning would only fill the log.
    return [int(token) for token in tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"]]


def _adds_space(tokenizer: Any) -> bool:
    """Whether the tokenizer puts a space before every text by itself."""
    tokens = tokenizer.tokenize("a")
    return bool(tokens) and tokens[0].startswith(_SPACE_MARK)
