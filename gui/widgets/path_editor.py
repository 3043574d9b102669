"""A path of the study: a line to type it in, and a button that asks for the file or folder."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from gui.i18n import Translator
from gui.widgets.editors import LineEditor
from gui.widgets.fields import FieldSpec


def written_path(chosen: Path, base: Path) -> str:
    """A path as the study writes it: relative to its folder where that can be."""
    try:
        return Path(os.path.relpath(chosen, base)).as_posix()
    except ValueError:  # another drive on Windows
        return chosen.as_posix()


class PathEditor(LineEditor):
    """`base` is the folder that relative paths refer to."""

    def __init__(self, spec: FieldSpec, translator: Translator, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._translator = translator
        self.base = Path()
        self._name = ""
        self.choose_button = QPushButton(self)
        self.choose_button.clicked.connect(self._ask)
        row = self.layout()
        assert isinstance(row, QHBoxLayout)  # noqa: S101 (what the base class lays out)
        self.unit.hide()
        row.addWidget(self.choose_button)

    def describe(self, name: str, help_text: str) -> None:
        """Name the line and its button."""
        super().describe(name, help_text)
        self._name = name
        self.choose_button.setText(self._translator.tr("gui.form.choose"))
        self.choose_button.setAccessibleName(self._translator.tr("gui.form.choose_for", name=name))

    def set_read_only(self, read_only: bool) -> None:
        """Allow or refuse changes."""
        super().set_read_only(read_only)
        self.choose_button.setEnabled(not read_only)

    def choose(self, chosen: Path) -> None:
        """Take a file or folder that the user chose."""
        self._value = written_path(chosen, self.base)
        self.line.setText(self._value)
        self.edited.emit(self._value)
        self.sealed.emit()

    def _ask(self) -> None:
        here = (self.base / (self._value or "")).parent if self._value else self.base
        dialog = QFileDialog(self, self._translator.tr("gui.form.choose_for", name=self._name), str(here))
        files = self._spec.presentation.files
        if files:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            dialog.setNameFilter(f"{self._name} ({files})")
        else:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
            dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda chosen: self.choose(Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
