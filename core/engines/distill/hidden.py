"""Hidden states to match: each layer of the student follows a layer of its teacher (Jiao and others 2020, TinyBERT,
arXiv 1909.10351, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from core.domain import FloatArray, IntArray
from core.engines.device import Device
from core.engines.distill.objective import BatchObjective, LogitObjective
from core.engines.distill.row_weights import of_batch, row_tensor
from core.engines.models.starting import load_tokenizer, load_weights, text_encoder
from core.engines.models.tokenization import TokenRows
from core.errors import UserError


class HiddenStateObjective(BatchObjective):
    """The loss on logits plus `weight` times the mean squared distance of hidden states: of a row over its real tokens,
    then over rows, so that it does not matter how rows are put into batches.

    The teacher runs beside the student, in evaluation mode and without gradients. Where the widths differ a projection
    is learnt with the student and left behind. Both must split the rows into equally many tokens.
    """

    one_device = True

    def __init__(
        self,
        of_logits: LogitObjective,
        weight: float,
        teacher: Any,
        teacher_tokens: TokenRows,
        layers: Sequence[int],
        student: Any,
        device: Device,
        row_weights: FloatArray | None = None,
    ) -> None:
        self._of_logits, self._weight = of_logits, weight
        self._teacher, self._tokens = teacher.to(device.torch_device).eval(), teacher_tokens
        self._layers, self._device = tuple(layers), device
        self._row_weights = row_tensor(row_weights)
        widths = int(student.config.hidden_size), int(teacher.config.hidden_size)
        if widths[0] != widths[1]:
            self.companion = torch.nn.ModuleList(torch.nn.Linear(*widths) for _ in layers)

    def units(self, rows: IntArray) -> int:
        """Rows."""
        return len(rows)

    def loss(self, model: Any, ids: torch.Tensor, mask: torch.Tensor, rows: IntArray) -> torch.Tensor:
        """The mean loss of the rows."""
        output = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        theirs = self._teacher_states(rows)
        share = mask.float() / mask.sum(dim=1, keepdim=True)
        distance = torch.zeros((), device=ids.device)
        for place, layer in enumerate(self._layers):
            own = output.hidden_states[place + 1].float()
            if isinstance(self.companion, torch.nn.ModuleList):
                own = self.companion[place](own)
            of_tokens = (own - theirs[layer + 1].float()).square().mean(dim=-1)
            of_rows = (of_tokens * share).sum(dim=1)
            counts = of_batch(self._row_weights, torch.from_numpy(rows), ids.device)
            distance = distance + (of_rows if counts is None else of_rows * counts).mean()
        return self._of_logits(output.logits, torch.from_numpy(rows)) + self._weight * distance / len(self._layers)

    def _teacher_states(self, rows: IntArray) -> Sequence[torch.Tensor]:
        ids, mask = (
            torch.from_numpy(array).to(self._device.torch_device) for array in self._tokens.padded(rows, pad_id=0)
        )
        with torch.no_grad():
            states: Sequence[torch.Tensor] = self._teacher(
                input_ids=ids, attention_mask=mask, output_hidden_states=True
            ).hidden_states
        return states


def hidden_state_objective(
    of_logits: LogitObjective,
    weight: float,
    folder: Path,
    layers: Sequence[int] | None,
    student: Any,
    inputs: Sequence[str],
    tokens: TokenRows,
    max_length: int,
    device: Device,
    row_weights: FloatArray | None = None,
) -> HiddenStateObjective:
    """The objective for a student of the teacher in `folder`; `layers` null means evenly spaced ones, the last among
    them. Raises UserError where teacher and student split the rows differently."""
    teacher, _ = load_weights(folder)
    teacher_tokens = text_encoder(load_tokenizer(folder), max_length).encode(inputs)
    if not (teacher_tokens.lengths == tokens.lengths).all():
        raise UserError("train.hidden_tokens")
    count, available = int(student.config.num_hidden_layers), int(teacher.config.num_hidden_layers)
    chosen = layers or [(place + 1) * available // count - 1 for place in range(count)]
    return HiddenStateObjective(of_logits, weight, teacher, teacher_tokens, chosen, student, device, row_weights)
