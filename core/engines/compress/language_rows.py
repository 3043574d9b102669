"""Examples as a language model reads them, and what it would write next at each token of the target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from core.domain import Example, IntArray
from core.engines.language.decoding import Prefill
from core.engines.language.prompts import completion_ids, message_of, prompt_ids
from core.spec import Task

# A choice at a place that the other tokenizer does not have: equal to no token.
NO_CHOICE = -1
_BATCH_ROWS = 8


@dataclass(frozen=True)
class LanguageRows:
    """Examples with the task and the labels that turn them into prompts."""

    task: Task
    examples: tuple[Example, ...]
    labels: tuple[str, ...]

    def tokens(self, tokenizer: Any) -> list[tuple[list[int], int]]:
        """Of each example the ids of prompt and target together, and how many are the prompt's."""
        rows = []
        for example in self.examples:
            prompt = prompt_ids(tokenizer, message_of(self.task, example, self.labels))
            rows.append(([*prompt, *completion_ids(tokenizer, example.target)], len(prompt)))
        return rows

    def uses(self, tokenizer: Any) -> list[list[int]]:
        """The ids of each example, as `compress.trim` asks for them."""
        return [ids for ids, _ in self.tokens(tokenizer)]


def next_tokens(
    model: Any, rows: Sequence[tuple[Sequence[int], int]], pad_id: int, on_rows: Callable[[int], None]
) -> list[IntArray]:
    """The most probable token at each place of each target, given all before it; `on_rows` hears how many are done."""
    device = model.device
    order = sorted(range(len(rows)), key=lambda row: len(rows[row][0]))
    found: list[IntArray] = [np.zeros(0, dtype=np.int64)] * len(rows)
    for begin in range(0, len(order), _BATCH_ROWS):
        batch = order[begin : begin + _BATCH_ROWS]
        longest = max(len(rows[row][0]) for row in batch)
        ids = torch.tensor([[*rows[row][0], *[pad_id] * (longest - len(rows[row][0]))] for row in batch], device=device)
        lengths = torch.tensor([len(rows[row][0]) for row in batch], device=device)
        mask = (torch.arange(longest, device=device)[None, :] < lengths[:, None]).long()
        with torch.inference_mode():
            chosen = model(input_ids=ids, attention_mask=mask).logits.argmax(dim=-1).cpu().numpy()
        for place, row in enumerate(batch):
            tokens, prompt = rows[row]
            found[row] = np.asarray(chosen[place, prompt - 1 : len(tokens) - 1], dtype=np.int64)
        on_rows(begin + len(batch))
    return found


@torch.inference_mode()
def next_tokens_from_cache(
    model: Any, rows: Sequence[tuple[Sequence[int], int]], pad_id: int, on_rows: Callable[[int], None]
) -> list[IntArray]:
    """As `next_tokens`, of a model that reads the prompts first and goes on from their keys and values, as it does when
    it writes: what it keeps is compared too."""
    order = sorted(range(len(rows)), key=lambda row: len(rows[row][0]))
    found: list[IntArray] = [np.zeros(0, dtype=np.int64)] * len(rows)
    for begin in range(0, len(order), _BATCH_ROWS):
        batch = order[begin : begin + _BATCH_ROWS]
        targets = [rows[row][0][rows[row][1] :] for row in batch]
        prefill = Prefill(model, [rows[row][0][: rows[row][1]] for row in batch], pad_id)
        chosen = prefill.logits.argmax(dim=-1)[:, None]
        width = max(len(target) for target in targets) - 1
        if width > 0:
            ids = torch.tensor([[*target[:-1], *[pad_id] * (width + 1 - len(target))] for target in targets])
            mask = (
                torch.arange(width)[None, :] < torch.tensor([len(target) - 1 for target in targets])[:, None]
            ).long()
            rest = prefill.continued(torch.arange(len(batch)), ids, mask).argmax(dim=-1)
            chosen = torch.cat([chosen, rest], dim=1)
        for place, row in enumerate(batch):
            found[row] = np.asarray(chosen[place, : len(targets[place])], dtype=np.int64)
        on_rows(begin + len(batch))
    return found


def as_reference(
    found: Sequence[IntArray],
    rows: Sequence[tuple[Sequence[int], int]],
    tokenizer: Any,
    reference_rows: Sequence[tuple[Sequence[int], int]],
    reference: Any,
) -> IntArray:
    """The choices of all rows as ids of the tokenizer `reference`, one for each place of its targets.

    A smaller vocabulary may split a text into other tokens; from there on the row has `NO_CHOICE`.
    """
    choices: list[int] = []
    for chosen, (ids, prompt), (reference_ids, reference_prompt) in zip(found, rows, reference_rows, strict=True):
        own = tokenizer.convert_ids_to_tokens(list(ids))
        wanted = reference.convert_ids_to_tokens(list(reference_ids))
        common = next(
            (place for place, pair in enumerate(zip(own, wanted, strict=False)) if pair[0] != pair[1]),
            min(len(own), len(wanted)),
        )
        # The token at place p is chosen after those before p, so the place where they part can still be compared.
        usable = min(max(0, common + 1 - prompt), len(chosen)) if prompt == reference_prompt else 0
        tokens = tokenizer.convert_ids_to_tokens([int(token) for token in chosen[:usable]])
        known = [_id_of(reference, token) for token in tokens]
        places = len(reference_ids) - reference_prompt
        choices += [*known, *[NO_CHOICE] * (places - len(known))][:places]
    return np.asarray(choices, dtype=np.int64)


def _id_of(tokenizer: Any, token: str | None) -> int:
    found = None if token is None else tokenizer.convert_tokens_to_ids(token)
    return NO_CHOICE if found is None else int(found)
