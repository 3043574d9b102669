"""The window's frame: top bar, rail, message bar and page stack, and which page stands where."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QMenu, QStackedWidget, QVBoxLayout, QWidget

from core.domain import JobState
from gui.actions import MENUS, Actions, WindowState
from gui.context import Context
from gui.i18n import Words, words_of, words_of_error
from gui.jobs.queue import JobQueue
from gui.jobs.stored_decision import StoredDecision
from gui.models.jobs import job_title
from gui.pages.candidates import CandidatesPage
from gui.pages.decide import DecidePage
from gui.pages.examples import ExamplesPage
from gui.pages.page import Page
from gui.pages.report import ReportPage
from gui.pages.runs import RunsPage
from gui.pages.settings import SettingsPage
from gui.pages.study import StudyPage
from gui.pages.welcome import WelcomePage
from gui.study_commands import StudyCommands
from gui.undo import StudyDraft
from gui.widgets.message_bar import Level, MessageBar
from gui.widgets.palette import ActionPalette
from gui.widgets.rail import Rail
from gui.widgets.top_bar import TopBar

PAGES = ("study", "candidates", "runs", "examples", "decide", "report")
FIRST_SIZE, SMALLEST_SIZE = (1280, 800), (1024, 680)


class MainWindow(QMainWindow):
    """One window on one study. Everything it uses is handed in; the pages know nothing of each other."""

    def __init__(self, context: Context, queue: JobQueue) -> None:
        super().__init__()
        self._context = context
        self._queue = queue
        self.closed = False
        """Whether the study is closed and no worker is left, so that the window may go."""
        self.draft = StudyDraft(self)
        self.actions_table = Actions(self, context.translator)
        self.commands = StudyCommands(context, queue, self)
        self.study_page = StudyPage(context, self.draft)
        self.welcome_page = WelcomePage(context)
        stored = StoredDecision(context.document, self)
        self.examples_page = ExamplesPage(context, stored)
        self.decide_page = DecidePage(context, stored)
        self.pages: dict[str, Page] = {
            "welcome": self.welcome_page,
            "study": self.study_page,
            "candidates": CandidatesPage(context, self.draft),
            "runs": RunsPage(context, queue),
            "examples": self.examples_page,
            "decide": self.decide_page,
            "report": ReportPage(context, stored),
            "settings": SettingsPage(context),
        }
        self._menu = QMenu(self)
        self.top_bar = TopBar(context.theme, context.translator, self._menu, self)
        self.rail = Rail(context.theme, context.translator, list(PAGES), ["settings"], self)
        self.message_bar = MessageBar(context.theme, context.translator, self)
        self.stack = QStackedWidget(self)
        self.palette_search = ActionPalette(context.theme, context.translator, self.actions_table.all(), self)
        self._lay_out()
        self._connect()
        self.resize(*FIRST_SIZE)
        self.setMinimumSize(*SMALLEST_SIZE)
        self.show_page("welcome")
        self._study_opened()

    @property
    def current_page(self) -> str:
        """The id of the page in sight."""
        return next(page_id for page_id, page in self.pages.items() if page is self.stack.currentWidget())

    def show_page(self, page_id: str) -> None:
        """Bring a page into sight; without a study only the welcome page and the settings can be."""
        if not self._context.document.is_open and page_id in PAGES:
            page_id = "welcome"
        if page_id == "welcome" and self._context.document.is_open:
            page_id = "study"
        self.stack.setCurrentWidget(self.pages[page_id])
        self.rail.select(page_id)

    def open_at_start(self, path: Path, study_file: Path | None) -> None:
        """Open the study named on the command line, or make it from a study file."""
        self.commands.open_or_create(path, study_file)

    def tell(self, level: Level, words: Words) -> None:
        """Put a line into the message bar."""
        self.message_bar.show_message(level, words)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        """Save, let a running worker write its checkpoint, close the study, then close for good."""
        if self.closed:
            event.accept()
            return
        event.ignore()
        self.study_page.flush()
        self.hide()
        self._queue.shut_down(lambda: self._context.document.close(self._close_for_good))

    def _close_for_good(self) -> None:
        self.closed = True
        self.close()

    def _connect(self) -> None:
        document, queue = self._context.document, self._queue
        document.opened.connect(self._study_opened)
        document.rows_changed.connect(self._update_frame)
        document.save_state_changed.connect(self._update_frame)
        document.problem.connect(self._tell_problem)
        self._context.background.failed_unhandled.connect(self._tell_problem)
        self._context.preferences.problem.connect(self._tell_problem)
        queue.state_changed.connect(self._update_frame)
        queue.left_out.connect(partial(self.tell, "warn"))
        queue.progressed.connect(lambda _job_id: self._update_pill())
        self.draft.undo_stack.indexChanged.connect(lambda _index: self._update_actions())
        self._context.translator.language_changed.connect(self._update_frame)
        self._context.translator.language_changed.connect(self._fill_menu)
        for page in self.pages.values():
            page.go_to.connect(self.show_page)
            page.message.connect(self.tell)
            page.mark_changed.connect(self._update_marks)
        self.decide_page.examples_asked.connect(self._show_examples)
        self.rail.chosen.connect(self.show_page)
        self.top_bar.search_asked.connect(self.palette_search.open)
        self.top_bar.job_asked.connect(partial(self.show_page, "runs"))
        self.commands.refused.connect(self._tell_problem)
        self.commands.busy.connect(lambda text: self.welcome_page.set_busy(text or None))
        self.welcome_page.open_asked.connect(self.commands.ask_open)
        self.welcome_page.new_asked.connect(self.commands.ask_new)
        self.welcome_page.sample_asked.connect(self.commands.open_sample)
        self.welcome_page.recent_asked.connect(self.commands.open)
        self.actions_table.connect_all(self._slots())
        self._fill_menu()

    def _slots(self) -> dict[str, Callable[[], None]]:
        change = self._context.preferences.change
        slots: dict[str, Callable[[], None]] = {
            "study.new": self.commands.ask_new,
            "study.open": self.commands.ask_open,
            "study.sample": self.commands.open_sample,
            "study.show_folder": self.commands.show_folder,
            "study.close": self.commands.close,
            "window.quit": self._quit,
            "edit.undo": self.draft.undo_stack.undo,
            "edit.redo": self.draft.undo_stack.redo,
            "runs.start": self._start_jobs,
            "runs.pause": self._queue.pause,
            "runs.cancel": self._cancel_running,
            "search": self.palette_search.open,
        }
        for page_id in (*PAGES, "settings"):
            slots[f"page.{page_id}"] = partial(self.show_page, page_id)
        for theme in ("system", "light", "dark"):
            slots[f"theme.{theme}"] = partial(change, theme=theme)
        for language in ("system", "en", "zh_CN"):
            slots[f"language.{language}"] = partial(change, language=language)
        return slots

    def _show_examples(self, candidate: str) -> None:
        self.show_page("examples")
        self.examples_page.show_candidate(candidate)

    def _quit(self) -> None:
        self.close()

    def _start_jobs(self) -> None:
        self.study_page.flush()
        self.show_page("runs")
        self._queue.start()

    def _cancel_running(self) -> None:
        if self._queue.running_job is not None:
            self._queue.cancel(self._queue.running_job)

    def _study_opened(self) -> None:
        document = self._context.document
        self.message_bar.clear()
        for page_id in PAGES:
            self.rail.buttons[page_id].setEnabled(document.is_open)
        self.top_bar.name.setEnabled(True)
        self._update_frame()
        if not document.is_open:
            self.welcome_page.set_busy(None)
            self.show_page("welcome")
            return
        if document.path is not None:
            self._context.preferences.add_recent(document.path)
        self.show_page(self._first_page())
        if not document.writable:
            self.tell("warn", words_of("gui.message.read_only"))
            return
        if self.commands.guessed_from:
            self.tell("info", words_of("gui.message.guessed", name=self.commands.guessed_from))
        self._offer_to_go_on()

    def _first_page(self) -> str:
        states = {row.state for row in self._context.document.jobs}
        if states == {JobState.SUCCEEDED}:
            return "decide"
        return "study" if states <= {JobState.QUEUED} else "runs"

    def _offer_to_go_on(self) -> None:
        count = sum(row.state is JobState.INTERRUPTED for row in self._context.document.jobs)
        if not count:
            return
        if self._context.preferences.settings.resume_on_open:
            self._queue.start()
            self.tell("info", words_of("gui.message.resumed", count=count))
        else:
            words = words_of("gui.message.interrupted", count=count)
            self.message_bar.show_message("warn", words, words_of("gui.message.go_on"), self._queue.start)

    def _tell_problem(self, error: Exception) -> None:
        self.tell("bad", words_of_error(error))

    def _update_frame(self) -> None:
        document, tr = self._context.document, self._context.translator.tr
        name = document.study.name if document.is_open else tr("gui.top.no_study")
        self.top_bar.set_study(name, tr(f"gui.top.{document.save_state.value}") if document.is_open else "")
        self.setWindowTitle(tr("gui.window.title", name=name) if document.is_open else "Tercet")
        self._update_pill()
        self._update_marks()
        self._update_actions()

    def _update_pill(self) -> None:
        row = self._context.document.job(self._queue.running_job or "")
        if row is None:
            self.top_bar.set_job(None)
            return
        translator, live = self._context.translator, self._queue.live
        words = job_title(translator, row, self._context.document.parts.get(row.job_id))
        if live is not None and live.total_steps > 1:
            phase = translator.stored(live.phase, {}, live.phase)
            words = f"{words} · {phase} {translator.formats.percent(round(live.share, 2))}"
        self.top_bar.set_job(words)

    def _update_marks(self) -> None:
        for page_id in PAGES:
            self.rail.set_mark(page_id, self.pages[page_id].mark, self.pages[page_id].mark_text)

    def _update_actions(self) -> None:
        document, stack = self._context.document, self.draft.undo_stack
        self.actions_table.update(
            WindowState(
                study_open=document.is_open,
                writable=document.writable,
                waiting_jobs=self._queue.waiting(),
                queue_active=self._queue.active,
                job_running=self._queue.running_job is not None,
                can_undo=stack.canUndo() and document.writable,
                can_redo=stack.canRedo() and document.writable,
            )
        )

    def _fill_menu(self) -> None:
        self._menu.clear()
        for name in MENUS:
            if name == "study":
                self.actions_table.fill_menu(self._menu, name)
                self._menu.addSeparator()
            else:
                menu = self._menu.addMenu(self._context.translator.tr(f"gui.menu.{name}"))
                self.actions_table.fill_menu(menu, name)

    def _lay_out(self) -> None:
        for page in self.pages.values():
            self.stack.addWidget(page)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self.message_bar)
        right.addWidget(self.stack, 1)
        below = QHBoxLayout()
        below.setSpacing(0)
        below.addWidget(self.rail)
        below.addLayout(right, 1)
        content = QWidget(self)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top_bar)
        column.addLayout(below, 1)
        self.setCentralWidget(content)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
