"""Distilling across tokenizers: what both models expect where both have read the same characters.

Universal Logit Distillation (Boizard and others 2024, arXiv 2402.12030) compares sorted probabilities, for ids mean
different tokens. It is taken here only at positions where both tokenizations of the completion have come to the same
character: elsewhere the two models answer different questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from core.domain import FloatArray, IntArray
from core.engines.distill.causal_model import body_and_head, body_states, head_logits
from core.engines.distill.causal_rows import CausalRows
from core.engines.distill.objective import BatchObjective
from core.engines.distill.row_weights import position_weights, weighted_spans
from core.engines.distill.token_cache import TokenCache
from core.engines.distill.token_gradient import TeacherTokens
from core.engines.distill.token_losses import chunked_loss, head_workspace_mib
from core.engines.language.prompts import spaced_answer

_NOT_ALIGNED = -1


class CrossTokenizerObjective(BatchObjective):
    """alpha · T · the distance of sorted probabilities + (1 − alpha) · cross-entropy, over completion tokens.

    The gradient of a distance of probabilities shrinks with 1/T, where that of a divergence shrinks with 1/T².

    The distance is 0 at positions without a counterpart. `aligned` gives for each row the teacher's completion token
    (its index within the teacher's row) beside each of the student's, −1 where there is none. `weights` say how much
    the tokens of each row count, null alike.
    """

    def __init__(
        self,
        rows: CausalRows,
        vocabulary: int,
        cache: TokenCache,
        teacher_rows: CausalRows,
        aligned: Sequence[IntArray],
        temperature: float,
        alpha: float,
        weights: FloatArray | None = None,
    ) -> None:
        self._weights = weights
        self._rows, self._vocabulary, self._cache = rows, vocabulary, cache
        self._aligned, self._temperature, self._alpha = aligned, temperature, alpha
        self._teacher_lengths = teacher_rows.completion_lengths
        places = {name: place for place, name in enumerate(teacher_rows.names)}
        self._counterparts = np.array([places.get(name, _NOT_ALIGNED) for name in rows.names], dtype=np.int64)

    def units(self, rows: IntArray) -> int:
        """The completion tokens of some rows."""
        return int(np.sum(self._rows.completion_lengths[rows]))

    def saves(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The body's last hidden states: the head's logits are never kept."""
        return body_states(model, ids, mask)

    def workspace_mib(self, model: Any) -> float:
        """One chunk's logits with their softmax and gradient, and the head's gradient before it is added."""
        return head_workspace_mib(model, self._vocabulary)

    def loss(self, model: Any, ids: torch.Tensor, mask: torch.Tensor, rows: IntArray) -> torch.Tensor:
        """The mean loss over the completion tokens of these rows."""
        followed = torch.from_numpy(self._rows.followed(rows)).to(ids.device)
        states, head = body_and_head(model, ids, mask)
        hidden = states[-1][:, :-1][followed]
        targets = ids[:, 1:][followed]
        places = torch.from_numpy(self._places(rows)).to(ids.device)
        lengths = self._rows.completion_lengths
        weights = None if self._weights is None else position_weights(self._weights, rows, lengths)
        counterparts = self._counterparts[rows]
        known = counterparts[counterparts != _NOT_ALIGNED]
        teacher = self._cache.of_rows(known, ids.device) if len(known) else None

        def of_chunk(chunk: torch.Tensor, first: int, last: int) -> torch.Tensor:
            logits = head_logits(model, chunk, self._vocabulary).float()

            def of_span(begin: int, end: int) -> torch.Tensor:
                return self._summed(logits[begin - first : end - first], targets[begin:end], places[begin:end], teacher)

            return of_span(first, last) if weights is None else weighted_spans(weights, first, last, of_span)

        return chunked_loss(hidden, head, of_chunk)

    def _summed(
        self, logits: torch.Tensor, targets: torch.Tensor, places: torch.Tensor, teacher: TeacherTokens | None
    ) -> torch.Tensor:
        """The sum of the losses of some positions; `places` are those of their counterparts in `teacher`."""
        total = (1.0 - self._alpha) * functional.cross_entropy(logits, targets, reduction="sum")
        here = places != _NOT_ALIGNED
        if teacher is None or not bool(here.any()):
            return total
        own = places[here]
        chosen = TeacherTokens(teacher.ids[own], teacher.log_probabilities[own], teacher.log_rest[own])
        distance = sorted_distance(logits[here], chosen, self._temperature)
        return total + self._alpha * self._temperature * distance.sum()

    def _places(self, rows: IntArray) -> IntArray:
        """For each completion token of the batch its place among the teacher's records of the batch, or −1."""
        found: list[IntArray] = []
        begin = 0
        for row in rows:
            aligned = self._aligned[row]
            counterpart = self._counterparts[row]
            if counterpart == _NOT_ALIGNED:
                found.append(np.full(len(aligned), _NOT_ALIGNED, dtype=np.int64))
                continue
            found.append(np.where(aligned == _NOT_ALIGNED, _NOT_ALIGNED, aligned + begin))
            begin += int(self._teacher_lengths[counterpart])
        return np.concatenate(found)


def sorted_distance(logits: torch.Tensor, teacher: TeacherTokens, temperature: float) -> torch.Tensor:
    """The sum of |p − q| over both models' likeliest tokens in order of probability, and the rest, shape (positions,).

    `logits` are the student's, shape (positions, vocabulary). As many tokens are compared as the smaller of both has.
    """
    count = min(teacher.ids.shape[-1], logits.shape[-1])
    own = (logits / temperature).softmax(dim=-1).topk(count, dim=-1).values
    theirs = teacher.log_probabilities.exp()[:, :count]
    rest = (1.0 - own.sum(dim=-1)) - (1.0 - theirs.sum(dim=-1))
    return (own - theirs).abs().sum(dim=-1) + rest.abs()


def aligned_positions(
    rows: CausalRows, tokenizer: Any, teacher_rows: CausalRows, teacher_tokenizer: Any
) -> list[IntArray]:
    """For each row the teacher's completion token that follows the same characters, one entry for each of the student's
    completion tokens (−1: none). The end token follows the whole text in both."""
    places = {name: place for place, name in enumerate(teacher_rows.names)}
    found = []
    for row, name in enumerate(rows.names):
        length = int(rows.completion_lengths[row])
        aligned = np.full(length, _NOT_ALIGNED, dtype=np.int64)
        if name in places:
            text, their_text = rows.texts[row], teacher_rows.texts[places[name]]
            theirs = _characters_left(their_text, teacher_tokenizer)
            limit = int(teacher_rows.completion_lengths[places[name]])
            first_at = {left: token for token, left in reversed(list(enumerate(theirs[:limit])))}
            own = _characters_left(text, tokenizer)[:length]
            # A template may begin the reasoning, so that the texts to complete differ in their first characters.
            same = _common_ending(text, their_text)
            for token, left in enumerate(own):
                # Of several tokens that make one character only the first begins where the other model stands.
                if left <= same and (token == 0 or own[token - 1] != left):
                    aligned[token] = first_at.get(left, _NOT_ALIGNED)
        found.append(aligned)
    return found


def _common_ending(first: str, second: str) -> int:
    """How many last characters two texts share."""
    pairs = zip(reversed(first), reversed(second), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _characters_left(text: str, tokenizer: Any) -> list[int]:
    """How many characters of a completion are still to come at each of its tokens; none at the end token."""
    written = spaced_answer(tokenizer, text)
    shift = len(written) - len(text)
    encoding = tokenizer(written, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    ends = [max(0, int(end) - shift) for _, end in encoding["offset_mapping"]]
    return [len(text) - read for read in (0, *ends)]
