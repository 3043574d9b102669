"""Which test rows are shown: two candidates, how they compare, a class, a slice, and words to look for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from core.domain import Role
from core.drill_down import DrillDown, with_hybrid
from core.store.question import Question, Show, Side
from core.store.rows_query import APART_FROM
from gui.context import Context
from gui.theme import GAP_CARDS, GAP_TIGHT
from gui.widgets.role_mark import role_icon

SEARCH_PAUSE_MS = 250
_PARTS = ("first", "second", "show", "class", "slice", "search")


class ExampleFilters(QWidget):
    """The choices above the rows. `changed` fires when other rows are meant; typing is taken in once it pauses."""

    changed = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._sides: tuple[Side, ...] = ()
        self._by_score = False
        self.first, self.second, self.show_box, self.classes, self.slices = (QComboBox(self) for _ in range(5))
        self.search = QLineEdit(self)
        self.search.setClearButtonEnabled(True)
        self._captions = {part: QLabel(self) for part in _PARTS}
        self._holders = {part: QWidget(self) for part in _PARTS}
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(SEARCH_PAUSE_MS)
        self._lay_out()
        for box in (self.first, self.second):
            box.currentIndexChanged.connect(self._candidates_changed)
        for box in (self.show_box, self.classes, self.slices):
            box.currentIndexChanged.connect(self.changed)
        self.search.textChanged.connect(lambda _text: self._pause.start())
        self.search.returnPressed.connect(self._search_now)
        self._pause.timeout.connect(self.changed)
        context.theme.theme_changed.connect(lambda: self._fill_candidates(self._chosen_names()))

    @property
    def sides(self) -> tuple[Side, ...]:
        """The chosen candidates, and the hybrid of both where there is one."""
        chosen = [side for name in self._chosen_names() for side in self._sides if side.name == name]
        return with_hybrid(self._sides, *chosen) if len(chosen) == 2 else tuple(chosen)

    def question(self, data_job: str) -> Question:
        """What is asked, in the order of the data."""
        show = Show(self.show_box.currentData() or Show.ALL.value)
        part: Any = self.slices.currentData()
        return Question(
            data_job=data_job,
            sides=self.sides,
            show=show,
            search=self.search.text().strip(),
            target=self.classes.currentData(),
            part=None if part is None else (part[0], part[1]),
            by_score=self._by_score,
        )

    def offer(self, found: DrillDown, chosen: Sequence[str]) -> None:
        """Offer other candidates, classes and slices; what was chosen before stays, where it is still there."""
        self._sides, self._by_score, facets = found.sides, found.by_score, found.facets
        names = [side.name for side in found.sides]
        wanted = [name for name in self._chosen_names() if name in names]
        self._fill_candidates(wanted if len(wanted) == 2 else chosen)
        tr = self._context.translator.tr
        classes = [(name, name) for name in facets.classes]
        self._fill(self.classes, [(tr("gui_examples.class.all"), None), *classes])
        parts = [
            (tr("gui_examples.slice.one", column=name, value=value), [name, value]) for name, value in facets.parts
        ]
        self._fill(self.slices, [(tr("gui_examples.slice.all"), None), *parts])
        for part, offered in (("class", classes), ("slice", parts)):
            self._holders[part].setVisible(bool(offered))
        self._fill_shows()

    def choose(self, names: Sequence[str]) -> None:
        """Compare other candidates, and show all of their rows."""
        blocked = [QSignalBlocker(box) for box in (self.show_box, self.classes, self.slices, self.search)]
        for box in (self.show_box, self.classes, self.slices):
            box.setCurrentIndex(0)
        self.search.clear()
        self._fill_candidates(names)
        self._fill_shows()
        del blocked
        self.changed.emit()

    def retranslate(self) -> None:
        """Set the words again; the choices follow with the next `offer`."""
        tr = self._context.translator.tr
        for part, caption in self._captions.items():
            caption.setText(tr(f"gui_examples.filter.{part}"))
        boxes = (self.first, self.second, self.show_box, self.classes, self.slices, self.search)
        for part, box in zip(_PARTS, boxes, strict=True):
            box.setAccessibleName(tr(f"gui_examples.filter.{part}"))
        self.search.setPlaceholderText(tr("gui_examples.filter.search.empty"))
        self._fill_shows()

    def _chosen_names(self) -> list[str]:
        names = [self.first.currentText(), self.second.currentText()]
        return [name for name in dict.fromkeys(names) if name]

    def _fill_candidates(self, chosen: Sequence[str]) -> None:
        for place, box in enumerate((self.first, self.second)):
            other = chosen[1 - place] if len(chosen) > 1 else None
            with QSignalBlocker(box):
                box.clear()
                for side in self._sides:
                    if side.name != other:  # nobody is compared with oneself
                        box.addItem(role_icon(self._context.theme, self._role(side.name)), side.name)
                box.setCurrentText(chosen[place] if place < len(chosen) else "")
            self._holders[_PARTS[place]].setVisible(place < len(self._sides))

    def _role(self, name: str) -> Role | None:
        candidates = self._context.document.study.candidates if self._context.document.is_open else []
        return next((candidate.role for candidate in candidates if candidate.name == name), None)

    def _candidates_changed(self) -> None:
        self._fill_candidates(self._chosen_names())
        self._fill_shows()
        self.changed.emit()

    def _fill_shows(self) -> None:
        tr, names = self._context.translator.tr, self._chosen_names()
        self._captions["first"].setText(tr(f"gui_examples.filter.{'alone' if len(self._sides) == 1 else 'first'}"))
        if len(names) == 2:
            words = {
                "first": names[0],
                "second": names[1],
                "apart": self._context.translator.formats.number(APART_FROM),
            }
            options = [(tr(f"gui_examples.show.{self._code_of(show)}", **words), show) for show in Show]
        else:
            alone = {Show.ALL: "all", Show.ONLY_FIRST: "right", Show.BOTH_WRONG: "wrong"}
            options = [(tr(f"gui_examples.show.{word}"), show) for show, word in alone.items()]
        self._fill(self.show_box, [(text, show.value) for text, show in options])

    def _code_of(self, show: Show) -> str:
        return "apart" if show is Show.DISAGREE and self._by_score else show.value

    @staticmethod
    def _fill(box: QComboBox, options: Sequence[tuple[str, Any]]) -> None:
        before = box.currentData()
        with QSignalBlocker(box):
            box.clear()
            for text, value in options:
                box.addItem(text, value)
            values = [value for _, value in options]
            box.setCurrentIndex(values.index(before) if before in values else 0)

    def _search_now(self) -> None:
        self._pause.stop()
        self.changed.emit()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP_CARDS)
        boxes = (self.first, self.second, self.show_box, self.classes, self.slices, self.search)
        for part, box in zip(_PARTS, boxes, strict=True):
            caption = self._captions[part]
            caption.setProperty("type", "secondary")
            caption.setBuddy(box)
            column = QVBoxLayout(self._holders[part])
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(GAP_TIGHT)
            column.addWidget(caption)
            column.addWidget(box)
            row.addWidget(self._holders[part], 4 if part in ("show", "search") else 3)
            if isinstance(box, QComboBox):
                box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
                box.setMinimumContentsLength(6)
                box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
