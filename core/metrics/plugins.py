"""Metrics of the user's own: callables (output, target) -> 0 to 1 that installed packages offer as entry points of the
group `tercet.metrics`, named in a study as `plugin:NAME`."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from numbers import Real

import numpy as np

from core.errors import UserError
from core.i18n import english, listed
from core.metrics.reasoning import split_reasoning

GROUP = "tercet.metrics"


def installed_metrics() -> tuple[str, ...]:
    """The names that a study can write after `plugin:`, sorted. Looks, but imports none of them."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def plugin_identity(name: str) -> str:
    """Package and version behind a metric, as in `my-metrics 1.2`: another version may score otherwise.

    Raises UserError where none of that name is installed, or two packages offer it.
    """
    distribution = _entry(name).dist
    return "" if distribution is None else f"{distribution.name} {distribution.version}"


class PluginScorer:
    """The user's metric as a scorer of rows, its package imported. Raises UserError where that cannot be."""

    def __init__(self, name: str) -> None:
        self._name = name
        try:
            self._metric = _entry(name).load()
        except UserError:
            raise
        except Exception as error:  # whatever the user's package raises is told, never a bug of ours
            raise UserError("metrics.plugin_broken", name=name, problem=_words(error)) from error
        if not callable(self._metric):
            raise UserError(
                "metrics.plugin_broken",
                name=name,
                problem=english("metrics.plugin_no_function", type=type(self._metric).__name__),
            )

    def __call__(self, output: str, target: str, row: str | int) -> float:
        """The score of one answer, the model's reasoning left out. Raises UserError naming metric and row where the
        metric fails or gives no number from 0 to 1."""
        try:
            score = self._metric(split_reasoning(output)[1], target)
        except Exception as error:  # as above
            raise UserError("metrics.plugin_failed", name=self._name, row=row, problem=_words(error)) from error
        if isinstance(score, Real | np.bool_) and 0.0 <= float(score) <= 1.0:
            return float(score)
        raise UserError("metrics.plugin_score", name=self._name, row=row, score=repr(score)[:80])


def _entry(name: str) -> EntryPoint:
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        names = listed(installed_metrics()) or english("metrics.plugin_none")
        raise UserError("metrics.plugin_unknown", field="task.metric", name=name, names=names)
    packages = sorted({entry.dist.name for entry in found if entry.dist is not None})
    if len(packages) > 1:
        raise UserError("metrics.plugin_twice", field="task.metric", name=name, packages=", ".join(packages))
    return found[0]


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
