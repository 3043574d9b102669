"""Fields under a heading: the common ones, and a button that shows the rarer ones, which stay in sight once set."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui.i18n import Translator
from gui.study_edits.shapes import Document
from gui.theme import GAP_CARDS, GAP_ROWS
from gui.widgets.candidate_fields import default_values, is_set, section_specs, shown_fields
from gui.widgets.editors import Editor
from gui.widgets.form import FieldForm


class FieldSection(QWidget):
    """One section of a candidate's fields, without those `left_out`. Its words are `gui.candidate.section.<name>`."""

    def __init__(
        self,
        name: str,
        translator: Translator,
        label_width: int,
        editors: Mapping[str, Editor] | None = None,
        parent: QWidget | None = None,
        left_out: Collection[str] = (),
    ) -> None:
        super().__init__(parent)
        self.name = name
        self.open = False
        self._translator = translator
        self._left_out = frozenset(left_out)
        specs = [spec for spec in section_specs(name) if spec.path not in self._left_out]
        self._defaults = default_values(specs)
        self._shown: tuple[Document, str] = ({}, "")
        self.title = QLabel(self)
        self.title.setProperty("type", "strong")
        self.form = FieldForm(translator, specs, self, label_width, editors=editors)
        self.more_button = QPushButton(self)
        self.more_button.setProperty("kind", "link")
        self.more_button.clicked.connect(self._switch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP_ROWS)
        column.addWidget(self.title)
        column.addWidget(self.form)
        below = QHBoxLayout()
        below.setContentsMargins(label_width + GAP_CARDS, 0, 0, 0)
        below.addWidget(self.more_button)
        below.addStretch(1)
        column.addLayout(below)

    def show_fields(self, candidate: Document, kind: str) -> bool:
        """Show the fields that make sense for a candidate in a study of a kind of task; whether there are any."""
        self._shown = (candidate, kind)
        shown = shown_fields(self.name, candidate, kind)
        other = [path for path in shown.other if path not in self._left_out]
        kept = [path for path in other if is_set(path, candidate, kind, self._defaults)]
        self.form.show_only({*shown.common, *(other if self.open else kept)})
        self.more_button.setVisible(len(kept) < len(other))
        self.retranslate()
        return bool(shown.common)

    def retranslate(self) -> None:
        """Set the words of heading and button again."""
        tr = self._translator.tr
        part = tr(f"gui.candidate.section.{self.name}")
        self.title.setText(part)
        self.more_button.setText(tr("gui.candidate.fewer" if self.open else "gui.candidate.more"))
        code = "gui.candidate.fewer_of" if self.open else "gui.candidate.more_of"
        self.more_button.setAccessibleName(tr(code, section=part))

    def _switch(self) -> None:
        self.open = not self.open
        self.show_fields(*self._shown)
