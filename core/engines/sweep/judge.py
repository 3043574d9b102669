"""Who judges a student after each epoch of its training, and ends those that are not worth their end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from core.engines.distill.observer import Observer
from core.engines.durable import write_json

Ends = Callable[[Sequence[float]], bool]
"""Whether a training with these qualities, one after each epoch, should end here."""

_QUALITIES = "qualities.json"


class EndedEarly(Exception):  # noqa: N818 - a decision, not an error
    """Raised after an epoch of a training that is not worth its end; `seconds` it took in this attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"ended after {seconds:.1f} s")
        self.seconds = seconds


class Judge(Observer):
    """Remembers the `quality` of a student on the held-out rows after each epoch, and ends its training where `ends`
    says so."""

    def __init__(self, quality: Callable[[], float], folder: Path, ends: Ends) -> None:
        self._quality, self._folder, self._ends = quality, folder, ends
        self._begun = time.monotonic()

    def after_epoch(self, epoch: int) -> None:
        """Remember the quality. Raises EndedEarly."""
        # Epochs that are trained again after a kill replace what the lost ones said.
        known = [*qualities_of(self._folder)[: epoch - 1], self._quality()]
        partial = self._folder / f"{_QUALITIES}.partial"
        write_json(partial, {"qualities": known})
        partial.replace(self._folder / _QUALITIES)
        if self._ends(known):
            raise EndedEarly(time.monotonic() - self._begun)


def qualities_of(folder: Path) -> tuple[float, ...]:
    """The qualities after each epoch of the training in `folder`; those of a training that was ended are there too."""
    path = folder / _QUALITIES
    if not path.is_file():
        return ()
    return tuple(float(value) for value in json.loads(path.read_text(encoding="utf-8"))["qualities"])
