"""Hidden states to match: each layer of the student follows a layer of its teacher (Jiao and others 2020, TinyBERT,
arXiv 1909.10351, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

# Token ids and attention mask of a batch, and its rows -> the teacher's states, of its embeddings and of each layer.
TeacherStates = Callable[[torch.Tensor, torch.Tensor, IntArray], Sequence[torch.Tensor]]
_SMALLEST_SQUARE = 1e-6


class StateDistance:
    """The mean squared distance of the student's hidden states from those of some of its teacher's layers: of a row
    over its real tokens, so that padding does not matter, and of a batch by the share that each row has in it.

    `layers` are the teacher's, of its `available` ones, one for each of the student's. Where the widths differ a
    projection is learnt with the student and left behind (`projection`, null where they do not). With `unit_size` each
    state is divided by its root mean square first: in models that normalise before a layer and not after it, sizes
    differ from layer to layer, and few tokens have states that are a hundred times the others' (Sun and others 2024,
    arXiv 2402.17762).
    """

    def __init__(
        self,
        of_teacher: TeacherStates,
        layers: Sequence[int],
        available: int,
        widths: tuple[int, int],
        unit_size: bool = False,
    ) -> None:
        self._of_teacher, self._layers, self._unit_size = of_teacher, tuple(layers), unit_size
        own, theirs = widths
        self._available, self._width = available, theirs
        self.projection = None if own == theirs else torch.nn.ModuleList(torch.nn.Linear(own, theirs) for _ in layers)

    def of_batch(
        self,
        states: Sequence[torch.Tensor],
        ids: torch.Tensor,
        mask: torch.Tensor,
        rows: IntArray,
        shares: torch.Tensor,
    ) -> torch.Tensor:
        """A scalar. `states` are the student's, of its embeddings and of each layer, shape (rows, tokens, width);
        `shares` of the rows, shape (rows,), add up to 1 where all count alike."""
        theirs = self._of_teacher(ids, mask, rows)
        return self._mean(states, [theirs[layer + 1] for layer in self._layers], mask, shares)

    def of_any(self, states: Sequence[torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
        """The distance from states that are all 0, without asking the teacher: it takes the same memory."""
        shares = torch.full((len(mask),), 1.0 / len(mask), device=mask.device)
        nowhere = torch.zeros((*states[-1].shape[:-1], self._width), device=mask.device)
        return self._mean(states, [nowhere] * len(self._layers), mask, shares)

    def row_mib(self, tokens: int) -> float:
        """What the teacher's states of a row take, of its embeddings and of all its layers, in single precision, MiB:
        they are there together once it has answered."""
        return (self._available + 1) * tokens * self._width * 4 / 2**20

    def _mean(
        self,
        states: Sequence[torch.Tensor],
        theirs: Sequence[torch.Tensor],
        mask: torch.Tensor,
        shares: torch.Tensor,
    ) -> torch.Tensor:
        of_tokens = mask.float() / mask.sum(dim=1, keepdim=True)
        total = torch.zeros((), device=mask.device)
        for place, of_layer in enumerate(theirs):
            own = states[place + 1].float()
            if self.projection is not None:
                own = self.projection[place](own).float()
            apart = self._sized(own) - self._sized(of_layer.to(own.device).float())
            total = total + ((apart.square().mean(dim=-1) * of_tokens).sum(dim=1) * shares).sum()
        return total / len(self._layers)

    def _sized(self, states: torch.Tensor) -> torch.Tensor:
        if not self._unit_size:
            return states
        return states * torch.rsqrt(states.square().mean(dim=-1, keepdim=True) + _SMALLEST_SQUARE)


class HiddenStateObjective(BatchObjective):
    """The loss on a classifier's logits plus `weight` times the distance of hidden states, all rows alike or by their
    weights. The teacher runs beside the student, in evaluation mode and without gradients, on tokens of its own."""

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
        self._row_weights = row_tensor(row_weights)
        widths = int(student.config.hidden_size), int(teacher.config.hidden_size)
        available = int(teacher.config.num_hidden_layers)
        self._distance = StateDistance(self._teacher_states, layers, available, widths)
        self.companion = self._distance.projection

    def units(self, rows: IntArray) -> int:
        """Rows."""
        return len(rows)

    def loss(self, model: Any, ids: torch.Tensor, mask: torch.Tensor, rows: IntArray) -> torch.Tensor:
        """The mean loss of the rows."""
        output = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        numbers = torch.from_numpy(rows)
        shares = torch.full((len(rows),), 1.0 / len(rows), device=ids.device)
        counts = of_batch(self._row_weights, numbers, ids.device)
        shares = shares if counts is None else shares * counts
        distance = self._distance.of_batch(output.hidden_states, ids, mask, rows, shares)
        return self._of_logits(output.logits, numbers) + self._weight * distance

    def saves(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> Any:
        """The whole model, all its hidden states and their distance from others."""
        output = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        return output, self._distance.of_any(output.hidden_states, mask)

    def row_mib(self, tokens: int) -> float:
        """The teacher's states."""
        return self._distance.row_mib(tokens)

    def _teacher_states(self, ids: torch.Tensor, _mask: torch.Tensor, rows: IntArray) -> Sequence[torch.Tensor]:
        own, mask = (torch.from_numpy(array).to(ids.device) for array in self._tokens.padded(rows, pad_id=0))
        with torch.no_grad():
            output = self._teacher(input_ids=own, attention_mask=mask, output_hidden_states=True)
        states: Sequence[torch.Tensor] = output.hidden_states
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
    """The objective for a student of the teacher in `folder`; `layers` as in `followed_layers`. Raises UserError where
    teacher and student split the rows differently."""
    teacher, _ = load_weights(folder)
    teacher_tokens = text_encoder(load_tokenizer(folder), max_length).encode(inputs)
    if not (teacher_tokens.lengths == tokens.lengths).all():
        raise UserError("train.hidden_tokens")
    count, available = (int(model.config.num_hidden_layers) for model in (student, teacher))
    chosen = followed_layers(layers, count, available)
    return HiddenStateObjective(of_logits, weight, teacher, teacher_tokens, chosen, student, device, row_weights)


def followed_layers(kept: Sequence[int] | None, count: int, available: int) -> Sequence[int]:
    """Which of the teacher's `available` layers the student's `count` follow: those that it was made of (`kept`), or
    evenly spaced ones, the last among them, where it has layers of its own (null)."""
    return kept or [(place + 1) * available // count - 1 for place in range(count)]
