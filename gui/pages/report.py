"""The Report page: what the report will say, and its export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFileDialog, QWidget

from core.report.write import write_report
from gui.context import Context
from gui.i18n import words_of, words_of_error
from gui.jobs.stored_decision import StoredDecision
from gui.models.decision_answer import answer_of
from gui.models.decision_rows import DecisionRows
from gui.pages.page import Page
from gui.theme import GAP_CARDS
from gui.widgets.card import Card
from gui.widgets.report_options import ReportOptions
from gui.widgets.report_preview import ReportPreview
from gui.widgets.sentence import Sentence

WIDE_FROM = 900
PREVIEW_SHARE, OPTIONS_SHARE = 70, 30

OpenUrl = Callable[[QUrl], bool]


class ReportPage(Page):
    """Previews the report of the stored decision and writes it in the background."""

    page_id = "report"

    def __init__(
        self,
        context: Context,
        stored: StoredDecision,
        parent: QWidget | None = None,
        open_url: OpenUrl = QDesktopServices.openUrl,
    ) -> None:
        super().__init__(context, parent)
        self._open_url = open_url
        self._writing = False
        self.stored = stored
        self.empty = Card(parent=self)
        self.empty_words = Sentence(self.empty)
        self.empty.body.addWidget(self.empty_words)
        self.preview = ReportPreview(context, self)
        self.options = ReportOptions(context, self)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(GAP_CARDS)
        self._row.addWidget(self.preview, PREVIEW_SHARE)
        side = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        side.addWidget(self.options)
        side.addStretch(1)
        self._row.addLayout(side, OPTIONS_SHARE)
        self.body.addWidget(self.empty)
        self.body.addLayout(self._row)
        self.body.addStretch(1)
        self._connect()
        self.retranslate()

    def refresh(self) -> None:
        """Decide on the stored rows, off the UI thread, where results have changed."""
        self.stored.refresh()
        self._show_state()

    def retranslate(self) -> None:
        """Set every text again."""
        self.heading.setText(self.tr("gui_decide.report.title"))
        self.preview.set_title(self.tr("gui_decide.report.preview"))
        self.options.retranslate()
        self._show_state()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Put the options under the preview where the window is narrow."""
        super().resizeEvent(event)
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._row.setDirection(across if event.size().width() >= WIDE_FROM else down)

    def export(self) -> None:
        """Write the chosen formats into the chosen folder, in the background."""
        decided, folder = self.stored.decided, self.options.folder
        if decided is None or folder is None or self._writing:
            return
        formats, language, with_rows = self.options.formats, self.options.language, self.options.with_rows
        self._writing = True
        self._show_state()
        self.context.background.submit(
            lambda: write_report(decided.decision, decided.evidence, formats, folder, language, with_rows=with_rows),
            self._exported,
            self._export_failed,
        )

    def _exported(self, written: Sequence[Path]) -> None:
        self._writing = False
        self._show_state()
        self.options.show_written(written)

    def _export_failed(self, error: Exception) -> None:
        self._writing = False
        self._show_state()
        self.message.emit("bad", words_of_error(error))

    def _decision_changed(self) -> None:
        self.options.show_written(())
        document = self.context.document
        if document.is_open and document.path is not None:
            self.options.propose_folder(document.path.parent)
        self._show_state()

    def _show_state(self) -> None:
        decided = self.stored.decided
        ready = decided is not None and decided.is_measured
        self.preview.setVisible(ready)
        self.options.setVisible(ready)
        self.empty.setVisible(not ready)
        self.main_button.setVisible(self.context.document.is_open and (ready or not self.stored.deciding))
        if decided is None or not decided.is_measured:
            problem = self.stored.problem
            deciding = self.stored.deciding
            self.empty.setVisible(not deciding)
            self.sentence.setText(self.tr("gui_decide.page.deciding" if deciding else "gui_decide.report.nothing"))
            self.empty_words.setText(
                self.tr("gui_decide.report.empty") if problem is None else self.context.translator.error(problem)
            )
            self.main_button.setText(self.tr("gui_decide.report.to_runs"))
            self.main_button.setEnabled(True)
            return
        rows = DecisionRows(decided.decision, self.context.translator)
        answer = answer_of(rows, decided.evidence.study, what_if=False)
        self.sentence.setText(self.tr("gui_decide.report.ready", answer=answer.title))
        self.preview.show_decision(rows, answer)
        self._show_export()

    def _show_export(self) -> None:
        self.main_button.setText(self.tr(f"gui_decide.report.{'exporting' if self._writing else 'export'}"))
        self.main_button.setEnabled(not self._writing and self.options.problem_code is None)
        code = self.options.problem_code
        self.main_button.setToolTip(self.tr(code) if code else "")

    def _main(self) -> None:
        if self.stored.decided is not None and self.stored.decided.is_measured:
            self.export()
        else:
            self.go_to.emit("runs")

    def _options_changed(self) -> None:
        if self.preview.isVisibleTo(self):
            self._show_export()

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, self.tr("gui_decide.report.choose_folder.tip"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        if self.options.folder is not None:
            dialog.setDirectory(str(self.options.folder))
        dialog.fileSelected.connect(lambda name: self.options.choose_folder(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _open(self, path: Path) -> None:
        if not self._open_url(QUrl.fromLocalFile(str(path))):
            self.message.emit("bad", words_of("gui_decide.report.cannot_open", path=str(path)))

    def _connect(self) -> None:
        self.stored.outdated.connect(self.invalidate)
        self.stored.changed.connect(self._decision_changed)
        self.main_button.clicked.connect(self._main)
        self.options.changed.connect(self._options_changed)
        self.options.folder_asked.connect(self._choose_folder)
        self.options.open_asked.connect(self._open)
