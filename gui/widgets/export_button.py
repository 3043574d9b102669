"""A button that writes a candidate's model for use elsewhere: a menu of formats, then the folder to write into."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from core.domain import JobKind, JobState, Role
from core.i18n import listed
from core.spec import BaselineModel, PredictionsModel, Study
from gui.context import Context
from gui.i18n import words_of, words_of_error
from gui.jobs.exporter import ModelExporter

FORMATS = (("safetensors", "f16"), ("onnx", "f16"), ("gguf", "f16"), ("gguf", "f32"))
"""Formats with the precision of a GGUF file's matrices, which the others do not ask for."""


def is_made_here(study: Study, name: str) -> bool:
    """Whether the study trains or compresses a candidate's model, so that there are weights to hand over."""
    candidate = next((one for one in study.candidates if one.name == name), None)
    if candidate is None or candidate.role is Role.HYBRID:
        return False
    if isinstance(candidate.model, PredictionsModel | BaselineModel):
        return False
    return bool(candidate.compress) or study.training_of(candidate).method != "none"


class ExportButton(QPushButton):
    """In sight where the chosen candidate is made by the study and measured. `message` carries (level, `Words`)."""

    message = Signal(str, object)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._candidate = ""
        self.exporter = ModelExporter(self)
        self.setProperty("kind", "link")
        self.setMenu(QMenu(self))
        self.menu().aboutToShow.connect(self._fill)
        self.exporter.changed.connect(self.retranslate)
        self.exporter.exported.connect(self._exported)
        self.exporter.failed.connect(lambda error: self.message.emit("bad", words_of_error(error)))
        context.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def show_candidate(self, name: str) -> None:
        """Offer to export a candidate's model."""
        self._candidate = name
        document = self._context.document
        measured = any(
            row.kind is JobKind.BENCHMARK and name in row.candidates and row.state is JobState.SUCCEEDED
            for row in document.jobs
        )
        self.setVisible(measured and is_made_here(document.study, name))

    def retranslate(self) -> None:
        """Set every word again."""
        code = "gui.export.running" if self.exporter.running else "gui.export.model"
        self.setText(self._context.translator.tr(code))

    def export(self, format_name: str, precision: str, out: Path) -> None:
        """Write the shown candidate's model into a folder."""
        path = self._context.document.path
        if path is not None:
            self.exporter.start(path, self._candidate, format_name, out, precision)

    def _fill(self) -> None:
        tr, menu = self._context.translator.tr, self.menu()
        menu.clear()
        if self.exporter.running:
            menu.addAction(tr("gui.export.stop")).triggered.connect(self.exporter.stop)
            return
        for name, precision in FORMATS:
            code = f"gui.export.format.{name}" + (f".{precision}" if name == "gguf" else "")
            action = menu.addAction(tr(code))
            action.triggered.connect(lambda _checked=False, chosen=(name, precision): self._ask_folder(*chosen))

    def _ask_folder(self, format_name: str, precision: str) -> None:
        path = self._context.document.path
        dialog = QFileDialog(self, self._context.translator.tr("gui.export.choose_folder"), str(path and path.parent))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda chosen: self.export(format_name, precision, Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _exported(self, files: Sequence[Path]) -> None:
        names = listed([file.name for file in files])
        folder = str(files[0].parent) if files else ""
        self.message.emit("info", words_of("gui.export.done", names=names, folder=folder))
