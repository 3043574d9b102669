"""When single requests are answered: the tokens of one model, and the two paths of a hybrid mixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.domain import FloatArray
from core.jobs.results import BenchmarkResult

_MIXTURE_SAMPLES = 2000
_SEED = 0
_ENDPOINT = "endpoint"
_NO_TIMES = np.empty(0, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class TokenSamples:
    """Milliseconds of single requests until the first token, and between the further ones of each answer that has any.

    Null where that is not known; `between_ms` is empty where no answer has further tokens. An answer that comes at once
    has its first token when it is whole. `whole_ms` are whole answers: no first token comes later. `first_count` and
    `between_count` are how many samples stand behind a mixture, null where as many as there are.
    """

    first_ms: FloatArray | None = None
    between_ms: FloatArray | None = None
    whole_ms: FloatArray | None = None
    first_count: int | None = None
    between_count: int | None = None


UNTIMED = TokenSamples()


def token_samples(benchmark: BenchmarkResult, whole_ms: FloatArray | None, *, asked_again: bool) -> TokenSamples:
    """What a benchmark timed of the tokens. Where answers that fail their checks are asked for again, none is shown
    before it is whole."""
    timed = benchmark.runtimes[0] if benchmark.runtimes else None
    if timed is None or whole_ms is None:
        return TokenSamples(whole_ms=whole_ms)
    if timed.tokens is None:
        writes = timed.runtime == _ENDPOINT or benchmark.output_tokens_per_second is not None
        return TokenSamples(whole_ms=whole_ms) if writes else TokenSamples(whole_ms, _NO_TIMES, whole_ms)
    first = np.asarray(timed.tokens.time_to_first_token_ms, dtype=np.float64)
    between: FloatArray | None = np.asarray(timed.tokens.time_per_output_token_ms, dtype=np.float64)
    if not timed.tokens.time_per_output_token_ms and timed.tokens.further_untimed:
        between = None  # there are further tokens, and nobody knows how long they take
    known = first if len(first) else None
    return TokenSamples(whole_ms if asked_again else known, between, whole_ms)


@dataclass(frozen=True, eq=False)
class Mixture:
    """How a hybrid's two paths are mixed. A router scores and then asks one of the two; a cascade always asks the
    student, and the teacher after it where the request is sent. `handed_on_ms` are the student's answers that are sent
    on, which are not asked for again; null where they take as long as those that stand."""

    strong_share: float
    score_ms: float
    cascade: bool
    handed_on_ms: FloatArray | None = None

    def latency(self, teacher: FloatArray, student: FloatArray) -> FloatArray:
        """Latency samples of the hybrid, milliseconds: a seeded mixture."""
        generator = np.random.default_rng(_SEED)
        sent = np.arange(_MIXTURE_SAMPLES) < round(self.strong_share * _MIXTURE_SAMPLES)
        strong = generator.choice(teacher, size=_MIXTURE_SAMPLES)
        weak = generator.choice(student, size=_MIXTURE_SAMPLES)
        if not self.cascade:
            return self.score_ms + np.where(sent, strong, weak)
        if self.handed_on_ms is not None:
            weak = np.where(sent, generator.choice(self.handed_on_ms, size=_MIXTURE_SAMPLES), weak)
        return self.score_ms + weak + np.where(sent, strong, 0.0)


def mixed_tokens(
    teacher: TokenSamples, student: TokenSamples, whole_ms: FloatArray | None, mixture: Mixture
) -> TokenSamples:
    """A hybrid's tokens. A cascade shows nothing before the student's answer is whole and judged; what it sends on is
    the teacher's to begin. Between further tokens is what the path that writes them takes."""
    began = student.whole_ms if mixture.cascade else student.first_ms
    first = first_count = None
    if teacher.first_ms is not None and began is not None:
        first = mixture.latency(teacher.first_ms, began)
        first_count = min(len(teacher.first_ms), len(began))
    between, between_count = _mixed_between(teacher.between_ms, student.between_ms, mixture.strong_share)
    return TokenSamples(first, between, whole_ms, first_count, between_count)


def _mixed_between(
    teacher: FloatArray | None, student: FloatArray | None, strong_share: float
) -> tuple[FloatArray | None, int | None]:
    if teacher is None or student is None:
        return None, None
    if len(teacher) == 0 or len(student) == 0:
        writing = teacher if len(student) == 0 else student
        return writing, len(writing)
    mixed = Mixture(strong_share, 0.0, cascade=False).latency(teacher, student)
    return mixed, min(len(teacher), len(student))
