"""What the pruning ladder needs of a model, be it a classifier or a language model."""

from __future__ import annotations

import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.domain import IntArray
from core.engines.compress.describe import card_of
from core.engines.compress.work import Work
from core.engines.device import Device
from core.engines.distill.objective import Objective
from core.engines.models.tokenization import TokenRows
from core.engines.models.writing import save_transformers_model
from core.errors import UserError

_TIMED_REQUESTS, _WARM_UP_REQUESTS = 31, 3
# Small batches, for a derivative that is averaged over rows first says less the more rows there are.
_MEASURED_ROWS, _MEASURED_BATCH = 512, 8


class Subject(ABC):
    """A model that is pruned, with the rows that it learns from and those on which it is compared.

    `tokens`, `names` are of the rows to learn from, `compared` of the others; `batch_rows` and `learning_rate` are how
    its recovery is trained.
    """

    tokens: TokenRows
    names: tuple[str, ...]
    compared: TokenRows
    pad_id: int
    batch_rows: int
    learning_rate: float

    def __init__(self, source: Path, tokenizer: Any, device: Device, work: Work) -> None:
        self.source, self.tokenizer, self.device, self.work = source, tokenizer, device, work

    @abstractmethod
    def load(self, folder: Path) -> Any:
        """The model of a folder in fp32, on the device and in evaluation mode."""

    @abstractmethod
    def objective(self, cache: Path) -> Objective:
        """The loss of the recovery; what the teacher says is kept in the folder `cache`. Raises Stopped."""

    @abstractmethod
    def loss(self, model: Any, rows: IntArray) -> torch.Tensor:
        """The loss by which importance is measured, of some rows to learn from."""

    @abstractmethod
    def choices(self, model: Any) -> IntArray:
        """What the model chooses in the compared rows."""

    def measured_batches(self) -> Iterator[IntArray]:
        """The rows by which importance is measured, evenly spread, in small batches."""
        every = max(1, -(-len(self.names) // _MEASURED_ROWS))
        rows = np.arange(0, len(self.names), every, dtype=np.int64)
        for begin in range(0, len(rows), _MEASURED_BATCH):
            yield rows[begin : begin + _MEASURED_BATCH]

    def batch(self, tokens: TokenRows, rows: IntArray) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids and attention mask of some rows on the device, each of shape (rows, longest)."""
        ids, mask = (torch.from_numpy(array).to(self.device.torch_device) for array in tokens.padded(rows, self.pad_id))
        return ids, mask

    def latency_ms(self, model: Any) -> float:
        """The median of single forward passes over compared rows, of a language model over prompt and target; warm-up
        excluded."""
        rows = np.resize(np.arange(len(self.compared.lengths)), _TIMED_REQUESTS + _WARM_UP_REQUESTS)
        times = []
        model.eval()
        for row in rows:
            ids, mask = self.batch(self.compared, np.asarray([row]))
            begin = time.perf_counter()
            with torch.inference_mode():
                # The copy to the CPU waits for the device.
                model(input_ids=ids, attention_mask=mask).logits[:, -1].cpu()
            times.append((time.perf_counter() - begin) * 1000.0)
        return statistics.median(times[_WARM_UP_REQUESTS:])

    def save(self, folder: Path, model: Any, documents: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Write the model folder. Raises UserError (disk.full)."""
        card = card_of(self.source, model, self.tokenizer, "transformers")
        save_transformers_model(folder, model, self.tokenizer, card, documents)

    def need_rows(self) -> None:
        """Raises UserError where there are no rows to learn from."""
        if not self.names:
            raise UserError("prune.no_rows")
