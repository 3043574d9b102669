"""Progress of jobs: bars with remaining time on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from core.commands.console import note
from core.domain import JobKind, JobRow, JobState
from core.i18n import english
from core.jobs.job_parts import job_parts, part_words
from core.spec import Study

_LINE_INTERVAL_S = 10.0
_HOLD_S = 2.0


def share_text(row: JobRow) -> str:
    """How much of a job is done; empty while it runs in a phase that does not tell its steps."""
    untold = row.state is JobState.RUNNING and row.total_steps <= 1
    return "" if untold else f"{row.progress:.0%}"


def remaining_text(seconds: float | None) -> str:
    """The remaining time as people say it, such as "41 s left"; empty where it is not known."""
    if seconds is None:
        return ""
    if seconds < 60:
        return english("cli.seconds_left", seconds=max(1, round(seconds)))
    if seconds < 5400:
        return english("cli.minutes_left", minutes=round(seconds / 60))
    return english("cli.hours_left", hours=round(seconds / 3600, 1))


class JobTitles:
    """What each job does and for whom, such as "distil student-3l (assistant 1, seed 2)"."""

    def __init__(self, study: Study, candidate_jobs: Mapping[str, Mapping[str, str]]) -> None:
        """`candidate_jobs` maps candidates to their parts, and each part to its job's id."""
        self.parts: dict[str, list[tuple[str, str]]] = {}
        for candidate, jobs in candidate_jobs.items():
            for part, job_id in jobs.items():
                self.parts.setdefault(job_id, []).append((candidate, part))
        self._made = job_parts(study, candidate_jobs)

    def of(self, row: JobRow) -> str:
        """The title of a job, with what of its candidate it makes where that is not all of it."""
        title = english(f"job.title.{row.kind.value}", names=", ".join(row.candidates))
        words = part_words(english, self._made.get(row.job_id), "{:.0%}".format)
        return f"{title} ({', '.join(words)})" if words else title


class Display(Protocol):
    """Shows how the jobs of a run go. `told` is the job whose end was told last, in full, with nothing said since."""

    told: str | None

    def __enter__(self) -> Display: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def started(self, row: JobRow, number: int, total: int) -> None:
        """A job was started: the `number`th of `total`."""

    def update(self, row: JobRow) -> None:
        """A running job went on."""

    def warned(self, row: JobRow, text: str) -> None:
        """A running job has something to say that its figures do not show."""

    def ended(self, row: JobRow) -> None:
        """A job is over."""

    def refused(self) -> None:
        """The data was refused: the caller says why, in its one sentence."""


def outcome(row: JobRow) -> str:
    """How a job ended, in words; where it has not, its state."""
    if row.state is JobState.SUCCEEDED and row.started_at is not None and row.finished_at is not None:
        return english("cli.job_done", seconds=round((row.finished_at - row.started_at).total_seconds(), 1))
    return english(f"job.state.{row.state.value}") + (f": {row.message_text}" if row.message_text else "")


class PlainLines:
    """A line when a job starts, every ten seconds while it runs, and when it ends.

    The line that the data are being prepared waits until that has gone on for a moment: data that are refused at once
    leave one sentence alone, however long a loaded machine takes to start the job. So do its warnings.
    """

    def __init__(self, titles: JobTitles) -> None:
        self._titles = titles
        self._last = 0.0
        self._prefix = ""
        self._held: str | None = None
        self._held_warnings: list[str] = []
        self._at_work_since: float | None = None
        self.told: str | None = None

    def __enter__(self) -> PlainLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def started(self, row: JobRow, number: int, total: int) -> None:
        """Say which job of how many starts."""
        self._prefix = f"[{number}/{total}]"
        self._last = time.monotonic()
        self._held = f"{self._prefix} {self._titles.of(row)}"
        self._held_warnings = []
        self._at_work_since = None
        self.told = None
        if row.kind is not JobKind.PREPARE:
            self._say_held()

    def _say_held(self) -> None:
        if self._held is not None:
            note(self._held)
        self._held = None

    def update(self, row: JobRow) -> None:
        """Say how far it is, at most every ten seconds."""
        if row.phase is not None and self._at_work_since is None:
            self._at_work_since = time.monotonic()
        if self._at_work_since is not None and time.monotonic() - self._at_work_since > _HOLD_S:
            self._say_held()
        if time.monotonic() - self._last < _LINE_INTERVAL_S or row.phase is None:
            return
        self._last = time.monotonic()
        parts = [english(row.phase), share_text(row), remaining_text(row.remaining_s)]
        note(f"{self._prefix} {self._titles.of(row)}: " + ", ".join(part for part in parts if part))

    def warned(self, row: JobRow, text: str) -> None:
        """Say it, at the end where the data may still be refused."""
        line = f"{self._prefix} {self._titles.of(row)}: {text}"
        if row.kind is JobKind.PREPARE:
            self._held_warnings.append(line)
        else:
            note(line)

    def ended(self, row: JobRow) -> None:
        """Say how it ended."""
        self._held = None
        for line in self._held_warnings:
            note(line)
        self.told = row.job_id
        note(f"{self._prefix} {self._titles.of(row)}: {outcome(row)}")

    def refused(self) -> None:
        """Leave the word to the caller."""
        self._held = None


class Bars:
    """One bar for each job on a terminal."""

    def __init__(self, titles: JobTitles) -> None:
        self._titles = titles
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[figure]:>5}"),
            TextColumn("{task.fields[detail]}"),
            console=Console(stderr=True),
            auto_refresh=False,
        )
        self._task: TaskID | None = None
        # A bar cuts a long sentence off.
        self.told: str | None = None

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, row: JobRow, number: int, total: int) -> None:
        """Add the job's bar."""
        title = f"[{number}/{total}]".replace("[", "\\[") + f" {self._titles.of(row)}"
        self._task = self._progress.add_task(title, total=1.0, figure="", detail="")
        self._progress.refresh()

    def update(self, row: JobRow) -> None:
        """Move the bar."""
        if self._task is not None and row.phase is not None:
            detail = ", ".join(part for part in (english(row.phase), remaining_text(row.remaining_s)) if part)
            self._progress.update(self._task, completed=row.progress, figure=share_text(row), detail=detail)
            self._progress.refresh()

    def warned(self, row: JobRow, text: str) -> None:
        """Say it above the bars."""
        self._progress.console.print(f"{self._titles.of(row)}: {text}", markup=False, highlight=False)

    def ended(self, row: JobRow) -> None:
        """Fill the bar and say how it ended."""
        if self._task is not None:
            done = 1.0 if row.state is JobState.SUCCEEDED else row.progress
            self._progress.update(self._task, completed=done, figure=f"{done:.0%}", detail=outcome(row))
            self._progress.refresh()

    def refused(self) -> None:
        """Take the bar away and leave the word to the caller."""
        if self._task is not None:
            self._progress.remove_task(self._task)


def display(titles: JobTitles) -> Display:
    """Bars where a person watches a terminal, plain lines elsewhere."""
    return Bars(titles) if sys.stderr.isatty() else PlainLines(titles)
