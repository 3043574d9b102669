"""What a language model's training minimises: cross-entropy with the completion, mixed with what its teacher says."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from core.domain import FloatArray, IntArray
from core.engines.distill.causal_model import body_and_head, body_states, head_logits
from core.engines.distill.causal_rows import CausalRows
from core.engines.distill.objective import BatchObjective
from core.engines.distill.row_weights import position_weights, weighted_spans
from core.engines.distill.token_cache import TeacherOutputs
from core.engines.distill.token_gradient import TeacherTokens
from core.engines.distill.token_losses import chunked_loss, head_workspace_mib, mixed_token_loss


class CausalObjective(BatchObjective):
    """alpha · T² · KL(teacher ‖ student) + (1 − alpha) · cross-entropy, a mean over completion tokens.

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
    ) -> None:
        self._weights = weights
        self._rows, self._vocabulary = rows, vocabulary
        self._cache, self._temperature, self._alpha = cache, temperature, alpha
        self._completion_lengths = rows.completion_lengths

    def loss(self, model: Any, ids: torch.Tensor, mask: torch.Tensor, rows: IntArray) -> torch.Tensor:
        """The mean loss over the completion tokens of these rows."""
        followed = torch.from_numpy(self._rows.followed(rows)).to(ids.device)
        states, head = body_and_head(model, ids, mask)
        hidden = states[:, :-1][followed]
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

        return chunked_loss(hidden, head, of_chunk)

    def units(self, rows: IntArray) -> int:
        """The completion tokens of some rows."""
        return int(np.sum(self._completion_lengths[rows]))

    def saves(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The body's last hidden states: the head's logits are never kept."""
        return body_states(model, ids, mask)

    def workspace_mib(self, model: Any) -> float:
        """One chunk's logits with their softmax and gradient, and the head's gradient before it is added."""
        return head_workspace_mib(model, self._vocabulary)
