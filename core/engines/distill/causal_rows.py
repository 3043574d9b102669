"""The training rows of a language model: what is asked, then what is to be answered, as tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.data.train_part import train_examples
from core.domain import BoolArray, Example, IntArray
from core.engines.language.prompts import completion_ids, message_of, prompt_ids
from core.engines.models.tokenization import TokenRows
from core.errors import UserError
from core.jobs.specs import TrainPart
from core.metrics.reasoning import CLOSING, OPENING
from core.spec import Task

# Marks are one token, or a few characters where a tokenizer does not know them.
_MARK_TOKENS = 16


@dataclass(frozen=True, eq=False)
class CausalRows:
    """Prompts with their completions. `prompt_lengths` are in tokens; `names` and `texts` (of the completions) stand in
    row order. `dropped` rows had no place for a token of their completion; of `tokens.truncated` it was cut off."""

    tokens: TokenRows
    prompt_lengths: IntArray
    names: tuple[str, ...]
    texts: tuple[str, ...]
    messages: tuple[str, ...]
    dropped: int

    @property
    def completion_lengths(self) -> IntArray:
        """Tokens of each row that count in the loss, shape (rows,)."""
        return self.tokens.lengths - self.prompt_lengths

    def part(self, chosen: IntArray) -> CausalRows:
        """Some of the rows by their numbers; how many were cut or dropped is known of all of them alone."""
        tokens = self.tokens
        pieces = [tokens.ids[tokens.starts[row] : tokens.starts[row + 1]] for row in chosen]
        starts = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
        names, texts, messages = (
            tuple(column[row] for row in chosen) for column in (self.names, self.texts, self.messages)
        )
        ids = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int64)
        part = TokenRows(ids, starts, tokens.truncated)
        return CausalRows(part, self.prompt_lengths[chosen], names, texts, messages, self.dropped)

    def plain(self) -> list[tuple[list[int], int]]:
        """Of each row its tokens, and how many of them are the prompt's."""
        tokens = self.tokens
        return [
            (tokens.ids[tokens.starts[row] : tokens.starts[row + 1]].tolist(), int(length))
            for row, length in enumerate(self.prompt_lengths)
        ]

    def followed(self, rows: IntArray) -> BoolArray:
        """The positions of a padded batch whose next token belongs to a completion, shape (rows, longest − 1).

        The one place where labels are shifted: position p predicts token p + 1.
        """
        lengths = self.tokens.lengths[rows]
        following = np.arange(1, int(lengths.max()))[None, :]
        begins = self.prompt_lengths[rows][:, None]
        return np.asarray((following >= begins) & (following < lengths[:, None]))


def learnt_examples(data_folder: Path, part: TrainPart | None) -> list[Example]:
    """The train split of a prepare job's folder, or a part of it. Raises UserError where it is empty."""
    examples = train_examples(data_folder, part)
    if not examples:
        raise UserError("train.no_rows")
    return examples


def opens_reasoning(tokenizer: Any, prompt: Sequence[int]) -> bool:
    """Whether the prompt ends with the mark that opens the reasoning, as DeepSeek-R1's newer templates do."""
    return bool(tokenizer.decode(list(prompt[-_MARK_TOKENS:])).rstrip().endswith(OPENING))


def after_prompt(text: str) -> str:
    """A completion as it goes on after a mark that the prompt has opened: the reasoning without it, or, where there is
    none, the closing mark first. Otherwise the student would open it twice, or answer within its reasoning."""
    begun = text.lstrip()
    if begun.startswith(OPENING):
        return begun.removeprefix(OPENING).lstrip("\n")
    return text if CLOSING in text else f"{CLOSING}\n\n{text}"


def causal_rows(
    examples: Sequence[Example],
    task: Task,
    tokenizer: Any,
    max_length: int,
    answers: Mapping[str, str] | None = None,
) -> CausalRows:
    """The examples as prompt and completion, cut at `max_length` tokens.

    A completion is the example's target, or its text in `answers` (by example id; those without one are left out). It
    is tokenised apart from the chat template, for templates of reasoning models cut the reasoning out of an answer.
    Raises UserError, naming the row, for an empty completion, and where no row is left.
    """
    wanted = [example for example in examples if answers is None or example.example_id in answers]
    ids: list[list[int]] = []
    lengths: list[int] = []
    kept: list[tuple[Example, str, str]] = []
    truncated = 0
    for example in wanted:
        text = example.target if answers is None else answers[example.example_id]
        if not text.strip():
            raise UserError("causal.empty_completion", row=example.example_id)
        message = message_of(task, example)
        prompt = prompt_ids(tokenizer, message)
        if not prompt:
            raise UserError("causal.empty_prompt", row=example.example_id)
        text = after_prompt(text) if opens_reasoning(tokenizer, prompt) else text
        completion = completion_ids(tokenizer, text)
        if len(prompt) >= max_length:
            continue
        truncated += len(prompt) + len(completion) > max_length
        ids.append([*prompt, *completion][:max_length])
        lengths.append(len(prompt))
        kept.append((example, message, text))
    if not kept:
        raise UserError("causal.no_rows", max_length=max_length)
    starts = np.cumsum([0, *map(len, ids)], dtype=np.int64)
    flat = np.concatenate([np.asarray(row, dtype=np.int64) for row in ids])
    return CausalRows(
        tokens=TokenRows(flat, starts, truncated),
        prompt_lengths=np.asarray(lengths, dtype=np.int64),
        names=tuple(example.example_id for example, _, _ in kept),
        texts=tuple(text for _, _, text in kept),
        messages=tuple(message for _, message, _ in kept),
        dropped=len(wanted) - len(kept),
    )


def check_embedded(rows: CausalRows, embedded: int, tokenizer: Any) -> None:
    """Raises UserError, naming row and token, for a token beyond the `embedded` first ones: one that was added to the
    tokenizer and has no embedding in the model."""
    beyond = np.flatnonzero(rows.tokens.ids >= embedded)
    if len(beyond):
        row = int(np.searchsorted(rows.tokens.starts, beyond[0], side="right")) - 1
        raise UserError(
            "causal.token_without_embedding",
            row=rows.names[row],
            token=str(tokenizer.convert_ids_to_tokens(int(rows.tokens.ids[beyond[0]]))),
        )
