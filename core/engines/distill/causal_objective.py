"""What a language model's training minimises: cross-entropy with the completion, mixed with what its teacher says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from core.domain import FloatArray, IntArray
from core.engines.distill.causal_model import body_and_head, body_states, head_logits, layer_states
from core.engines.distill.causal_rows import CausalRows
from core.engines.distill.hidden import StateDistance
from core.engines.distill.objective import BatchObjective
from core.engines.distill.row_weights import position_weights, weighted_spans
from core.engines.distill.token_cache import TeacherOutputs
from core.engines.distill.token_gradient import TeacherTokens
from core.engines.distill.token_losses import chunked_loss, head_workspace_mib, mixed_token_loss


@dataclass(frozen=True, eq=False)
class Following:
    """The distance of the student's hidden states from its teacher's, and how much it counts in the loss."""

    distance: StateDistance
    weight: float


class CausalObjective(BatchObjective):
    """alpha · T² · KL(teacher ‖ student) + (1 − alpha) · cross-entropy, a mean over completion tokens.

    With `following`, the distance of hidden states over all tokens of a row is added. A row has as large a share in it
    as in the rest of the loss, its completion tokens, so that it does not matter how rows are put into batches.

    `cache` null means the completions alone. `vocabulary` is the number of tokens that mean something; what a padded
    output head has beyond is left out of every softmax. `weights` say how much the tokens of each row count, null
    alike.
    """

    def __init__(
        self,
        rows: CausalRows,
        vocabulary: int,
        cache: TeacherOutputs | None = None,
        temperature: float = 1.0,
        alpha: float = 0.0,
        weights: FloatArray | None = None,
        following: Following | None = None,
    ) -> None:
        self._weights, self._following = weights, following
        # The teacher that is followed is on one device.
        self.one_device = following is not None
        self.companion = None if following is None else following.distance.projection
        self._rows, self._vocabulary = rows, vocabulary
        self._cache, self._temperature, self._alpha = cache, temperature, alpha
        self._completion_lengths = rows.completion_lengths

    def loss(self, model: Any, ids: torch.Tensor, mask: torch.Tensor, rows: IntArray) -> torch.Tensor:
        """The mean loss over the completion tokens of these rows."""
        followed = torch.from_numpy(self._rows.followed(rows)).to(ids.device)
        states, head = body_and_head(model, ids, mask, every_layer=self._following is not None)
        hidden = states[-1][:, :-1][followed]
        targets = ids[:, 1:][followed]
        lengths, own = self._completion_lengths, self._weights
        weights = None if own is None else position_weights(own, rows, lengths)
        teacher = None if self._cache is None else self._cache.of_rows(rows, ids.device)

        def of_chunk(chunk: torch.Tensor, first: int, last: int) -> torch.Tensor:
            logits = head_logits(model, chunk, self._vocabulary)

            def of_span(begin: int, end: int) -> torch.Tensor:
                part: TeacherTokens | None = None if teacher is None else teacher.part(begin, end)
                own = logits[begin - first : end - first]
                return mixed_token_loss(own, targets[begin:end], part, self._temperature, self._alpha)

            return of_span(first, last) if weights is None else weighted_spans(weights, first, last, of_span)

        return chunked_loss(hidden, head, of_chunk) + self._apart(states, ids, mask, rows)

    def _apart(
        self, states: Sequence[torch.Tensor], ids: torch.Tensor, mask: torch.Tensor, rows: IntArray
    ) -> torch.Tensor | float:
        """The weighted distance of hidden states; 0 where they are not followed."""
        if self._following is None:
            return 0.0
        counts = self._completion_lengths[rows] / self.units(rows)
        if self._weights is not None:
            counts = counts * self._weights[rows]
        shares = torch.from_numpy(counts.astype(np.float32)).to(ids.device)
        return self._following.weight * self._following.distance.of_batch(states, ids, mask, rows, shares)

    def units(self, rows: IntArray) -> int:
        """The completion tokens of some rows."""
        return int(np.sum(self._completion_lengths[rows]))

    def saves(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> Any:
        """The body's hidden states: the head's logits are never kept. Where they are followed, all of them and their
        distance from others."""
        if self._following is None:
            return body_states(model, ids, mask)
        states = layer_states(model, ids, mask)
        return states, self._following.distance.of_any(states, mask)

    def workspace_mib(self, model: Any) -> float:
        """One chunk's logits with their softmax and gradient, and the head's gradient before it is added."""
        return head_workspace_mib(model, self._vocabulary)

    def row_mib(self, tokens: int) -> float:
        """The states of the teacher that is followed; none where none is."""
        return 0.0 if self._following is None else self._following.distance.row_mib(tokens)
