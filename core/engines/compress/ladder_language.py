"""A language model on the pruning ladder: it recovers on its teacher's next tokens within the targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.domain import IntArray
from core.engines.compress.ladder_subject import Subject
from core.engines.compress.language_rows import next_tokens
from core.engines.compress.work import Work
from core.engines.device import Device
from core.engines.distill.causal_model import same_tokenizer, true_vocabulary
from core.engines.distill.causal_objective import CausalObjective
from core.engines.distill.causal_rows import CausalRows, causal_rows, check_embedded
from core.engines.distill.fit_check import check_teacher_fit
from core.engines.distill.objective import Objective
from core.engines.distill.token_cache import teacher_tokens
from core.engines.language.opening import embedding_rows, open_language_model, open_language_tokenizer
from core.engines.models.starting import longest_input
from core.i18n import english
from core.model_files import is_onnx_folder

TEMPERATURE, ALPHA, TOP_K = 1.0, 1.0, 24
MAX_TOKENS = 512


class LanguageSubject(Subject):
    """A causal language model; importance is measured by the cross-entropy with the targets' tokens."""

    batch_rows = 8
    learning_rate = 2e-4

    def __init__(self, source: Path, device: Device, work: Work, teacher: Path) -> None:
        opened = open_language_model(source)
        super().__init__(source, opened.tokenizer, device, work)
        longest = longest_input(opened.model, self.tokenizer, MAX_TOKENS)
        self._sha256 = opened.sha256
        self._vocabulary = true_vocabulary(self.tokenizer, opened.model)
        self._model_rows = embedding_rows(opened.model)
        self._compared_rows = self._rows(work.compared, longest)
        self.compared = self._compared_rows.tokens
        self.pad_id = opened.pad_id
        self._teacher = self._readable(teacher)
        examples = work.train_examples
        if examples:
            self._train_rows = self._rows(examples, longest)
            self.tokens, self.names = self._train_rows.tokens, self._train_rows.names
        else:
            self.names = ()

    def _rows(self, examples: Any, longest: int) -> CausalRows:
        rows = causal_rows(examples, self.work.language_rows(examples).task, self.tokenizer, longest)
        check_embedded(rows, self._model_rows, self.tokenizer)
        return rows

    def _readable(self, teacher: Path) -> Path:
        """The teacher where it gives next-token probabilities and splits texts as the model does, whose vocabulary may
        just have been trimmed; else the unpruned model."""
        if is_onnx_folder(teacher):
            reason = english("prune.log.teacher_in_text")
        elif teacher == self.source or same_tokenizer(open_language_tokenizer(teacher)[0], self.tokenizer):
            return teacher
        else:
            reason = english("prune.log.teacher_other_tokens")
        self.work.context.log(reason, "warning")
        return self.source

    def load(self, folder: Path) -> Any:
        """The language model of a folder or GGUF file."""
        return open_language_model(folder).model.to(self.device.torch_device).eval()

    def objective(self, cache: Path) -> Objective:
        """The teacher's likeliest tokens and the rest, at each token of the targets."""
        check_teacher_fit(self._teacher, self.device, self.work.context)
        opened = open_language_model(self._teacher)
        kept = teacher_tokens(
            lambda: opened.model.to(self.device.torch_device).eval(),
            (opened.sha256,),
            self._train_rows,
            TOP_K,
            self._vocabulary,
            TEMPERATURE,
            self.device,
            cache,
            self.work.context,
        )
        return CausalObjective(self._train_rows, self._vocabulary, kept, TEMPERATURE, ALPHA)

    def loss(self, model: Any, rows: IntArray) -> torch.Tensor:
        """Cross-entropy with the targets' tokens."""
        ids, mask = self.batch(self.tokens, rows)
        return CausalObjective(self._train_rows, self._vocabulary).loss(model, ids, mask, rows)

    def choices(self, model: Any) -> IntArray:
        """The most probable next token at each place of the compared rows' targets."""
        model.eval()
        return np.concatenate(next_tokens(model, self._compared_rows.plain(), self.pad_id, lambda done: None))
