"""The settings, made from their one declaration in `core.settings`; a change takes effect at once."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from core.settings import Settings
from gui.context import Context
from gui.pages.page import Page
from gui.widgets.card import Card
from gui.widgets.fields import fields_of
from gui.widgets.form import FieldForm

SHOWN = ("language", "theme", "resume_on_open")


class SettingsPage(Page):
    """One card with every setting that a user chooses."""

    page_id = "settings"

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        card = Card(parent=self)
        card.setMaximumWidth(640)
        specs = fields_of(Settings, "", SHOWN)
        self.form = FieldForm(context.translator, specs, card, label_width=200, code_prefix="setting")
        self.form.edited.connect(self._change)
        card.body.addWidget(self.form)
        self.body.addWidget(card)
        self.body.addStretch(1)
        context.preferences.changed.connect(self.invalidate)
        self.retranslate()

    def retranslate(self) -> None:
        """Set every word again."""
        self.heading.setText(self.tr("gui.page.settings"))
        self.sentence.setText(self.tr("gui.settings.sentence"))

    def refresh(self) -> None:
        """Show the settings in force."""
        settings = self.context.preferences.settings
        self.form.show_values(lambda path: getattr(settings, path))

    def _change(self, name: str, value: Any) -> None:
        self.context.preferences.change(**{name: value})
