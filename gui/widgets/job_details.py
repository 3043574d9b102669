"""One job in full: its state and message, its live curve, its log, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QProgressBar, QPushButton, QTreeView, QWidget

from core.charts import loss_chart
from core.charts.live_trials import TRIAL_QUALITY, TRIAL_SPEED
from core.domain import JobKind, JobRow, JobState, LogLine, MetricPoint
from core.store import StudyStore
from gui.context import Context
from gui.i18n import words_of
from gui.jobs.queue import JobQueue
from gui.models.job_result import job_figures
from gui.models.jobs import LiveProgress, job_detail, job_share, job_title, stored_progress, waiting_title
from gui.models.log import LogModel
from gui.widgets.card import Card
from gui.widgets.chart import ChartView
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.rows_table import RowsTable
from gui.widgets.wrapped_label import WrappedLabel

LOG_PAGE = 500
LOSS = "loss"
TABLE_HEIGHT = 168
TRIALS = (TRIAL_QUALITY, TRIAL_SPEED)
TOO_LARGE = (
    "train.too_large",
    "train.too_large_rows",
    "train.too_large_for_good",
    "train.teacher_too_large",
    "label.too_large_for_torch",
    "prune.too_large",
)
_AGAIN = (JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED)


@dataclass(frozen=True)
class _Fetched:
    """What the store holds of a job: its curves, its result and spec, and the log lines that are new."""

    loss: list[MetricPoint] = field(default_factory=list)
    trials: tuple[list[MetricPoint], list[MetricPoint]] = ([], [])
    result: dict[str, Any] | None = None
    spec: dict[str, Any] | None = None
    lines: list[LogLine] = field(default_factory=list)


def refused_for_memory(row: JobRow) -> bool:
    """Whether a job did not start because it is predicted not to fit into memory."""
    return row.state is JobState.FAILED and row.message_code in TOO_LARGE


def _fetch_from(store: StudyStore, job_id: str, after: int) -> _Fetched:
    quality, speed = (store.metrics(job_id, name) for name in TRIALS)
    return _Fetched(
        store.metrics(job_id, LOSS),
        (quality, speed),
        store.result(job_id),
        store.job_spec(job_id),
        store.log(job_id, after, LOG_PAGE),
    )


class JobDetails(Card):
    """The card beside the queue. Curve and log are read from the store off the UI thread."""

    message = Signal(str, object)

    def __init__(self, context: Context, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__("…", parent)
        self._context = context
        self._queue = queue
        self._row: JobRow | None = None
        self.cancel_button = QPushButton(self)
        self.again_button = QPushButton(self)
        self.anyway_button = QPushButton(self)
        self.copy_button = QPushButton(self)
        self.copy_button.setProperty("kind", "link")
        self.detail = WrappedLabel(self)
        self.progress = QProgressBar(self)
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.facts = ElidedLabel(parent=self, mode=Qt.TextElideMode.ElideRight)
        self.facts.setProperty("type", "secondary")
        self.chart = ChartView(context.theme, context.translator, self)
        self.chart.setMinimumHeight(168)
        self.result = WrappedLabel(self)
        self.table = RowsTable(context.theme, grow=False, parent=self)
        self._fetched = _Fetched()
        self.log = LogModel(context.translator, self)
        self.log_view = QTreeView(self)
        self._lay_out()
        self.cancel_button.clicked.connect(self._cancel)
        self.again_button.clicked.connect(self._again)
        self.anyway_button.clicked.connect(self._start_anyway)
        self.copy_button.clicked.connect(self._copy_log)
        self.chart.message.connect(self.message)
        queue.ingested.connect(self._ingested)

    def show_job(self, row: JobRow | None) -> None:
        """Show a job; its curve and log are fetched where it is another one or has moved on."""
        before, self._row = self._row, row
        self.setVisible(row is not None)
        if row is None:
            return
        if before is None or before.job_id != row.job_id:
            self.log.clear()
            self._fetched = _Fetched()
            self._show_figures()
        self._show_state(row, self._progress_of(row))
        if before != row:
            self._fetch()

    def show_live(self, job_id: str, live: LiveProgress) -> None:
        """Show what the running worker said last."""
        if self._row is not None and self._row.job_id == job_id and self._row.state is JobState.RUNNING:
            self._show_state(self._row, live)

    def retranslate(self) -> None:
        """Set every word again."""
        tr = self._context.translator.tr
        self.cancel_button.setText(tr("gui.runs.cancel"))
        self.again_button.setText(tr("gui.runs.retry"))
        self.anyway_button.setText(tr("gui.runs.start_anyway"))
        self.anyway_button.setToolTip(tr("gui.runs.start_anyway_help"))
        self.copy_button.setText(tr("gui.runs.copy_log"))
        self.log_view.setAccessibleName(tr("gui.runs.log"))
        self.progress.setAccessibleName(tr("gui.runs.progress"))
        self.log.retranslate()
        if self._row is not None:
            self._show_state(self._row, self._progress_of(self._row))
            self._show_figures()

    def _progress_of(self, row: JobRow) -> LiveProgress | None:
        live = self._queue.live if self._queue.running_job == row.job_id else None
        return live or stored_progress(row)

    def _show_state(self, row: JobRow, live: LiveProgress | None) -> None:
        translator = self._context.translator
        document = self._context.document
        self.set_title(job_title(translator, row, document.parts.get(row.job_id)))
        state = translator.tr(f"gui.job.state.{row.state.value}")
        detail = job_detail(translator, row, live, waiting_title(translator, row, document.jobs, document.parts))
        self.detail.setText(f"{state} · {detail}" if detail else state)
        self.progress.setVisible(row.state not in (JobState.SUCCEEDED, JobState.QUEUED))
        self.progress.setValue(round(1000 * job_share(row, live)))
        writable = document.writable
        self.cancel_button.setVisible(writable and row.state in (JobState.RUNNING, JobState.QUEUED))
        self.again_button.setVisible(writable and row.state in _AGAIN)
        self.anyway_button.setVisible(writable and refused_for_memory(row))
        self.facts.setText(" · ".join(self._facts(row, live)))

    def _facts(self, row: JobRow, live: LiveProgress | None) -> list[str]:
        translator = self._context.translator
        facts = []
        if row.started_at is not None:
            facts.append(translator.tr("gui.runs.fact.started", moment=translator.moment(row.started_at)))
        # A search counts parts of its trials, which say nothing to anybody; how many there were stands below.
        counted = row.state is not JobState.SUCCEEDED and row.kind is not JobKind.SWEEP
        if live is not None and live.total_steps > 1 and counted:
            step, total = (translator.formats.number(value, 0) for value in (live.step, live.total_steps))
            facts.append(translator.tr("gui.runs.fact.step", step=step, total=total))
        if row.attempt > 1:
            facts.append(translator.tr("gui.runs.fact.attempt", attempt=row.attempt))
        return facts

    def _fetch(self) -> None:
        row, after = self._row, self.log.last_sequence
        if row is None:
            return
        job_id = row.job_id
        self._context.document.query(
            lambda store: _fetch_from(store, job_id, after), lambda answer: self._show_rows(job_id, answer)
        )

    def _show_figures(self) -> None:
        """The result's facts and table; the trials' chart, else the curve of the loss."""
        row, fetched = self._row, self._fetched
        if row is None:
            return
        figures = job_figures(self._context.translator, row, fetched.result, fetched.spec, fetched.trials)
        self.result.setText(" · ".join(figures.facts))
        self.result.setVisible(bool(figures.facts))
        self.table.setVisible(bool(figures.rows))
        if figures.rows:
            self.table.setAccessibleName(figures.name)
            self.table.set_rows(figures.titles, figures.rows)
            self.table.setFixedHeight(min(self.table.sizeHint().height(), TABLE_HEIGHT))
        chart = figures.chart or (loss_chart(fetched.loss) if len(fetched.loss) > 1 else None)
        self.chart.setVisible(chart is not None)
        if chart is not None:
            self.chart.set_live_spec(chart)

    def _show_rows(self, job_id: str, fetched: _Fetched) -> None:
        if self._row is None or self._row.job_id != job_id:
            return
        self._fetched, lines = fetched, fetched.lines
        self._show_figures()
        bar = self.log_view.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 4
        self.log.append(lines)
        if lines and at_end:
            self.log_view.scrollToBottom()
        if len(lines) == LOG_PAGE:
            self._fetch()

    def _ingested(self, job_id: str) -> None:
        if self._row is not None and self._row.job_id == job_id and self.isVisible():
            self._fetch()

    def _cancel(self) -> None:
        if self._row is not None:
            self._queue.cancel(self._row.job_id)

    def _again(self) -> None:
        if self._row is not None:
            self._queue.retry(self._row.job_id)

    def _start_anyway(self) -> None:
        if self._row is not None:
            self._queue.start_anyway(self._row.job_id)

    def _copy_log(self) -> None:
        QGuiApplication.clipboard().setText(self.log.text())
        self.message.emit("info", words_of("gui.runs.log_copied"))

    def _lay_out(self) -> None:
        self.add_corner(self.copy_button)
        self.add_corner(self.cancel_button)
        self.add_corner(self.anyway_button)
        self.add_corner(self.again_button)
        self.detail.setProperty("type", "secondary")
        self.log_view.setObjectName("log")
        self.log_view.setModel(self.log)
        self.log_view.setHeaderHidden(True)
        self.log_view.setRootIsDecorated(False)
        self.log_view.setUniformRowHeights(True)
        self.log_view.setIndentation(0)
        self.log_view.setMinimumHeight(72)
        self.log_view.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.body.addWidget(self.detail)
        self.body.addWidget(self.progress)
        self.body.addWidget(self.facts)
        self.result.setProperty("type", "secondary")
        self.body.addWidget(self.result)
        self.body.addWidget(self.chart, 3)
        self.body.addWidget(self.table)
        self.body.addWidget(self.log_view, 2)
