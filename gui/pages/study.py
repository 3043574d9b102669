"""The question: the 3C criteria and service levels to edit, and the data, candidates and prices that they meet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from core.domain import JobState
from core.errors import UserError
from core.spec import METRICS_OF_KIND, SCORED_LATER, WRITING_KINDS, Complexity, Compliance, Cost, Service, Study
from gui.context import Context
from gui.document import SaveState
from gui.pages.page import Page, PageMark
from gui.study_commands import DATA_FILTER
from gui.study_edits.references import asks_in_words
from gui.theme import GAP_CARDS
from gui.undo import StudyDraft
from gui.widgets.candidates_card import CandidatesCard
from gui.widgets.card import Card
from gui.widgets.checks_card import ChecksCard
from gui.widgets.curve_card import CurveCard
from gui.widgets.data_card import DataCard
from gui.widgets.editors import ChoiceEditor
from gui.widgets.fields import fields_of
from gui.widgets.form import FieldForm, bind
from gui.widgets.judge_editor import JudgeModelEditor
from gui.widgets.load_card import LoadCard
from gui.widgets.part_card import PartCard
from gui.widgets.path_editor import PathEditor, written_path
from gui.widgets.problems import problem_sentence
from gui.widgets.profiles_card import ProfilesCard
from gui.widgets.retrieval_card import RetrievalCard
from gui.widgets.suites_card import SuitesCard
from gui.widgets.task_fields import (
    EXAMPLES,
    JUDGE_MODEL,
    JUDGE_PROFILE,
    SCHEMA_FILE,
    judged_by,
    metrics_of,
    shown_of_task,
    task_specs,
)
from gui.widgets.wrapped_label import WrappedLabel

SAVE_DELAY_MS = 500
SERVICE_FIELDS = (
    "min_quality",
    "quality_margin",
    "p95_latency_ms",
    "time_to_first_token_ms",
    "time_per_output_token_ms",
)
# Each card's title code, model, path and fields; rule packs are left out, for this version evaluates none.
SECTIONS: tuple[tuple[str, type[BaseModel], str, tuple[str, ...]], ...] = (
    (
        "cost",
        Cost,
        "criteria.cost",
        ("monthly_requests", "monthly_budget", "value_per_success", "horizon_months", "currency"),
    ),
    ("service", Service, "criteria.service", SERVICE_FIELDS),
    ("complexity", Complexity, "criteria.complexity", ("stated",)),
    ("compliance", Compliance, "criteria.compliance", ("data_classes", "jurisdictions", "on_premises", "facts")),
)


class StudyPage(Page):
    """The form of a study. Valid edits are saved by themselves and can be undone."""

    page_id = "study"

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._draft = draft
        self._cards: dict[str, Card] = {}
        self.forms: dict[str, FieldForm] = {}
        for name, model, path, only in SECTIONS:
            self._add_section(name, model, path, only)
        self.judge = JudgeModelEditor(self)
        self.data = DataCard(context, draft, self)
        self.retrieval = RetrievalCard(context, draft, self)
        self.suites = SuitesCard(context, draft, self)
        self.checks = ChecksCard(context, draft, self)
        self.load_test = LoadCard(context, draft, self)
        self.candidates = CandidatesCard(context, self)
        self.curve = CurveCard(context, draft, self)
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
        for name, card in self._cards.items():
            card.set_title(self.tr(f"gui.study.section.{name}"))
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
        schema = self.forms["task"].rows[SCHEMA_FILE.path].editor
        if isinstance(schema, PathEditor):
            schema.base = self.context.document.snapshot.base
        self._show_task()
        for form in self.forms.values():
            form.show_values(self._draft.value)
            form.set_currency(currency)
            form.set_read_only(not writable)
        self._show_problems()

    def _show_task(self) -> None:
        """The task's fields; a prompt where something is asked in words."""
        form, task = self.forms["task"], self._draft.value("task") or {}
        form.set_choices("task.metric", metrics_of(str(task.get("kind")), str(task.get("metric"))))
        candidates = self._draft.value("candidates") or []
        self.judge.offer(self.context.translator, candidates, (task.get("judge") or {}).get("model"))
        profile = form.rows[JUDGE_PROFILE].editor
        if isinstance(profile, ChoiceEditor):
            names = [(name, name) for name in self._draft.value("profiles") or {}]
            profile.set_options([(None, self.tr(f"field.{JUDGE_PROFILE}.empty")), *names])
        form.show_values(self._draft.value)
        asked = asks_in_words(task, candidates)
        # Only what answers in text can be given passages or asked a suite.
        self.retrieval.setVisible(asked or self.retrieval.is_set)
        self.suites.setVisible(asked or self.suites.is_set)
        self.checks.setVisible(task.get("kind") in WRITING_KINDS or self.checks.is_set)
        pictured = self._draft.value("data.columns.image") is not None
        form.show_only(shown_of_task(task, asked=asked, pictured=pictured))

    def _task_edited(self, path: str, value: Any) -> None:
        if path == "task.kind":  # another kind of task is scored by other measures
            task = {**self._draft.value("task"), "kind": value, "metric": METRICS_OF_KIND[str(value)][0]}
            task |= dict.fromkeys(("json_schema", "separator", "judge"))
            task |= {} if value in WRITING_KINDS else {"checks": None}
            self._draft.edit("task", task, path)
        elif path == "task.metric" and value not in SCORED_LATER:
            self._draft.edit("task", {**self._draft.value("task"), "metric": value, "judge": None}, path)
        elif path == JUDGE_MODEL.path:
            self._draft.edit("task.judge", judged_by(self._draft.value("task"), value), path)
        elif path == EXAMPLES and value is None:
            self._draft.edit("task.few_shot", None, path)
        else:
            self._draft.edit(path, value)

    def _edited(self, path: str) -> None:
        if path in ("task", "candidates", "profiles", "data", "data.columns.image") or path.startswith("task."):
            self._show_task()
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

    def _tell_of_data(self, text: str) -> None:
        document = self.context.document
        # Told by this page's own line where the plan has the same problem; of no interest once the study is closed.
        if document.is_open and document.snapshot.plan_problem is None:
            self.message.emit("warn", text)

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

    def _add_section(self, name: str, model: type[BaseModel], path: str, only: tuple[str, ...]) -> None:
        card = Card("…", self)
        specs = {spec.path: spec for spec in fields_of(model, path, only)}
        form = FieldForm(self.context.translator, [specs[f"{path}.{field}"] for field in only], card)
        bind(form, self._draft)
        card.body.addWidget(form)
        self._cards[name] = card
        self.forms[name] = form

    def _lay_out(self) -> None:
        card, editors = self._cards["complexity"], {JUDGE_MODEL.path: self.judge}
        self.forms["task"] = FieldForm(self.context.translator, task_specs(), card, editors=editors)
        self.forms["task"].edited.connect(self._task_edited)
        self.forms["task"].sealed.connect(self._draft.seal)
        card.body.addWidget(self.forms["task"])
        left, right = QVBoxLayout(), QVBoxLayout()
        for column, cards in (
            (left, [*self._cards.values(), self.checks]),
            (
                right,
                [self.data, self.candidates, self.curve, self.retrieval, self.suites, self.load_test, self.profiles],
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
