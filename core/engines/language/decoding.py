"""Greedy decoding and the weighing of given answers, on token ids: left-padded batches over one key-value cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad

from core.engines.language.cache import Opening, chosen_rows, joined, keep_rows, new_cache
from core.engines.language.told import Decoded

# Logits are of rows · positions · vocabulary: so many positions at a time keep them within some hundred MiB.
_CHOICE_POSITIONS = 512
# Prompts are read so many tokens at a time, padding included: few rows are of like length, and many fill the matrices.
_READ_TOKENS = {"cpu": 512}
_READ_TOKENS_ELSEWHERE = 8192


class Prefill:
    """The key-value cache of a batch of prompts, and the logits that follow each; `rows` may be chosen out of it.

    Where `opening` begins all of them, it is not read again. Prompts are read some at a time, as they stand together,
    so that short ones are not padded to the longest; from there on the batch goes as one.
    """

    def __init__(
        self, model: Any, prompts: Sequence[Sequence[int]], pad_id: int, opening: Opening | None = None
    ) -> None:
        self._model = model
        if opening is not None and not opening.begins(prompts):
            opening = None
        groups = (
            [prompts]
            if new_cache(model) is None
            else _groups(prompts, 0 if opening is None else len(opening.ids), model.device.type)
        )
        parts = [_read(model, group, pad_id, opening) for group in groups]
        width = max(part.mask.shape[1] for part in parts)
        self.mask = torch.cat([pad(part.mask, (width - part.mask.shape[1], 0)) for part in parts])
        self.lengths = self.mask.sum(dim=1)
        self.cache = parts[0].cache if len(parts) == 1 else joined([part.cache for part in parts])
        self.logits = torch.cat([part.logits for part in parts])

    def step(self, tokens: torch.Tensor) -> None:
        """Append one token to each row, shape (rows,)."""
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(tokens), 1)], dim=1)
        output = self._model(
            input_ids=tokens[:, None],
            attention_mask=self.mask,
            position_ids=self.lengths[:, None],
            past_key_values=self.cache,
            use_cache=True,
        )
        self.lengths = self.lengths + 1
        self.cache, self.logits = output.past_key_values, output.logits[:, -1].float()

    def keep(self, order: Sequence[int]) -> None:
        """Go on with these rows only, in this order."""
        self.cache = keep_rows(self.cache, order)
        rows = torch.tensor(order, device=self.mask.device)
        self.mask, self.lengths, self.logits = self.mask[rows], self.lengths[rows], self.logits[rows]

    def continued(self, rows: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The logits at each position of `ids`, which follow the prompts of `rows`; this batch stays as it is.

        `ids` and `mask` have the shape (rows, positions), padded on the right.
        """
        output = self._model(
            input_ids=ids,
            attention_mask=torch.cat([self.mask[rows], mask], dim=1),
            position_ids=self.lengths[rows][:, None] + torch.arange(ids.shape[1], device=ids.device),
            past_key_values=chosen_rows(self.cache, rows),
            use_cache=True,
        )
        logits: torch.Tensor = output.logits.float()
        return logits


@dataclass(frozen=True)
class _Read:
    """Prompts as the model has read them: the mask of shape (rows, tokens), the cache, and the logits of their ends."""

    mask: torch.Tensor
    cache: Any
    logits: torch.Tensor


def _groups(prompts: Sequence[Sequence[int]], known: int, device: str) -> list[Sequence[Sequence[int]]]:
    """Prompts that are read together, in their order; the first `known` tokens of each need no reading."""
    most = _READ_TOKENS.get(device, _READ_TOKENS_ELSEWHERE)
    groups: list[Sequence[Sequence[int]]] = []
    begin, width = 0, 0
    for place, prompt in enumerate(prompts):
        wider = max(width, len(prompt) - known)
        if place > begin and (place + 1 - begin) * wider > most:
            groups.append(prompts[begin:place])
            begin, wider = place, len(prompt) - known
        width = wider
    return [*groups, prompts[begin:]]


def _read(model: Any, prompts: Sequence[Sequence[int]], pad_id: int, opening: Opening | None) -> _Read:
    known = 0 if opening is None else len(opening.ids)
    ids, own = _left_padded([prompt[known:] for prompt in prompts], pad_id, model.device)
    mask = torch.cat([own.new_ones(len(prompts), known), own], dim=1)
    rows = torch.zeros(len(prompts), dtype=torch.long, device=model.device)
    output = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(dim=1) - 1).clamp(min=0)[:, known:],
        past_key_values=new_cache(model) if opening is None else chosen_rows(opening.cache, rows),
        use_cache=True,
        logits_to_keep=1,
    )
    return _Read(mask, output.past_key_values, output.logits[:, -1].float())


def _left_padded(
    prompts: Sequence[Sequence[int]], pad_id: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), width), pad_id, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt, dtype=torch.long)
        mask[row, width - len(prompt) :] = 1
    return ids.to(device), mask.to(device)


@torch.inference_mode()
def greedy(
    model: Any,
    prompts: Sequence[Sequence[int]],
    limits: Sequence[int],
    vocabulary: int,
    stop_ids: frozenset[int],
    pad_id: int,
    on_tokens: Callable[[Sequence[int]], None] = lambda rows: None,
    opening: Opening | None = None,
) -> list[Decoded]:
    """The most probable continuation of each prompt, token by token.

    `limits` are tokens for each row. Only ids below `vocabulary` are chosen, for a model may have rows of its head
    that no token belongs to. Finished rows leave the batch. `on_tokens` hears which rows have just got a token, and may
    raise. `opening` is what the prompts begin with, read before.
    """
    answers: list[list[int]] = [[] for _ in prompts]
    sums = [0.0] * len(prompts)
    batch = Prefill(model, prompts, pad_id, opening)
    active = list(range(len(prompts)))
    while True:
        logits = batch.logits[:, :vocabulary]
        best, tokens = logits.max(dim=-1)
        chosen: list[int] = tokens.tolist()
        for row, token, value in zip(active, chosen, (best - logits.logsumexp(dim=-1)).tolist(), strict=True):
            answers[row].append(token)
            sums[row] += value
        on_tokens(active)
        going = [
            place
            for place, row in enumerate(active)
            if chosen[place] not in stop_ids and len(answers[row]) < limits[row]
        ]
        if not going:
            return [Decoded(answer, total) for answer, total in zip(answers, sums, strict=True)]
        if len(going) < len(active):
            order = _closed_up(going)
            batch.keep(order)
            tokens, active = tokens[order], [active[place] for place in order]
        batch.step(tokens)


def _closed_up(going: Sequence[int]) -> list[int]:
    """The same places, ascending on entry, with as few as possible off their own: the last ones fill the gaps."""
    count = len(going)
    staying = set(going)
    last = iter(reversed(going))
    return [place if place in staying else next(last) for place in range(count)]


@torch.inference_mode()
def continuation_log_probabilities(
    model: Any,
    prompts: Sequence[Sequence[int]],
    choices: Sequence[Sequence[int]],
    vocabulary: int,
    pad_id: int,
    on_step: Callable[[], None] = lambda: None,
    opening: Opening | None = None,
) -> torch.Tensor:
    """log P(choice | prompt), the sum over the choice's tokens, shape (prompts, choices), in fp64 on the CPU.

    Exact: each prompt is read once, and every choice goes on from its key-value cache; what `opening` has read of it is
    not read again. `on_step` is called between the model's steps and may raise.
    """
    batch = Prefill(model, prompts, pad_id, opening)
    first = torch.tensor([choice[0] for choice in choices], device=batch.logits.device)
    scores = _log_probabilities(batch.logits, first.expand(len(prompts), -1), vocabulary)
    pairs = [(row, place) for row in range(len(prompts)) for place, choice in enumerate(choices) if len(choice) > 1]
    width = max(len(choice) for choice in choices) - 1
    rows_at_once = max(1, _CHOICE_POSITIONS // max(1, width))
    for begin in range(0, len(pairs), rows_at_once):
        on_step()
        chunk = pairs[begin : begin + rows_at_once]
        found = _rest(batch, [row for row, _ in chunk], [choices[place] for _, place in chunk], vocabulary, pad_id)
        for (row, place), value in zip(chunk, found.tolist(), strict=True):
            scores[row, place] += value
    return scores


def _rest(
    batch: Prefill, rows: Sequence[int], choices: Sequence[Sequence[int]], vocabulary: int, pad_id: int
) -> torch.Tensor:
    """The log-probability of each choice's tokens after its first, shape (len(choices),)."""
    device = batch.mask.device
    width = max(len(choice) for choice in choices) - 1
    given = torch.full((len(choices), width), pad_id, dtype=torch.long)
    wanted, mask = torch.zeros_like(given), torch.zeros_like(given)
    for place, choice in enumerate(choices):
        count = len(choice) - 1
        given[place, :count] = torch.tensor(choice[:-1])
        wanted[place, :count] = torch.tensor(choice[1:])
        mask[place, :count] = 1
    given, wanted, mask = given.to(device), wanted.to(device), mask.to(device)
    logits = batch.continued(torch.tensor(rows, device=device), given, mask)
    picked = _log_probabilities(logits, wanted[..., None], vocabulary).squeeze(-1)
    return (picked * mask.cpu()).sum(dim=1)


def _log_probabilities(logits: torch.Tensor, tokens: torch.Tensor, vocabulary: int) -> torch.Tensor:
    """The natural logarithms of some tokens' probabilities over the true vocabulary, in fp64 on the CPU.

    `logits` has the shape (…, vocabulary), `tokens` (…, chosen).
    """
    kept = logits[..., :vocabulary]
    return kept.gather(-1, tokens).cpu().double() - kept.logsumexp(dim=-1, keepdim=True).cpu().double()
