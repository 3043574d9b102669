"""Which setting a search tries next, and when a training has fallen behind: Optuna, without a memory of its own.

Each question is answered by a study made anew of the trials on disk, with a sampler seeded by the number of the
training. So a search that was killed asks on as it would have asked, and nothing but `trials.jsonl` has to be kept.
Quantising is no dimension of Optuna's space: every training is measured in each of its forms, and the best one counts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from core.engines.sweep.objective import rank_value
from core.engines.sweep.records import TrialLine
from core.engines.sweep.space import Settings, largest, layers_text
from core.spec import SweepModel, Train

# So many trainings are drawn at random before the sampler learns from them, and as many end before one is cut short.
STARTUP_SHARE, STARTUP_AT_MOST = 0.3, 10
PRUNING_AFTER = 4
# Before this share of the epochs a small student's quality says little of where it ends.
PRUNING_FROM = 1 / 3
_DIGITS = 4


def next_settings(space: SweepModel, shared: Train, before: Sequence[Sequence[TrialLine]]) -> Settings | None:
    """The setting of the training after those in `before`; null where every setting of the space has been tried.

    The first one is the largest student. Depends on its arguments alone.
    """
    if not before:
        return largest(space, shared)
    number = len(before)
    seed = int(np.random.SeedSequence([shared.seed, number]).generate_state(1)[0])
    startup = max(2, min(STARTUP_AT_MOST, math.ceil(STARTUP_SHARE * space.trials)))
    study = _study(space, before, optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup))
    tried, generator = {lines[0].settings for lines in before}, np.random.default_rng(seed)
    asked = _unproven(space, _settings(space, study.ask(_distributions(space)).params), before, generator)
    if asked not in tried:
        return asked
    left = [settings for settings in _all_settings(space) if settings not in tried]
    return left[int(generator.integers(len(left)))] if left else None


def _unproven(
    space: SweepModel, asked: Settings, before: Sequence[Sequence[TrialLine]], generator: np.random.Generator
) -> Settings:
    """The setting itself, or with a shape that was not tried: one that keeps everything already is as fast at any
    temperature, so that only a smaller one can be better."""
    kept = [lines[0].settings for lines in before if any(line.record.feasible for line in lines)]
    if asked.shape not in {settings.shape for settings in kept}:
        return asked
    known = {lines[0].settings.shape for lines in before}
    shapes = [asked.model_copy(update=shape) for shape in _shapes(space)]
    left = [one for one in shapes if one.shape not in known and not any(_as_large(one, other) for other in kept)]
    return left[int(generator.integers(len(left)))] if left else asked


def _as_large(one: Settings, other: Settings) -> bool:
    """Whether a student keeps at least as much of its teacher as another one."""
    return (
        _count(one) >= _count(other)
        and (one.feed_forward or math.inf) >= (other.feed_forward or math.inf)
        and one.trim_vocabulary <= other.trim_vocabulary
    )


def _count(settings: Settings) -> int:
    return settings.layers if isinstance(settings.layers, int) else len(settings.layers)


def falls_behind(
    space: SweepModel,
    settings: Settings,
    qualities: Sequence[float],
    epochs: int,
    before: Sequence[Sequence[TrialLine]],
) -> bool:
    """Whether a training with these qualities, one after each epoch, should end here.

    It should where its best one is below the median of the finished trainings after as many epochs (Golovin and others
    2017, "Google Vizier", section 3.2.1), below every one of those that turned out to keep the limits, and below the
    share of the best of them that is to be kept of the teacher: a small student may stay below the others and yet be
    good enough.
    """
    complete = [lines for lines in before if _state(lines) is TrialState.COMPLETE]
    if len(qualities) >= epochs or len(complete) < PRUNING_AFTER:
        return False
    epoch = len(qualities)
    pruner = optuna.pruners.MedianPruner(
        n_startup_trials=PRUNING_AFTER, n_warmup_steps=max(1, math.ceil(PRUNING_FROM * epochs))
    )
    study = _study(space, complete, None)
    if not pruner.prune(study, _trial(space, settings, TrialState.RUNNING, None, qualities)):
        return False
    kept = [lines[0].qualities[epoch - 1] for lines in complete if any(line.record.feasible for line in lines)]
    return not kept or max(qualities) < min(*kept, space.retain * max(kept))


def _study(
    space: SweepModel, before: Sequence[Sequence[TrialLine]], sampler: optuna.samplers.BaseSampler | None
) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for lines in before:
        values = [value for line in lines if (value := rank_value(line.record)) is not None]
        value = max(values) if values else None
        study.add_trial(_trial(space, lines[0].settings, _state(lines), value, lines[0].qualities))
    return study


def _state(lines: Sequence[TrialLine]) -> TrialState:
    """How Optuna calls the end of a training, by the trials that came of it."""
    states = {line.record.state for line in lines}
    if "complete" in states:
        return TrialState.COMPLETE
    return TrialState.PRUNED if "stopped early" in states and lines[0].qualities else TrialState.FAIL


def _trial(
    space: SweepModel, settings: Settings, state: TrialState, value: float | None, qualities: Sequence[float]
) -> FrozenTrial:
    return create_trial(
        state=state,
        params=_parameters(settings),
        distributions=_distributions(space),
        value=value,
        intermediate_values=dict(enumerate(qualities, 1)),
    )


def _distributions(space: SweepModel) -> dict[str, BaseDistribution]:
    return {
        "layers": CategoricalDistribution(_once(layers_text(choice) for choice in space.layers)),
        "feed_forward": CategoricalDistribution(_once(str(width) for width in space.feed_forward)),
        "trim_vocabulary": CategoricalDistribution(_once(space.trim_vocabulary)),
        # A step from 1 to 2 changes soft labels as much as one from 4 to 8.
        "temperature": FloatDistribution(*space.temperature, log=True),
        "alpha": FloatDistribution(*space.alpha),
    }


def _once(values: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _parameters(settings: Settings) -> dict[str, Any]:
    return {
        "layers": settings.layers_text,
        "feed_forward": str(settings.feed_forward),
        "trim_vocabulary": settings.trim_vocabulary,
        "temperature": settings.temperature,
        "alpha": settings.alpha,
    }


def _settings(space: SweepModel, parameters: dict[str, Any]) -> Settings:
    layers = next(choice for choice in space.layers if layers_text(choice) == parameters["layers"])
    width = next(width for width in space.feed_forward if str(width) == parameters["feed_forward"])
    return Settings(
        layers=layers if isinstance(layers, int) else tuple(layers),
        feed_forward=width,
        trim_vocabulary=parameters["trim_vocabulary"],
        temperature=_rounded(parameters["temperature"], space.temperature),
        alpha=_rounded(parameters["alpha"], space.alpha),
    )


def _rounded(value: float, bounds: tuple[float, float]) -> float:
    """The value as people write it, within its bounds."""
    return min(max(float(f"{value:.{_DIGITS}g}"), bounds[0]), bounds[1])


def _all_settings(space: SweepModel) -> list[Settings]:
    """Every setting of a space whose ranges are single values; none of a space that has no end."""
    if space.temperature[0] != space.temperature[1] or space.alpha[0] != space.alpha[1]:
        return []
    return [Settings(**shape, temperature=space.temperature[0], alpha=space.alpha[0]) for shape in _shapes(space)]


def _shapes(space: SweepModel) -> list[dict[str, Any]]:
    """Every shape of a space, as the fields of a setting."""
    return [
        {
            "layers": layers if isinstance(layers, int) else tuple(layers),
            "feed_forward": width,
            "trim_vocabulary": trim,
        }
        for layers, width, trim in itertools.product(space.layers, space.feed_forward, space.trim_vocabulary)
    ]
