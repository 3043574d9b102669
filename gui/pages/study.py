"""The question: the 3C criteria and service levels to edit, and the data, candidates and prices that they meet."""

from __future__ import annotations

from pathlib import Path

from pydantic_core import ErrorDetails
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from core.domain import JobState
from core.errors import UserError
from core.spec import WRITING_KINDS, Study
from gui.context import Context
from gui.document import SaveState
from gui.i18n import Words
from gui.pages.page import Page, PageMark
from gui.study_commands import DATA_FILTER
from gui.theme import GAP_CARDS
from gui.undo import StudyDraft
from gui.widgets.candidates_card import CandidatesCard
from gui.widgets.checks_card import ChecksCard
from gui.widgets.criteria_card import ComplianceCard, CriteriaCard
from gui.widgets.curve_card import CurveCard
from gui.widgets.data_card import DataCard
from gui.widgets.form import FieldForm
from gui.widgets.load_card import LoadCard
from gui.widgets.part_card import PartCard
from gui.widgets.path_editor import written_path
from gui.widgets.problems import problem_sentence
from gui.widgets.profiles_card import ProfilesCard
from gui.widgets.retrieval_card import RetrievalCard
from gui.widgets.routing_card import RoutingCard
from gui.widgets.suites_card import SuitesCard
from gui.widgets.task_card import TaskCard
from gui.widgets.wrapped_label import WrappedLabel

SAVE_DELAY_MS = 500


class StudyPage(Page):
    """The form of a study. Valid edits are saved by themselves and can be undone."""

    page_id = "study"

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._draft = draft
        self.criteria = {name: CriteriaCard(name, context, draft, self) for name in ("cost", "service")}
        self.compliance = self.criteria["compliance"] = ComplianceCard(context, draft, self)
        self.task = TaskCard(context, draft, self)
        self.forms = {name: card.form for name, card in self.criteria.items()} | {"task": self.task.form}
        self.data = DataCard(context, draft, self)
        self.retrieval = RetrievalCard(context, draft, self)
        self.suites = SuitesCard(context, draft, self)
        self.checks = ChecksCard(context, draft, self)
        self.load_test = LoadCard(context, draft, self)
        self.candidates = CandidatesCard(context, self)
        self.curve = CurveCard(context, draft, self)
        self.routing = RoutingCard(context, draft, self)
        self.profiles = ProfilesCard(context, draft, self)
        self.whole_problem = WrappedLabel(self)
        self.whole_problem.setProperty("state", "bad")
        self.whole_problem.hide()
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(SAVE_DELAY_MS)
        self._save_timer.timeout.connect(self._save)
        self._lay_out()
        draft.changed.connect(self._edited)
        draft.replaced.connect(self._show_draft)
        context.document.opened.connect(self._load)
        self.data.file_asked.connect(self._choose_data)
        self.candidates.edit_button.clicked.connect(lambda: self.go_to.emit("candidates"))
        self.data.trouble.connect(self._tell_of_data)
        self._next_page = "runs"
        self.main_button.clicked.connect(lambda: self.go_to.emit(self._next_page))
        self.retranslate()

    @property
    def mark(self) -> PageMark:
        """Done where the study is valid and its jobs can be planned."""
        if not self.context.document.is_open:
            return PageMark.NONE
        broken = bool(self._draft.problems) or self.context.document.snapshot.plan_problem is not None
        return PageMark.ATTENTION if broken else PageMark.DONE

    def retranslate(self) -> None:
        """Set every word again."""
        self.heading.setText(self.tr("gui.page.study"))
        self.task.set_title(self.tr("gui.study.section.task"))
        self._show_problems()

    def refresh(self) -> None:
        """Show the study as saved, and the edits that wait to be."""
        document = self.context.document
        if not document.is_open:
            return
        if document.save_state is SaveState.READ_ONLY and self._draft.study != document.study:
            self._draft.load(document.study)
        self._show_study(self._draft.study or document.study)
        self._say_where_we_stand(document.study)

    def flush(self) -> None:
        """Save an edit that waits for the end of typing."""
        if self._save_timer.isActive():
            self._save_timer.stop()
            self._save()

    def _load(self) -> None:
        self._save_timer.stop()
        if self.context.document.is_open:
            self._draft.load(self.context.document.study)
        else:
            self._draft.undo_stack.clear()

    def _show_draft(self) -> None:
        currency = str(self._draft.value("criteria.cost.currency") or "")
        writable = self.context.document.writable
        self.task.refresh()
        self._show_optional_parts()
        for form in self.forms.values():
            form.show_values(self._draft.value)
            form.set_currency(currency)
            form.set_read_only(not writable)
        self._show_problems()

    def _show_optional_parts(self) -> None:
        """Only what answers in text can be given passages, asked a suite or checked."""
        asked = self.task.asked_in_words
        self.retrieval.setVisible(asked or self.retrieval.is_set)
        self.suites.setVisible(asked or self.suites.is_set)
        self.checks.setVisible(self._draft.value("task.kind") in WRITING_KINDS or self.checks.is_set)

    def _edited(self, path: str) -> None:
        if path in ("task", "candidates") or path.startswith("task."):
            self._show_optional_parts()
        for form in self.forms.values():
            if path in form.rows:
                form.rows[path].editor.set_value(self._draft.value(path))
            if path == "criteria.cost.currency":
                form.set_currency(str(self._draft.value(path) or ""))
        self._show_problems()
        if self._draft.study is None:
            self._save_timer.stop()
            self.context.document.mark_invalid()
        else:
            self._show_study(self._draft.study)
            self._save_timer.start()
        self.mark_changed.emit()

    def _save(self) -> None:
        study = self._draft.study
        if study is None:
            return
        if study == self.context.document.study:
            self.context.document.mark_valid()
        else:
            self.context.document.save(study)

    def _show_problems(self) -> None:
        shown: set[str] = set()
        parts: list[FieldForm | PartCard] = [
            self.retrieval,
            self.suites,
            self.checks,
            self.load_test,
            self.curve,
            self.routing,
            self.profiles,
        ]
        for part in [*self.forms.values(), self.data.given, self.data.columns, self.data.split, *parts]:
            shown |= part.show_problems(self._draft.problems)
        rest = [self._told(path, problem) for path, problem in self._draft.problems.items() if path not in shown]
        document = self.context.document
        if document.is_open and document.snapshot.plan_problem is not None and not self._draft.problems:
            rest.append(self.context.translator.error(document.snapshot.plan_problem))
        self.whole_problem.setText("\n".join(rest))
        self.whole_problem.setVisible(bool(rest))

    def _told(self, path: str, problem: UserError | ErrorDetails) -> str:
        """A problem that no field here can show; of a candidate, with its name."""
        sentence = problem_sentence(self.context.translator, problem)
        name = self._draft.value(".".join([*path.split(".")[:2], "name"])) if path.startswith("candidates.") else None
        return self.tr("gui.study.problem_of", name=str(name), problem=sentence) if name else sentence

    def _tell_of_data(self, words: Words) -> None:
        document = self.context.document
        # Told by this page's own line where the plan has the same problem; of no interest once the study is closed.
        if document.is_open and document.snapshot.plan_problem is None:
            self.message.emit("warn", words)

    def _show_study(self, study: Study) -> None:
        document = self.context.document
        self.data.show_study(study, document.snapshot.base, writable=document.writable)
        self.candidates.show_study(study)
        self.profiles.show_study(study)

    def _say_where_we_stand(self, study: Study) -> None:
        document = self.context.document
        waiting = sum(row.state is not JobState.SUCCEEDED for row in document.jobs)
        self.sentence.setText(
            self.tr(
                "gui.study.sentence",
                candidates=len(study.candidates),
                metric=study.task.plugin or self.tr(f"field.task.metric.{study.task.metric}"),
            )
        )
        self._next_page = "runs" if waiting else "decide"
        self.main_button.setText(self.tr("gui.study.to_runs" if waiting else "gui.runs.decide"))
        self.main_button.setVisible(bool(document.jobs) and document.snapshot.plan_problem is None)
        self._show_problems()

    def _choose_data(self) -> None:
        base = self.context.document.snapshot.base
        dialog = QFileDialog(
            self, self.tr("gui.data.choose"), str(base), f"{self.tr('gui.data.files')} ({DATA_FILTER})"
        )
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda chosen: self._use_data(Path(chosen), base))
        dialog.open()

    def _use_data(self, path: Path, base: Path) -> None:
        self._draft.edit("data.file", written_path(path, base))
        self._draft.seal()

    def _lay_out(self) -> None:
        left, right = QVBoxLayout(), QVBoxLayout()
        for column, cards in (
            (left, [self.task, *self.criteria.values(), self.checks]),
            (
                right,
                [
                    self.data,
                    self.candidates,
                    self.curve,
                    self.routing,
                    self.retrieval,
                    self.suites,
                    self.load_test,
                    self.profiles,
                ],
            ),
        ):
            column.setSpacing(GAP_CARDS)
            for card in cards:
                column.addWidget(card)
            column.addStretch(1)
        columns = QHBoxLayout()
        columns.setSpacing(GAP_CARDS)
        columns.addLayout(left, 1)
        columns.addLayout(right, 1)
        self.body.addWidget(self.whole_problem)
        self.body.addLayout(columns)
        self.body.addStretch(1)
