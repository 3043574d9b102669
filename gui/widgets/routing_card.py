"""How the policies of hybrids are fitted: over how many folds of the test rows."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from core.spec import Routing
from gui.context import Context
from gui.undo import StudyDraft
from gui.widgets.fields import fields_of
from gui.widgets.part_card import PartCard

PATH = "routing"
FOLDS = f"{PATH}.folds"


class RoutingCard(PartCard):
    """A form over `routing` of the study, in sight where the study has a hybrid or says how one is fitted."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__(context, draft, PATH, fields_of(Routing, PATH), parent)
        self.retranslate()

    @property
    def is_set(self) -> bool:
        """Whether the study says anything else than the default."""
        return self._draft.value(FOLDS) is not None

    def refresh(self) -> None:
        """Show what the draft says."""
        super().refresh()
        hybrids = any(one.get("role") == "hybrid" for one in self._draft.value("candidates") or [])
        self.setVisible(hybrids or self.is_set)

    def _edited(self, path: str) -> None:
        if path.startswith("candidates"):
            self.refresh()
        super()._edited(path)
