"""A classifier on the pruning ladder: it recovers on its teacher's soft labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from core.domain import IntArray
from core.engines.compress.ladder_subject import Subject
from core.engines.compress.work import Work
from core.engines.device import Device
from core.engines.distill.fit_check import check_teacher_fit
from core.engines.distill.label_losses import soft_sigmoid_objective
from core.engines.distill.losses import soft_label_loss
from core.engines.distill.objective import Objective
from core.engines.distill.teacher_cache import LogProbabilities, teacher_log_probabilities
from core.engines.models import open_classifier
from core.engines.models.card import FOREIGN_MAX_LENGTH, gives_several, has_card, read_card
from core.engines.models.starting import load_tokenizer, load_weights, longest_input, text_encoder
from core.errors import UserError
from core.model_files import fingerprint_weights
from core.spec import Train

# The teacher alone teaches: what its answers are compared with is the teacher, and its labels need be no targets.
TEMPERATURE, ALPHA = 2.0, 1.0
_COMPARED_BATCH = 32


class ClassifierSubject(Subject):
    """A transformers classifier; importance is measured by the cross-entropy with the labels that it gives itself."""

    batch_rows = 32
    learning_rate = 4e-4

    def __init__(self, source: Path, device: Device, work: Work, teacher: Path) -> None:
        super().__init__(source, load_tokenizer(source), device, work)
        model = self.load(source)
        known = read_card(source) if has_card(source) else None
        wanted = known.max_length if known else FOREIGN_MAX_LENGTH
        encoder = text_encoder(self.tokenizer, longest_input(model, self.tokenizer, wanted))
        examples = work.train_examples
        self._inputs = [example.input for example in examples]
        self.names = tuple(example.example_id for example in examples)
        self.tokens, self.compared = encoder.encode(self._inputs), encoder.encode(work.inputs)
        self.pad_id = encoder.pad_id
        self._teacher = teacher
        self._several = gives_several(source)
        self._labels = known.labels if known else tuple(str(model.config.id2label[i]) for i in model.config.id2label)
        self._own = torch.from_numpy(self._chosen(model, self.tokens)).to(device.torch_device)

    def load(self, folder: Path) -> Any:
        """The classifier of a folder. Raises UserError where it has no trained head."""
        model, missing = load_weights(folder)
        if missing:
            raise UserError("model.folder.no_classifier", path=str(folder))
        return model.to(self.device.torch_device).eval()

    def objective(self, cache: Path) -> Objective:
        """Soft labels alone, at temperature 2."""
        outputs = self._teacher_outputs(cache)
        if self._several:
            alone = Train(method="distill", temperature=TEMPERATURE, alpha=ALPHA)
            return soft_sigmoid_objective(alone, np.zeros(outputs.shape, dtype=np.float32), outputs)
        soft = torch.from_numpy(outputs)

        def objective(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
            teacher = soft[rows].to(logits.device)
            return soft_label_loss(logits, teacher, teacher.argmax(dim=-1), TEMPERATURE, ALPHA)

        return objective

    def _teacher_outputs(self, cache: Path) -> LogProbabilities:
        """The teacher's log-probabilities in the order of the model's labels, shape (rows, classes)."""
        check_teacher_fit(self._teacher, self.device, self.work.context)
        teacher = open_classifier(self._teacher)
        if sorted(teacher.labels) != sorted(self._labels):
            raise UserError("prune.labels_differ")
        outputs = teacher_log_probabilities(
            teacher, fingerprint_weights(self._teacher), self._inputs, cache, self.work.context
        )
        return np.array(outputs[:, [teacher.labels.index(label) for label in self._labels]])

    def loss(self, model: Any, rows: IntArray) -> torch.Tensor:
        """Cross-entropy with the unpruned model's own labels."""
        ids, mask = self.batch(self.tokens, rows)
        logits = model(input_ids=ids, attention_mask=mask).logits
        own = self._own[torch.from_numpy(rows).to(logits.device)]
        if self._several:
            return functional.binary_cross_entropy_with_logits(logits, own.to(logits.dtype))
        return functional.cross_entropy(logits, own)

    def choices(self, model: Any) -> IntArray:
        """The label or the set of labels of each compared row."""
        return self._chosen(model, self.compared)

    def _chosen(self, model: Any, tokens: Any) -> IntArray:
        order = np.argsort(-tokens.lengths, kind="stable")
        found = np.zeros((len(order), len(self._labels)) if self._several else len(order), dtype=np.int64)
        model.eval()
        for begin in range(0, len(order), _COMPARED_BATCH):
            rows = order[begin : begin + _COMPARED_BATCH]
            ids, mask = self.batch(tokens, rows)
            with torch.inference_mode():
                logits = model(input_ids=ids, attention_mask=mask).logits
                # A logit of 0 is a probability of one half.
                chosen = (logits >= 0.0).long() if self._several else logits.argmax(dim=-1)
                found[rows] = chosen.cpu().numpy()
        return found
