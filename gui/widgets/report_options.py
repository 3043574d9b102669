"""The export's options: formats, language, folder; after it, the buttons that open what was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QPushButton, QWidget

from core.i18n import LANGUAGES
from core.report.write import FORMATS
from gui.context import Context
from gui.theme import GAP_CARDS, GAP_ROWS
from gui.widgets.card import Card
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.sentence import Sentence

FOLDER_NAME = "report"


class ReportOptions(Card):
    """`changed` fires on every choice, `folder_asked` on Choose, `open_asked` with what to open."""

    changed = Signal()
    folder_asked = Signal()
    open_asked = Signal(Path)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._context = context
        self._folder: Path | None = None
        self._chosen = False
        self._language_chosen = False
        self._written: tuple[Path, ...] = ()
        self.boxes = {kind: QCheckBox(self) for kind in FORMATS}
        self.rows_box = QCheckBox(self)
        self.languages = QComboBox(self)
        for language, name in LANGUAGES.items():
            self.languages.addItem(name, language)
        self.folder_label = ElidedLabel(parent=self)
        self.choose_button, self.open_button, self.open_folder_button = (QPushButton(self) for _ in range(3))
        self.done = Sentence(self)
        self.done.setProperty("state", "good")
        self._captions = {code: QLabel(self) for code in ("formats", "rows", "language", "folder")}
        for caption in self._captions.values():
            caption.setProperty("type", "secondary")
        self._captions["language"].setBuddy(self.languages)
        self._captions["folder"].setBuddy(self.choose_button)
        self._lay_out()
        self._connect()
        self.retranslate()
        self.show_written(())

    @property
    def formats(self) -> tuple[str, ...]:
        """The chosen formats."""
        return tuple(kind for kind, box in self.boxes.items() if box.isChecked())

    @property
    def language(self) -> str:
        """The language that the report is written in."""
        return str(self.languages.currentData())

    @property
    def with_rows(self) -> bool:
        """Whether the page shows the test rows on which teacher and student differ most; only a page can."""
        return self.rows_box.isChecked() and self.boxes["html"].isChecked()

    @property
    def folder(self) -> Path | None:
        """Where the report goes."""
        return self._folder

    @property
    def problem_code(self) -> str | None:
        """Why nothing can be exported yet, as a code; null where it can."""
        if not self.formats:
            return "gui_decide.report.no_format"
        return "gui_decide.report.no_folder" if self._folder is None else None

    def propose_folder(self, parent: Path) -> None:
        """Take a folder beside the study, unless the user chose another one."""
        if not self._chosen:
            self._set_folder(parent / FOLDER_NAME)

    def choose_folder(self, folder: Path) -> None:
        """Take the folder that the user chose."""
        self._chosen = True
        self._set_folder(folder)

    def show_written(self, written: Sequence[Path]) -> None:
        """Offer to open what was written; nothing where the list is empty."""
        self._written = tuple(written)
        pages = [path for path in self._written if path.suffix == ".html"]
        self.done.setVisible(bool(self._written))
        self.open_button.setVisible(bool(pages))
        self.open_folder_button.setVisible(bool(self._written))
        if self._written:
            tr = self._context.translator.tr
            self.done.setText(
                tr("gui_decide.report.done", count=len(self._written), folder=str(self._written[0].parent))
            )

    def retranslate(self) -> None:
        """Set every text again."""
        tr = self._context.translator.tr
        self.set_title(tr("gui_decide.report.options"))
        for code, caption in self._captions.items():
            caption.setText(tr(f"gui_decide.report.{code}"))
        for kind, box in self.boxes.items():
            box.setText(tr(f"gui_decide.report.format.{kind}"))
        self.rows_box.setText(tr("gui_decide.report.with_rows"))
        self.rows_box.setToolTip(tr("gui_decide.report.with_rows.help"))
        if not self._language_chosen:
            self.languages.setCurrentIndex(self.languages.findData(self._context.translator.language))
        self.languages.setAccessibleName(tr("gui_decide.report.language"))
        self.choose_button.setText(tr("gui_decide.report.choose_folder"))
        self.choose_button.setAccessibleName(tr("gui_decide.report.choose_folder.tip"))
        self.choose_button.setToolTip(tr("gui_decide.report.choose_folder.tip"))
        self.open_button.setText(tr("gui_decide.report.open_report"))
        self.open_folder_button.setText(tr("gui_decide.report.open_folder"))
        self.show_written(self._written)

    def _set_folder(self, folder: Path) -> None:
        self._folder = folder
        self.folder_label.setText(str(folder))
        self.changed.emit()

    def _choose_language(self) -> None:
        """From now on the report's language is the user's choice and no longer follows the window's."""
        self._language_chosen = True

    def _open_report(self) -> None:
        self.open_asked.emit(next(path for path in self._written if path.suffix == ".html"))

    def _connect(self) -> None:
        for box in self.boxes.values():
            box.setChecked(True)
            box.toggled.connect(self.changed)
        self.boxes["html"].toggled.connect(self.rows_box.setEnabled)
        self.languages.activated.connect(self._choose_language)
        self.choose_button.clicked.connect(self.folder_asked)
        self.open_button.clicked.connect(self._open_report)
        self.open_folder_button.clicked.connect(lambda: self.open_asked.emit(self._written[0].parent))

    def _lay_out(self) -> None:
        folder = QHBoxLayout()
        folder.setSpacing(GAP_ROWS)
        folder.addWidget(self.folder_label, 1)
        folder.addWidget(self.choose_button)
        self.body.addWidget(self._captions["formats"])
        for box in self.boxes.values():
            self.body.addWidget(box)
        self.body.addSpacing(GAP_CARDS - GAP_ROWS)
        self.body.addWidget(self._captions["rows"])
        self.body.addWidget(self.rows_box)
        self.body.addSpacing(GAP_CARDS - GAP_ROWS)
        self.body.addWidget(self._captions["language"])
        self.body.addWidget(self.languages)
        self.body.addSpacing(GAP_CARDS - GAP_ROWS)
        self.body.addWidget(self._captions["folder"])
        self.body.addLayout(folder)
        self.body.addWidget(self.done)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP_ROWS)
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.open_folder_button)
        buttons.addStretch(1)
        self.body.addLayout(buttons)
