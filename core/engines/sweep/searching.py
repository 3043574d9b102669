"""The trials of one search: trainings one after the other, each measured in every form, until nothing is left."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from core.engines.part_context import PartContext
from core.engines.sweep.figures import Figures
from core.engines.sweep.judge import EndedEarly, qualities_of
from core.engines.sweep.objective import Wanted, best_trial
from core.engines.sweep.pooling import pooled, timed_before
from core.engines.sweep.proposing import falls_behind, next_settings
from core.engines.sweep.records import TrialLine, append_trial, trainings_of
from core.engines.sweep.space import Settings
from core.engines.sweep.students import Split, Students
from core.engines.sweep.turns import FURTHER_TURNS, TURNS
from core.errors import UserError
from core.i18n import english
from core.jobs.results import TrialRecord
from core.jobs.specs import SweepParameters
from core.sweep_words import settings_words
from core.worker.context import JobContext, Stopped

TrialState = Literal["complete", "stopped early", "failed"]

PHASE = "phase.sweep"
TRIALS_FOLDER = "trials"
# A batch may overflow as a whole or in some of its rows; either way the settings are at fault, and others may not be.
DIVERGED = ("train.loss_not_finite", "train.row_not_finite")
# What may go wrong with one form of a student and not with the next one.
OF_ONE_FORM = (
    "compress.parity",
    "compress.export_failed",
    "compress.export_killed",
    "compress.too_large",
    "compress.language_memory",
)


@dataclass
class Search:
    """A search as it stands: `lines` are the trials that are done, each with its own timings."""

    context: JobContext
    students: Students
    lines: list[TrialLine]
    wanted: Wanted = field(init=False)

    def __post_init__(self) -> None:
        quality = self.parameters.space.retain * self.data.teacher_quality
        self.wanted = Wanted(self.parameters.limits, quality)

    @property
    def parameters(self) -> SweepParameters:
        """What is searched for, as far as it fits the teacher."""
        return self.students.parameters

    @property
    def data(self) -> Split:
        """The rows."""
        return self.students.data

    @property
    def forms(self) -> tuple[str, ...]:
        """The quantisations of the space, each once."""
        return tuple(dict.fromkeys(self.parameters.space.quantize))

    @property
    def trials(self) -> list[TrialLine]:
        """The trials that are done, with what all timings of their shape and form say."""
        return pooled(self.lines, self.wanted)

    @property
    def best(self) -> TrialRecord | None:
        """The best trial so far."""
        return best_trial([line.record for line in self.trials])

    def go_on(self) -> None:
        """Train and measure until the trials, the time or the space are used up. Raises Stopped."""
        self.context.log(
            english(
                "sweep.log.begun",
                learnt=len(self.data.learnt),
                held_out=len(self.data.held_out),
                teacher=_percent(self.data.teacher_quality),
                wanted=_percent(self.wanted.least_quality),
            )
        )
        if self.parameters.teacher_knows_rows:
            self.context.log(english("sweep.teacher_knows_rows"), "warning")
        for number in range(self.parameters.space.trials):
            trainings = trainings_of(self.trials)
            before = trainings[:number]
            if number < len(trainings) and self._is_done(trainings[number]):
                continue
            if number >= len(trainings) and self._out_of_time(0.0):
                self.context.log(english("sweep.log.out_of_time", minutes=self.parameters.space.max_minutes))
                return
            settings = next_settings(self.parameters.space, self.parameters.train, before)
            if settings is None:
                self.context.log(english("sweep.log.space_used_up", trainings=number))
                return
            self._try(number, settings, before)

    def _is_done(self, lines: Sequence[TrialLine]) -> bool:
        return {line.quantize for line in lines} in ({None}, set(self.forms))

    def _out_of_time(self, seconds_of_training: float) -> bool:
        """Whether the search's time is over; never before one trial came to its end."""
        minutes = self.parameters.space.max_minutes
        if minutes is None or self.best is None:
            return False
        return sum(line.record.seconds for line in self.lines) + seconds_of_training >= minutes * 60.0

    def _try(self, number: int, settings: Settings, before: Sequence[Sequence[TrialLine]]) -> None:
        """One training, and its trials."""
        folder = self.context.folder / TRIALS_FOLDER / f"training-{number:04d}"
        part = PartContext(self.context, folder, PHASE, number, self.parameters.space.trials + 1)
        epochs, begun = self.parameters.train.epochs, time.monotonic()

        def ends(qualities: Sequence[float]) -> bool:
            if len(qualities) < epochs and self._out_of_time(time.monotonic() - begun):
                return True
            space = self.parameters.space
            return space.stop_early and falls_behind(space, settings, qualities, epochs, before)

        try:
            trained = self.students.train(settings, self.data.learnt, ends, part)
        except EndedEarly as ended:
            self._add(
                number, settings, None, qualities_of(folder), self._record("stopped early", settings, ended.seconds)
            )
        except UserError as error:
            if error.code not in DIVERGED:
                raise
            self.context.log(error.text, "warning")
            self._add(number, settings, None, (), self._record("failed", settings, time.monotonic() - begun))
        else:
            self._measure(number, settings, folder, trained.seconds, part)
        shutil.rmtree(folder, ignore_errors=True)

    def _measure(self, number: int, settings: Settings, folder: Path, seconds: float, part: PartContext) -> None:
        """A trial for each form of the trained student; the training's seconds are the first one's."""
        known = {line.quantize for line in self.lines if line.training == number}
        for quantize in self.forms:
            if quantize in known:
                continue
            begun, own = time.monotonic(), seconds if quantize == self.forms[0] else 0.0
            figures: Figures | None = None
            turns = partial(self._turns, settings, quantize)
            try:
                figures = self.students.measure(folder, quantize, turns, partial(self.tell, part))
            except UserError as error:
                if error.code not in OF_ONE_FORM:
                    raise
                self.context.log(error.text, "warning")
                record = self._record("failed", settings, own + time.monotonic() - begun, quantize)
            else:
                record = self._record("complete", settings, own + time.monotonic() - begun, quantize, figures)
            self._add(number, settings, quantize, qualities_of(folder), record, figures)

    def tell(self, part: PartContext) -> None:
        """Say that a part is nearly done. Raises Stopped."""
        part.progress(PHASE, 1, 1)
        if self.context.should_stop():
            raise Stopped

    def _turns(self, settings: Settings, quantize: str, written: float | None) -> int:
        """In how many turns a student is timed: in fewer where its shape and form, and answers as long, have been."""
        return FURTHER_TURNS if timed_before(self.lines, settings, quantize, written) else TURNS

    def _record(
        self,
        state: TrialState,
        settings: Settings,
        seconds: float,
        quantize: str | None = None,
        figures: Figures | None = None,
    ) -> TrialRecord:
        speed = None if figures is None else figures.speed
        kept = figures is not None and self.wanted.kept_by(
            figures.quality, figures.speed.requests_per_second, figures.speed.p95_latency_ms
        )
        return TrialRecord(
            number=len(self.lines),
            state=state,
            settings=dict(self.students.shown(settings, quantize)),
            quality=None if figures is None else figures.quality,
            requests_per_second=None if speed is None else speed.requests_per_second,
            p95_latency_ms=None if speed is None else speed.p95_latency_ms,
            model_size_mib=None if figures is None else figures.model_size_mib,
            feasible=kept,
            seconds=seconds,
        )

    def _add(
        self,
        number: int,
        settings: Settings,
        quantize: str | None,
        qualities: Sequence[float],
        record: TrialRecord,
        figures: Figures | None = None,
    ) -> None:
        """Tell of a trial, then count it as done: what stands in the file must never be missing from the curves."""
        line = TrialLine(
            training=number,
            settings=settings,
            quantize=quantize,
            qualities=tuple(qualities),
            record=record,
            output_tokens=None if figures is None else figures.output_tokens,
            rates=() if figures is None else figures.speed.rates,
            milliseconds=() if figures is None else tuple(round(one, 4) for one in figures.speed.milliseconds),
        )
        told = pooled([*self.lines, line], self.wanted)[-1].record
        line = line.model_copy(update={"record": told})
        if told.quality is not None and told.requests_per_second is not None:
            self.context.metric("trial_quality", told.number, told.quality)
            self.context.metric("trial_requests_per_second", told.number, told.requests_per_second)
        append_trial(self.context.folder, line)
        self.lines.append(line)
        self.context.log(_line(told))


def _percent(share: float) -> str:
    return english("words.percent", figure=f"{share * 100:.1f}")


def _rate(record: TrialRecord) -> str:
    """Requests a second, and in which range half of its timings lie."""
    low, high = record.requests_per_second_low, record.requests_per_second_high
    spread = "" if low is None or high is None else f" [{rate_text(low)}, {rate_text(high)}]"
    return f"{rate_text(record.requests_per_second or 0.0)}{spread}"


def rate_text(rate: float) -> str:
    """A rate as text: a slow model's needs its decimals to differ from another's."""
    return f"{rate:.0f}" if rate >= 100 else f"{rate:.3g}"


def _line(record: TrialRecord) -> str:
    """One line for the log."""
    settings = settings_words(record.settings)
    if record.quality is None or record.requests_per_second is None:
        return english(f"sweep.log.trial_{record.state.replace(' ', '_')}", number=record.number, settings=settings)
    latency = "–" if record.p95_latency_ms is None else f"{record.p95_latency_ms:.2f}"
    return english(
        "sweep.log.trial_feasible" if record.feasible else "sweep.log.trial_infeasible",
        number=record.number,
        settings=settings,
        quality=_percent(record.quality),
        requests_per_second=_rate(record),
        latency=latency,
        size=f"{record.model_size_mib or 0.0:.1f}",
    )
