"""The study's jobs as a table: title, state, progress, time. Rows keep their order and are updated in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.domain import JobRow, JobState
from core.i18n import listed
from core.jobs.job_parts import JobPart, part_words
from gui.i18n import Translator

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = int(Qt.ItemDataRole.UserRole) + 1
DETAIL_ROLE = ROW_ROLE + 1
SHARE_ROLE = ROW_ROLE + 2
STATE_ROLE = ROW_ROLE + 3


class Column(IntEnum):
    """The table's columns."""

    TITLE = 0
    STATE = 1
    PROGRESS = 2
    DETAIL = 3


def job_title(translator: Translator, row: JobRow, part: JobPart | None = None) -> str:
    """What a job does, in words: `Measure student-3l-int8`, `Distil student-2l · seed 2`."""
    title = translator.tr(f"gui.job.title.{row.kind.value}", candidates=listed(row.candidates))
    return " · ".join([title, *part_words(translator.tr, part, translator.formats.percent)])


@dataclass(frozen=True)
class LiveProgress:
    """What a running worker said last. `remaining_s` is its own estimate in seconds."""

    phase: str
    step: int
    total_steps: int
    remaining_s: float | None

    @property
    def share(self) -> float:
        """How much of the phase is done, 0 to 1; 0 for a phase of one step, which tells nothing of the job."""
        return min(1.0, self.step / self.total_steps) if self.total_steps > 1 else 0.0


def stored_progress(row: JobRow) -> LiveProgress | None:
    """The progress as the store knows it; null where the job never told any."""
    if row.phase is None:
        return None
    return LiveProgress(row.phase, row.step, row.total_steps, row.remaining_s)


def waits_for(row: JobRow, rows: Sequence[JobRow]) -> JobRow | None:
    """The first job whose result a queued job still waits for; null where nothing holds it up."""
    missing = [other for other in rows if other.job_id in row.depends_on and other.state is not JobState.SUCCEEDED]
    return missing[0] if missing and row.state is JobState.QUEUED else None


def job_detail(translator: Translator, row: JobRow, live: LiveProgress | None, waits_for_title: str = "") -> str:
    """One line on a job: phase and time left while it runs, how long it took, or what its worker said at the end."""
    if waits_for_title:
        return translator.tr("gui.job.waits_for", title=waits_for_title)
    if row.state is JobState.RUNNING:
        if live is None:
            return translator.tr("gui.job.starting")
        phase = translator.stored(live.phase, {}, live.phase)
        if live.remaining_s is None:
            return phase
        return f"{phase} · {translator.tr('gui.job.remaining', time=translator.duration(live.remaining_s))}"
    if row.message_code is not None or row.message_text:
        return translator.stored(row.message_code, row.message_values, row.message_text)
    if row.state is JobState.SUCCEEDED and row.started_at is not None and row.finished_at is not None:
        seconds = (row.finished_at - row.started_at).total_seconds()
        return translator.tr("gui.job.took", time=translator.duration(seconds))
    return translator.tr("gui.job.ready") if row.state is JobState.QUEUED else ""


def waiting_title(translator: Translator, row: JobRow, rows: Sequence[JobRow], parts: Mapping[str, JobPart]) -> str:
    """The title of the job whose result a queued job still waits for; empty where nothing holds it up."""
    other = waits_for(row, rows)
    return "" if other is None else job_title(translator, other, parts.get(other.job_id))


def job_share(row: JobRow, live: LiveProgress | None) -> float:
    """How much of a job is done, 0 to 1."""
    if row.state is JobState.SUCCEEDED:
        return 1.0
    return live.share if live is not None and row.state is JobState.RUNNING else row.progress


class JobTableModel(QAbstractTableModel):
    """A table over JobRows; `ROW_ROLE` gives the row itself, the roles after it what a card shows."""

    def __init__(self, translator: Translator, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._translator = translator
        self._rows: list[JobRow] = []
        self._live: dict[str, LiveProgress] = {}
        self._parts: Mapping[str, JobPart] = {}

    def set_rows(self, rows: Sequence[JobRow], parts: Mapping[str, JobPart] | None = None) -> None:
        """Show these rows: changed cells in place where the ids are the same, else all anew."""
        self._parts = parts or {}
        if [row.job_id for row in rows] != [row.job_id for row in self._rows]:
            self.beginResetModel()
            self._rows = list(rows)
            self._live.clear()
            self.endResetModel()
            return
        for position, row in enumerate(rows):
            if row.state is not JobState.RUNNING:
                self._live.pop(row.job_id, None)
            if row != self._rows[position]:
                self._rows[position] = row
                self.dataChanged.emit(self.index(position, 0), self.index(position, len(Column) - 1))

    def set_live(self, job_id: str, live: LiveProgress) -> None:
        """Show what the running worker said last."""
        self._live[job_id] = live
        position = self.position_of(job_id)
        if position is not None:
            self.dataChanged.emit(self.index(position, 0), self.index(position, len(Column) - 1))

    def position_of(self, job_id: str) -> int | None:
        """The line of a job; null where it is not shown."""
        return next((i for i, row in enumerate(self._rows) if row.job_id == job_id), None)

    def retranslate(self) -> None:
        """Tell the views that every text changed."""
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(Column) - 1))
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(Column) - 1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's signature)
        """The number of jobs."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's signature)
        """The number of columns."""
        return 0 if parent.isValid() else len(Column)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """The text of a cell; a whole sentence on the job for screen readers; what a card shows under its roles."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        live = self._live.get(row.job_id) or stored_progress(row)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, live, Column(index.column()))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            told = filter(None, (self._text(row, live, column) for column in Column))
            return self._translator.tr("gui.list_separator").join(told)
        if role in (DETAIL_ROLE, Qt.ItemDataRole.ToolTipRole):
            return self._text(row, live, Column.DETAIL)
        if role == SHARE_ROLE:
            return job_share(row, live)
        if role == STATE_ROLE:
            return self._translator.tr(f"gui.job.state.{row.state.value}")
        return row if role == ROW_ROLE else None

    def headerData(  # noqa: N802 (Qt's name)
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> Any:
        """The column's title."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._translator.tr(f"gui.job.column.{Column(section).name.lower()}")
        return None

    def _text(self, row: JobRow, live: LiveProgress | None, column: Column) -> str:
        match column:
            case Column.TITLE:
                return job_title(self._translator, row, self._parts.get(row.job_id))
            case Column.STATE:
                return self._translator.tr(f"gui.job.state.{row.state.value}")
            case Column.PROGRESS:
                if row.state is JobState.RUNNING and (live is None or live.total_steps <= 1):
                    return ""  # the phase is told in words, and no share of it is known
                return self._translator.formats.percent(round(job_share(row, live), 2))
            case Column.DETAIL:
                return job_detail(
                    self._translator, row, live, waiting_title(self._translator, row, self._rows, self._parts)
                )
