"""What a language model's student is taught by: its objective, and the outputs of its teacher that this needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.domain import IntArray
from core.engines.distill.causal_following import FollowedTeacher
from core.engines.distill.causal_model import shared_vocabulary, true_vocabulary
from core.engines.distill.causal_objective import CausalObjective
from core.engines.distill.causal_rows import CausalRows, causal_rows, learnt_examples
from core.engines.distill.causal_technique import Technique
from core.engines.distill.cross_tokenizer import CrossTokenizerObjective, aligned_positions
from core.engines.distill.fit_check import check_language_fit
from core.engines.distill.objective import Objective
from core.engines.distill.row_weights import row_weights
from core.engines.distill.token_cache import TokenCache, teacher_tokens
from core.engines.distill.training_job import Attempt, Material
from core.engines.language.opening import open_language_model, open_language_tokenizer
from core.engines.unused_options import tell_unused
from core.i18n import english
from core.jobs.specs import DistillParameters
from core.model_files import file_sha256, fingerprint_weights, is_gguf_file
from core.worker.context import JobContext

OUTPUTS_FOLDER = "teacher_outputs"
# Another tokenizer may need more tokens for the same text, but hardly more than so many times as many.
_MORE_TOKENS = 4


def taught_objective(
    parameters: DistillParameters,
    technique: Technique,
    material: Material,
    teacher: Path | None,
    rows: CausalRows,
    followed: FollowedTeacher | None,
    attempt: Attempt,
    context: JobContext,
) -> Objective:
    """The loss of the material's model on `rows` by this technique; the teacher is asked where its outputs are missing.

    `followed` is the teacher where it runs beside the student. Raises Stopped, UserError.
    """
    settings = parameters.train
    following = None if followed is None else followed.following
    own_vocabulary = true_vocabulary(material.tokenizer, material.model)
    tell_unused(parameters, technique.name, context)
    weights = row_weights(settings, rows.names, context)
    if teacher is None or technique.name in ("targets", "sequence"):
        return CausalObjective(rows, own_vocabulary, weights=weights, following=following)
    if technique.name == "cross_tokenizer":
        if parameters.task is None:
            raise ValueError("the training of a language model has no task")
        tokenizer, config = open_language_tokenizer(teacher)
        positions = getattr(config.get_text_config(), "max_position_embeddings", None)
        longest = min(_MORE_TOKENS * settings.max_length, positions or sys.maxsize)
        their_rows = causal_rows(
            learnt_examples(context.input_folder("data"), parameters.part), parameters.task, tokenizer, longest
        )
        vocabulary = shared_vocabulary(tokenizer, config)
        aligned = aligned_positions(rows, material.tokenizer, their_rows, tokenizer)
        _say_aligned(rows, aligned, context)
        cache = _cache(parameters, teacher, their_rows, vocabulary, attempt, context)
        return CrossTokenizerObjective(
            rows, own_vocabulary, cache, their_rows, aligned, settings.temperature, settings.alpha, weights
        )
    vocabulary = min(own_vocabulary, technique.shared_vocabulary or own_vocabulary)
    cache = _cache(
        parameters, teacher, rows, vocabulary, attempt, context, None if followed is None else followed.model
    )
    return CausalObjective(rows, vocabulary, cache, settings.temperature, settings.alpha, weights, following)


def _say_aligned(rows: CausalRows, aligned: Sequence[IntArray], context: JobContext) -> None:
    """On how much of the answers the teacher is heard."""
    tokens = int(rows.completion_lengths.sum())
    heard = sum(int((places >= 0).sum()) for places in aligned)
    context.log(english("causal.log.aligned", heard=heard, tokens=tokens, share=f"{heard / tokens:.0%}"))


def _cache(
    parameters: DistillParameters,
    teacher: Path,
    rows: CausalRows,
    vocabulary: int,
    attempt: Attempt,
    context: JobContext,
    ready: Any = None,
) -> TokenCache:
    """The teacher's outputs; it is opened only where some are missing, and leaves memory again when this returns, but
    for one that is `ready`."""
    settings = parameters.train

    def opened() -> Any:
        if ready is not None:
            return ready
        check_language_fit(teacher, attempt.device, context)
        return open_language_model(teacher, attempt.device).model

    cache = teacher_tokens(
        opened,
        (source_sha256(teacher), attempt.device.precision),
        rows,
        settings.top_k,
        vocabulary,
        settings.temperature,
        attempt.device,
        context.folder / OUTPUTS_FOLDER,
        context,
    )
    context.log(english("causal.log.cache", tokens=int(rows.completion_lengths.sum()), bytes=cache.bytes_per_token))
    return cache


def source_sha256(source: Path) -> str:
    """The fingerprint of a model folder or GGUF file, in hex."""
    return file_sha256(source) if is_gguf_file(source) else fingerprint_weights(source)
