"""The queue: what runs, what waits, and for the chosen job its progress, its curve and its log."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QHBoxLayout, QListView, QPushButton, QWidget

from core.domain import JobState
from gui.context import Context
from gui.jobs.queue import JobQueue
from gui.models.jobs import ROW_ROLE, JobTableModel, job_title
from gui.pages.page import Page, PageMark
from gui.theme import GAP_CARDS
from gui.widgets.job_card import JobCardDelegate
from gui.widgets.job_details import JobDetails
from gui.widgets.price_button import PriceButton

_MARKS = {
    JobState.FAILED: PageMark.ATTENTION,
    JobState.INTERRUPTED: PageMark.ATTENTION,
    JobState.CANCELLED: PageMark.MISSING,
    JobState.QUEUED: PageMark.MISSING,
}


class _Sides(QWidget):
    """List and details side by side, each scrolling by itself.

    A layout with a wrapping label would ask the page's scroll area for its preferred height, not for its least one.
    """

    def hasHeightForWidth(self) -> bool:  # noqa: N802 (Qt's name)
        return False


class RunsPage(Page):
    """The jobs of the study in the order of the plan. Its main button starts the queue, or pauses it."""

    page_id = "runs"

    def __init__(self, context: Context, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._queue = queue
        self.model = JobTableModel(context.translator, self)
        self.list = QListView(self)
        self.list.setObjectName("jobs")
        self.list.setModel(self.model)
        self.list.setItemDelegate(JobCardDelegate(context.theme, self.list))
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.list.setMinimumWidth(320)
        self.details = JobDetails(context, queue, self)
        self.pause_button = QPushButton(self)
        self.pause_button.clicked.connect(queue.pause)
        self.price_button = PriceButton(context, self)
        self.header.insertWidget(1, self.pause_button)
        self.header.insertWidget(1, self.price_button)
        sides = _Sides(self)
        row = QHBoxLayout(sides)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP_CARDS)
        row.addWidget(self.list, 5)
        row.addWidget(self.details, 6)
        self.body.addWidget(sides, 1)
        self.list.selectionModel().currentChanged.connect(self._show_job)
        self.main_button.clicked.connect(self._go_on)
        self.details.message.connect(self.message)
        self.price_button.message.connect(self.message)
        queue.state_changed.connect(self._queue_changed)
        queue.progressed.connect(self._progressed)
        context.theme.theme_changed.connect(self.list.viewport().update)
        self.retranslate()

    @property
    def mark(self) -> PageMark:
        """Running, needing attention, complete, or not begun."""
        jobs = self.context.document.jobs
        if self._queue.running_job is not None:
            return PageMark.RUNNING
        for state, mark in _MARKS.items():
            if any(row.state is state for row in jobs):
                return mark
        return PageMark.DONE if jobs else PageMark.NONE

    @property
    def mark_text(self) -> str:
        """How many jobs wait, while none runs."""
        waiting = self._queue.waiting()
        return str(waiting) if waiting and self._queue.running_job is None and self.mark is PageMark.MISSING else ""

    def retranslate(self) -> None:
        """Set every word again."""
        self.heading.setText(self.tr("gui.page.runs"))
        self.list.setAccessibleName(self.tr("gui.runs.list"))
        self.pause_button.setText(self.tr("gui.runs.pause"))
        self.pause_button.setToolTip(self.tr("gui.runs.pause_help"))
        self.price_button.retranslate()
        self.model.retranslate()
        self.details.retranslate()

    def refresh(self) -> None:
        """Show the rows; the chosen job stays chosen, else the running one is, else the first."""
        chosen = self._chosen()
        self.model.set_rows(self.context.document.jobs, self.context.document.parts)
        position = self.model.position_of(chosen) if chosen else None
        if position is None:
            position = self.model.position_of(self._queue.running_job or "")
        if position is None and self.model.rowCount():
            position = next(
                (i for i, row in enumerate(self.context.document.jobs) if row.state is not JobState.SUCCEEDED), 0
            )
        if position is not None and self.list.currentIndex().row() != position:
            self.list.setCurrentIndex(self.model.index(position, 0))
        self._show_job(self.list.currentIndex())
        self.price_button.refresh()
        self._say_where_we_stand()

    def _chosen(self) -> str | None:
        row = self.list.currentIndex().data(ROW_ROLE)
        return row.job_id if row is not None else None

    def _show_job(self, index: QModelIndex, _before: QModelIndex | None = None) -> None:
        self.details.show_job(index.data(ROW_ROLE) if index.isValid() else None)

    def _queue_changed(self) -> None:
        running = self._queue.running_job
        position = self.model.position_of(running) if running else None
        if position is not None:  # the eye follows the work, as long as nobody chose to look elsewhere
            before = self.list.currentIndex().data(ROW_ROLE)
            if before is None or before.state is not JobState.RUNNING:
                self.list.setCurrentIndex(self.model.index(position, 0))
        self._say_where_we_stand()
        self.mark_changed.emit()

    def _progressed(self, job_id: str) -> None:
        if self._queue.live is not None:
            self.model.set_live(job_id, self._queue.live)
            self.details.show_live(job_id, self._queue.live)

    def _go_on(self) -> None:
        if self._queue.waiting() or self._queue.active:
            self._queue.start()
        elif self._queue.stopped():
            self._queue.retry_all()
        else:
            self.go_to.emit("decide")

    def _say_where_we_stand(self) -> None:
        document = self.context.document
        if not document.is_open:
            return
        waiting, done = self._queue.waiting(), sum(row.state is JobState.SUCCEEDED for row in document.jobs)
        self.pause_button.setVisible(self._queue.active)
        self.sentence.setText(self._sentence(waiting, done))
        self.sentence.setProperty("state", "bad" if document.snapshot.plan_problem else "")
        self.sentence.style().unpolish(self.sentence)
        self.sentence.style().polish(self.sentence)
        stopped = self._queue.stopped()
        if waiting or stopped:
            text = self.tr("gui.runs.start", count=waiting) if waiting else self.tr("gui.runs.again", count=stopped)
            self.main_button.setText(text)
            self.main_button.setVisible(document.writable and not self._queue.active)
            self.main_button.setEnabled(document.snapshot.plan_problem is None)
        else:
            self.main_button.setText(self.tr("gui.runs.decide"))
            self.main_button.setVisible(done > 0 and not self._queue.active)
            self.main_button.setEnabled(True)

    def _sentence(self, waiting: int, done: int) -> str:
        document, total = self.context.document, len(self.context.document.jobs)
        failed = sum(row.state is JobState.FAILED for row in document.jobs)
        if document.snapshot.plan_problem is not None:
            return self.context.translator.error(document.snapshot.plan_problem)
        running = document.job(self._queue.running_job or "")
        if running is not None:
            title = job_title(self.context.translator, running, document.parts.get(running.job_id))
            return self.tr("gui.runs.sentence_running", title=title, done=done, total=total, waiting=waiting)
        if not document.writable:
            return self.tr("gui.runs.sentence_read_only", done=done, total=total)
        if failed:
            return self.tr("gui.runs.sentence_failed", count=failed, done=done, total=total)
        if done == 0:
            return self.tr("gui.runs.sentence_fresh", count=total)
        if waiting:
            return self.tr("gui.runs.sentence_waiting", count=waiting, done=done, total=total)
        cancelled = total - done
        if cancelled:
            return self.tr("gui.runs.sentence_cancelled", count=cancelled, done=done, total=total)
        return self.tr("gui.runs.sentence_done", count=total)
