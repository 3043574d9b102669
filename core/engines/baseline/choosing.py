"""Which floor it is: each kind of features tried on held-out train rows, the best one fitted on all rows and saved.

Terms and embeddings are joined by adding up their calibrated decisions, which is one linear model on both at once:
(1 − s) · terms ÷ T₁ + s · embeddings ÷ T₂ with s chosen on the same out-of-fold decisions. On Banking77 that answers
92.9 % rightly where the terms alone reach 91.4 % and the embeddings alone 90.6 %; one machine fitted on both blocks at
once reaches 92.1 to 92.4 %, in three times the time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.engines.baseline.embeddings import TokenEmbeddings
from core.engines.baseline.features import TextFeatures
from core.engines.baseline.fitting import (
    DEVICE,
    Fit,
    OutOfFold,
    Planes,
    TrainMatrix,
    for_all_classes,
    out_of_fold,
    quality_of,
    tell,
)
from core.engines.baseline.model import BaselineClassifier, Features, LinearWeights
from core.i18n import english
from core.jobs.results import TrainResult
from core.worker.context import JobContext

Details = dict[str, str | int | float | bool | None]
TERMS, EMBEDDINGS, BOTH = "tfidf", "embeddings", "both"
_SHARES = tuple(tenth / 10 for tenth in range(1, 10))


@dataclass(frozen=True, eq=False)
class Trial:
    """One way to fit one kind of features, and its decisions about held-out train rows.

    `origin` says more of it: what it learnt from, how vectors were averaged.
    """

    name: str
    train: TrainMatrix
    fit: Fit
    held_out: OutOfFold
    origin: Details

    @property
    def accuracy(self) -> float:
        """The share of held-out rows answered rightly; 0 without any, so that the first of several is taken."""
        return self.held_out.accuracy or 0.0


@dataclass(frozen=True, eq=False)
class Choice:
    """The trials that make the floor, each with the factor of its decisions; `held_out` are those of their sum."""

    name: str
    parts: tuple[tuple[Trial, float], ...]
    held_out: OutOfFold


def tried(name: str, train: TrainMatrix, fit: Fit, context: JobContext, **origin: str) -> Trial:
    """A trial with its out-of-fold decisions. Raises Stopped."""
    return Trial(name, train, fit, out_of_fold(train, fit, context), dict(origin))


def best_of(trials: Sequence[Trial]) -> Trial:
    """The trial with the most right answers; of equal ones the first."""
    return max(trials, key=lambda trial: trial.accuracy)


def alone(trial: Trial) -> Choice:
    """One trial as it is."""
    return Choice(trial.name, ((trial, 1.0),), trial.held_out)


def joined(terms: Trial, embeddings: Trial) -> Choice:
    """Both at once, in the shares that answer most held-out rows rightly; of equal ones the share nearest to a half."""
    first, second = terms.held_out, embeddings.held_out
    scales = (1.0 / first.temperature, 1.0 / second.temperature)
    decisions = {
        share: (1.0 - share) * scales[0] * first.decisions + share * scales[1] * second.decisions for share in _SHARES
    }
    held_out = {share: OutOfFold(values, first.targets, first.weights) for share, values in decisions.items()}
    share = max(_SHARES, key=lambda value: (held_out[value].accuracy or 0.0, -abs(value - 0.5)))
    parts = ((terms, (1.0 - share) * scales[0]), (embeddings, share * scales[1]))
    return Choice(BOTH, parts, held_out[share])


def choose(terms: Trial, embeddings: Trial, context: JobContext) -> tuple[Choice, Details]:
    """Terms, embeddings or both, by right answers on held-out rows, of equal ones the first; and what each reached."""
    choices = [alone(terms), alone(embeddings), joined(terms, embeddings)]
    accuracies = {choice.name: choice.held_out.accuracy for choice in choices}
    best = max(choices, key=lambda choice: choice.held_out.accuracy or 0.0)
    context.log(
        english("baseline.log.features", chosen=english(f"baseline.features.{best.name}"), **as_shares(accuracies))
    )
    details: Details = {f"out_of_fold_accuracy_{name}": accuracy for name, accuracy in accuracies.items()}
    if best.held_out.accuracy is not None:
        details["gain_over_tfidf"] = best.held_out.accuracy - terms.accuracy
    return best, details


def as_shares(accuracies: Mapping[str, float | None]) -> dict[str, str]:
    """Accuracies as text; a dash where there were no held-out rows."""
    return {name: "–" if share is None else f"{share:.1%}" for name, share in accuracies.items()}


def fit_and_save(
    method: Literal["fine_tune", "distill"], choice: Choice, begun: float, context: JobContext, details: Details
) -> TrainResult:
    """Fit the choice on all rows, write the model folder, and return the result with its out-of-fold quality."""
    rows = choice.parts[0][0].train.rows
    fit_begun = time.monotonic()
    planes = []
    for step, (trial, _) in enumerate(choice.parts):
        tell(context, "phase.fit", step, len(choice.parts))
        planes.append(for_all_classes(trial.fit(np.arange(len(rows.targets))), len(rows.labels)))
    fit_s = time.monotonic() - fit_begun
    temperature = choice.held_out.temperature
    features = _features(choice)
    model = BaselineClassifier(rows.labels, features, _weights(choice, planes, temperature))
    model.save(context.folder / "model")
    context.progress("phase.fit", len(choice.parts), len(choice.parts))
    quality = quality_of(choice.held_out, temperature)
    iterations = max(plane.iterations for plane in planes)
    return TrainResult(
        method=method,
        device=DEVICE,
        steps=iterations,
        epochs=iterations,
        final_loss=quality["log_loss"],
        parameters=model.parameters,
        examples=len(rows.targets),
        examples_per_second=len(rows.targets) / fit_s if fit_s > 0 else None,
        seconds=time.monotonic() - begun,
        details={
            "features": choice.name,
            "terms": 0 if features.terms is None else features.terms.columns,
            "dimensions": 0 if features.tokens is None else features.tokens.columns,
            "temperature": temperature,
            **{f"out_of_fold_{name}": value for name, value in quality.items()},
            **({} if rows.weights is None else {"weighted": True}),
            **_origins(choice),
            **details,
        },
    )


def _features(choice: Choice) -> Features:
    kinds = [trial.train.features for trial, _ in choice.parts]
    return Features(
        next((kind for kind in kinds if isinstance(kind, TextFeatures)), None),
        next((kind for kind in kinds if isinstance(kind, TokenEmbeddings)), None),
    )


def _weights(choice: Choice, planes: Sequence[Planes], temperature: float) -> LinearWeights:
    """One matrix for all features, terms first, as `Features` reads it."""
    factors = [np.float32(factor) for _, factor in choice.parts]
    coefficients = [plane.coefficients * factor for plane, factor in zip(planes, factors, strict=True)]
    intercepts = [plane.intercepts * factor for plane, factor in zip(planes, factors, strict=True)]
    return LinearWeights(np.concatenate(coefficients), np.sum(intercepts, axis=0, dtype=np.float32), temperature)


def _origins(choice: Choice) -> Details:
    """What the parts say of themselves; of two that say different things, both with the part's name."""
    found: Details = {}
    for trial, _ in choice.parts:
        for name, value in trial.origin.items():
            others = [other.origin.get(name, value) for other, _ in choice.parts]
            found[name if len(set(others)) == 1 else f"{name}_{trial.name}"] = value
    return found
