"""The systems under test: a list to add to, and for the chosen one everything that says how it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QPushButton, QWidget

from core.domain import JobState, Role
from core.errors import UserError
from core.i18n import listed
from core.spec import Candidate
from gui.candidate_words import candidate_text
from gui.context import Context
from gui.i18n import words_of
from gui.models.candidates import CandidateLine, CandidateListModel
from gui.pages.page import Page, PageMark
from gui.study_edits.edits import changed
from gui.study_edits.lists import added, removed, renamed
from gui.study_edits.presets import preset
from gui.study_edits.references import parts_that_name, users_of
from gui.study_edits.shapes import Document
from gui.theme import GAP_ROWS
from gui.undo import StudyDraft, path_of_refusal
from gui.widgets.candidate_editor import CandidateEditor
from gui.widgets.candidate_sides import CandidateSides
from gui.widgets.card import Card
from gui.widgets.export_button import ExportButton
from gui.widgets.preset_menu import PresetMenu
from gui.widgets.problems import problem_sentence
from gui.widgets.wrapped_label import WrappedLabel

_CANDIDATE = TypeAdapter(Candidate)
Problem = UserError | ErrorDetails


class CandidatesPage(Page):
    """Edits the draft that the study page saves; every change can be undone."""

    page_id = "candidates"

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._draft = draft
        self.model = CandidateListModel(context.translator, self)
        self.editor = CandidateEditor(context.translator, context.theme, self)
        self.card = Card("…", self)
        self.sides = CandidateSides(context, self.model, self.card, self)
        self.list = self.sides.list
        self.problem = WrappedLabel(self.card)
        self.add_button = QPushButton(self)
        self.presets = PresetMenu(context.translator, self.add_button)
        self.duplicate_button, self.remove_button = QPushButton(self.card), QPushButton(self.card)
        self.export_button = ExportButton(context, self.card)
        self._next_page = "runs"
        self._lay_out()
        self._connect()
        self.retranslate()

    @property
    def mark(self) -> PageMark:
        """Needing attention where a candidate cannot stay as it is."""
        if not self.context.document.is_open:
            return PageMark.NONE
        broken = any(path.startswith("candidates") for path in self._problems())
        return PageMark.ATTENTION if broken else PageMark.DONE

    @property
    def mark_text(self) -> str:
        """How many candidates there are."""
        count = len(self._candidates()) if self.context.document.is_open else 0
        return str(count) if count and self.mark is PageMark.DONE else ""

    def choose(self, index: int) -> None:
        """Show the candidate at a place of the list."""
        if 0 <= index < self.model.rowCount():
            self.list.setCurrentIndex(self.model.index(index, 0))

    def add(self, name: str) -> None:
        """Add the candidate of a preset and show it."""
        candidate = preset(name, self._candidates(), self._task_kind(), self._profiles(), self._chosen())
        self._take(added(self._candidates(), candidate, self._task_kind()), f"add {name}")
        self.choose(self.model.rowCount() - 1)
        if not self.editor.focus_problem():
            self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def duplicate(self) -> None:
        """Add a copy of the chosen candidate behind it, and show it."""
        chosen, index = self._chosen(), self.list.currentIndex().row()
        if chosen is not None:
            self._take(added(self._candidates(), chosen, self._task_kind(), index + 1), "duplicate")
            self.choose(index + 1)

    def remove(self) -> None:
        """Remove the chosen candidate, unless others need it or it is the last one."""
        chosen, index = self._chosen(), self.list.currentIndex().row()
        if chosen is None:
            return
        name = str(chosen.get("name"))
        users = users_of(self._candidates(), name, self._task_kind())
        if users:
            needed = words_of("gui.candidates.needed", name=name, names=listed(users), count=len(users))
            self.message.emit("warn", needed)
        elif len(self._candidates()) == 1:
            self.message.emit("warn", words_of("gui.candidates.last", name=name))
        else:
            forgotten = parts_that_name(self._draft.value, lambda one: None if one == name else one)
            self._take(removed(self._candidates(), index), "remove", forgotten)
            self.choose(min(index, self.model.rowCount() - 1))
            self.message.emit("info", words_of("gui.candidates.removed", name=name))

    def retranslate(self) -> None:
        """Set every word again."""
        self.heading.setText(self.tr("gui.page.candidates"))
        self.list.setAccessibleName(self.tr("gui.candidates.list"))
        self.add_button.setText(self.tr("gui.candidates.add"))
        self.duplicate_button.setText(self.tr("gui.candidates.duplicate"))
        self.remove_button.setText(self.tr("gui.candidates.remove"))
        self._show_draft()

    def refresh(self) -> None:
        """Show the study as it is being edited."""
        self._show_draft()

    def _candidates(self) -> list[Document]:
        return list(self._draft.value("candidates") or [])

    def _profiles(self) -> dict[str, Any]:
        return dict(self._draft.value("profiles") or {})

    def _task_kind(self) -> str:
        return str(self._draft.value("task.kind") or "classification")

    def _chosen(self) -> Document | None:
        candidates, index = self._candidates(), self.list.currentIndex().row()
        return candidates[index] if 0 <= index < len(candidates) else None

    def _problems(self) -> Mapping[str, Problem]:
        """What is wrong with the draft; else why its jobs cannot be planned."""
        document = self.context.document
        if self._draft.problems or not document.is_open or document.snapshot.plan_problem is None:
            return self._draft.problems
        return {self._path_of(document.snapshot.plan_problem): document.snapshot.plan_problem}

    def _path_of(self, refusal: UserError) -> str:
        """The path that a refusal names, also where it names a candidate by its name."""
        named = str(refusal.values.get("field") or "").partition("candidates: ")[2]
        places = [place for place, one in enumerate(self._candidates()) if named and one.get("name") == named]
        return f"candidates.{places[0]}" if places else path_of_refusal(refusal)

    def _take(self, candidates: list[Document], what: str, others: Mapping[str, Any] | None = None) -> None:
        self._draft.seal()
        self._draft.edit_together({"candidates": candidates, **(others or {})}, what)
        self._draft.seal()
        self._show_draft()  # also while the page is out of sight

    def _field_edited(self, path: str, value: object) -> None:
        index = self.list.currentIndex().row()
        after = changed(self._candidates(), index, path, value, self._task_kind())
        self._draft.edit("candidates", after, f"candidates.{index}.{path}")

    def _renamed(self, name: str) -> None:
        candidates, index = self._candidates(), self.list.currentIndex().row()
        old = candidates[index].get("name")
        others = parts_that_name(self._draft.value, lambda one: name if one == old else one)
        self._draft.edit_together(
            {"candidates": renamed(candidates, index, name), **others}, f"candidates.{index}.name"
        )

    def _show_draft(self) -> None:
        if not self.context.document.is_open:
            return
        before = self.list.currentIndex().row()
        problems, candidates = self._problems(), self._candidates()
        self.model.set_lines([self._line(place, one, problems) for place, one in enumerate(candidates)])
        if candidates and not self.list.currentIndex().isValid():
            self.choose(min(max(before, 0), len(candidates) - 1))
        self._show_chosen()
        self._say_where_we_stand()
        self.mark_changed.emit()

    def _line(self, place: int, candidate: Document, problems: Mapping[str, Problem]) -> CandidateLine:
        role = candidate.get("role")
        own = [problem for path, problem in problems.items() if f"{path}.".startswith(f"candidates.{place}.")]
        sentence = problem_sentence(self.context.translator, own[0]) if own else ""
        return CandidateLine(
            str(candidate.get("name") or "–"),
            Role(role) if role in set(Role) else None,
            self._text(candidate),
            sentence,
        )

    def _text(self, candidate: Document) -> str:
        """How a candidate is made; empty where it is not whole yet."""
        study = self._draft.study or self.context.document.study
        try:
            return candidate_text(self.context.translator, study, _CANDIDATE.validate_python(candidate))
        except (ValidationError, UserError):
            return ""

    def _show_chosen(self) -> None:
        chosen, index = self._chosen(), self.list.currentIndex().row()
        self.card.setVisible(chosen is not None)
        if chosen is None:
            return
        document, candidates = self.context.document, self._candidates()
        others = [other for place, other in enumerate(candidates) if place != index]
        self.card.set_title(str(chosen.get("name") or "–"))
        self.export_button.show_candidate(str(chosen.get("name")))
        self.editor.show_candidate(chosen, others, self._task_kind(), list(self._profiles()), document.snapshot.base)
        self.editor.set_currency(str(self._draft.value("criteria.cost.currency") or ""))
        self.editor.set_read_only(not document.writable)
        head = f"candidates.{index}"
        own = {
            path.removeprefix(head).removeprefix("."): problem
            for path, problem in self._problems().items()
            if f"{path}.".startswith(f"{head}.")
        }
        shown = self.editor.show_problems(own)
        rest = [
            problem_sentence(self.context.translator, problem) for path, problem in own.items() if path not in shown
        ]
        self.problem.setText("\n".join(rest))
        self.problem.setVisible(bool(rest))

    def _say_where_we_stand(self) -> None:
        document = self.context.document
        elsewhere = [problem for path, problem in self._problems().items() if not path.startswith("candidates.")]
        self.sentence.setText(
            problem_sentence(self.context.translator, elsewhere[0]) if elsewhere else self._counted_words()
        )
        self.sentence.setProperty("state", "bad" if elsewhere else "")
        self.sentence.style().unpolish(self.sentence)
        self.sentence.style().polish(self.sentence)
        waiting = sum(row.state is not JobState.SUCCEEDED for row in document.jobs)
        self._next_page = "runs" if waiting else "decide"
        self.main_button.setText(self.tr("gui.study.to_runs" if waiting else "gui.runs.decide"))
        self.main_button.setVisible(bool(document.jobs) and not self._problems())
        for button in (self.add_button, self.duplicate_button, self.remove_button):
            button.setVisible(document.writable)

    def _counted_words(self) -> str:
        roles = [candidate.get("role") for candidate in self._candidates()]
        counts = {role: roles.count(role) for role in ("teacher", "student", "hybrid")}
        parts = [self.tr(f"gui.candidates.count.{role}", count=count) for role, count in counts.items() if count]
        return self.tr("gui.candidates.sentence", roles=self.tr("gui.list_separator").join(parts))

    def _fill_menu(self) -> None:
        self.presets.offer(self._candidates(), self._chosen(), self._task_kind())

    def _connect(self) -> None:
        self._draft.changed.connect(lambda _path: self.invalidate())
        self._draft.replaced.connect(self.invalidate)
        self.list.selectionModel().currentChanged.connect(self._chosen_changed)
        self.editor.edited.connect(self._field_edited)
        self.editor.renamed.connect(self._renamed)
        self.editor.sealed.connect(self._draft.seal)
        self.export_button.message.connect(self.message)
        self.duplicate_button.clicked.connect(self.duplicate)
        self.remove_button.clicked.connect(self.remove)
        self.main_button.clicked.connect(lambda: self.go_to.emit(self._next_page))
        delete = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.list)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self.remove)
        self.context.theme.theme_changed.connect(self._recolour)
        self._recolour()

    def _recolour(self) -> None:
        self.add_button.setIcon(self.context.theme.icon("plus", "text", 12))
        self.list.viewport().update()

    def _chosen_changed(self, _index: QModelIndex, _before: QModelIndex) -> None:
        self._draft.seal()
        QTimer.singleShot(0, self, self.sides.scroll_to_top)
        self._show_chosen()

    def _lay_out(self) -> None:
        self.add_button.setMenu(self.presets)
        self.presets.aboutToShow.connect(self._fill_menu)
        self.presets.chosen.connect(self.add)
        self.header.insertWidget(1, self.add_button)
        self.problem.setProperty("state", "bad")
        for button in (self.export_button, self.duplicate_button, self.remove_button):
            button.setProperty("kind", "link")
            self.card.add_corner(button)
        self.card.body.setSpacing(GAP_ROWS)
        self.card.body.addWidget(self.problem)
        self.card.body.addWidget(self.editor)
        self.sides.scroll_range_changed.connect(self._keep_right_edge)
        self.body.addWidget(self.sides, 1)
