"""What a trained language model is worth in one of its forms: how fast it writes here, and its weights in 8 bits.

Timed in turns (`turns`): single requests one after the other, then batches, each with the student's own answer, under
torch as it was trained and under ONNX Runtime in 8 bits.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from core.domain import Example, IntArray
from core.engines.benchmark.subjects import TextSubject
from core.engines.compress.language_rows import next_tokens, next_tokens_from_cache
from core.engines.compress.onnx_process import export_decoder_apart, write_int8_decoder_apart
from core.engines.compress.parity import MINIMUM_AGREEMENT, as_percent, choice_agreement
from core.engines.compress.quantize_language import check_int8
from core.engines.device import choose_device
from core.engines.distill.training_job import MODEL_FOLDER
from core.engines.language.generator import LocalGenerator
from core.engines.language.onnx_decoder import OnnxDecoder
from core.engines.language.opening import open_language_model
from core.engines.sweep.figures import Speed
from core.engines.sweep.turns import timed
from core.errors import UserError
from core.spec import Task
from core.worker.context import JobContext

_EXPORTED = "exported"
PlainRows = Sequence[tuple[list[int], int]]
"""Tokens of prompt and completion together, and how many are the prompt's."""


def speed_of(
    generator: LocalGenerator, task: Task, asked: Sequence[Example], turns: int, tell: Callable[[], None]
) -> Speed:
    """How fast a model answers these messages, each answer as long as it is; `tell` is called between turns and may
    raise."""
    answer = TextSubject(generator, task.max_output_tokens).answer
    (speed,) = timed([answer], [one.input for one in asked], turns, tell)
    return speed


def write_quantised(
    folder: Path, quantize: str, compared: PlainRows, context: JobContext, tell: Callable[[], None]
) -> Path:
    """The ONNX model folder of the student trained in `folder` with its weights in 8 bits.

    Raises UserError where the export, not quantised yet, would write other tokens than the student in the rows
    `compared`, memory does not reach, or torch cannot make the export.
    """
    source, exported, out = folder / MODEL_FOLDER, folder / _EXPORTED, folder / quantize
    check_int8(source, quantize, context)
    wanted = _choices(source, compared, tell)
    try:
        export_decoder_apart(source, exported, tell)
        agreement = choice_agreement(wanted, _choices(exported, compared, tell))
        if agreement < MINIMUM_AGREEMENT:
            raise UserError("compress.parity", path=str(source), agreement=as_percent(agreement), rows=len(wanted))
        write_int8_decoder_apart(exported, out, tell)
    finally:
        shutil.rmtree(exported, ignore_errors=True)
    return out


def _choices(source: Path, rows: PlainRows, tell: Callable[[], None]) -> IntArray:
    """The most probable token at each place of the completions, in single precision on the CPU, as the export answers:
    bf16 alone chooses another one at some of a hundred places."""
    opened = open_language_model(source, choose_device("cpu"))
    answer = next_tokens_from_cache if isinstance(opened.model, OnnxDecoder) else next_tokens
    return np.concatenate(answer(opened.model, rows, opened.pad_id, lambda done: tell()))
