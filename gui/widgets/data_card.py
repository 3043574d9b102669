"""The study's data: where it lies, which column holds what, how it is split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from core.jobs.graph import PROFILE_PART
from core.jobs.results import LabelNoise, ProfileResult
from core.lazy import load
from core.spec import Columns, Data, PredictionsModel, SplitPlan, Study
from core.store import StudyStore
from core.study_file import resolve_path
from gui.context import Context
from gui.i18n import words_of_error
from gui.models.data_rows import noise_sentence
from gui.study_edits.shapes import defaults_of
from gui.undo import StudyDraft
from gui.widgets.card import Card
from gui.widgets.editors import ChoiceEditor
from gui.widgets.fields import FieldKind, FieldSpec, Presentation, fields_of
from gui.widgets.form import FieldForm, bind
from gui.widgets.given_files import GivenFiles
from gui.widgets.key_value import KeyValueRows
from gui.widgets.words_editor import WordsEditor
from gui.widgets.wrapped_label import WrappedLabel

COLUMN_FIELDS = ("input", "target", "group", "weight", "document", "context", "image", "slice")
DOCUMENT = "data.columns.document"
SLICES = "data.columns.slice"
TIME_FIELD, SEED_FIELD = "data.split.time", "data.split.seed"
CONTEXT = "data.columns.context"
ROWS_LOOKED_AT = 200


def read_columns(path: Path) -> list[str]:
    """The column names of a data file. Raises UserError. Loads pandas: not for the UI thread."""
    frame = load("core.data.reading").read_whole_table(path, ROWS_LOOKED_AT)
    return [str(name) for name in frame.columns]


def data_paths(study: Study) -> list[tuple[str, str]]:
    """The files that hold the study's rows: (part, path as written); predictions where there is no data file."""
    if study.data.file is not None:
        return [("file", study.data.file)]
    if study.data.files is not None:
        return [(part, path) for part, path in study.data.files.model_dump().items() if path]
    models = [candidate.model for candidate in study.candidates]
    return [("predictions", model.file) for model in models if isinstance(model, PredictionsModel)]


def column_specs() -> list[FieldSpec]:
    """Which column holds what, and what becomes of train rows that also stand in test."""
    columns = [_of_columns(spec) for spec in fields_of(Columns, "data.columns", COLUMN_FIELDS)]
    return [*columns, *fields_of(Data, "data", ("overlap",))]


def split_specs() -> list[FieldSpec]:
    """How one file is split; the group column stands among the columns."""
    specs = fields_of(SplitPlan, "data.split", ("test", "calibration", "time", "seed"))
    return [_of_columns(spec) if spec.path == TIME_FIELD else spec for spec in specs]


def _of_columns(spec: FieldSpec) -> FieldSpec:
    """The field as a choice among the file's columns."""
    if spec.path == SLICES:
        return replace(spec, presentation=Presentation(closed=True))
    return FieldSpec(spec.path, FieldKind.CHOICE, spec.optional)


def stored_noise(store: StudyStore) -> LabelNoise | None:
    """What the profile job says of wrong labels; null where it is not done, or cannot say."""
    candidate, part = PROFILE_PART
    job_id = store.candidate_jobs().get(candidate, {}).get(part)
    document = None if job_id is None else store.result(job_id)
    return None if document is None else ProfileResult.model_validate(document).label_noise


class DataCard(Card):
    """Paths, a column for each purpose, and the split where there is one file.

    `file_asked` wants another file; `trouble` says in `Words` why it cannot be read.
    """

    file_asked = Signal()
    trouble = Signal(object)

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__("…", parent)
        self._context = context
        self._draft = draft
        self._columns_of: tuple[Path, str] | None = None
        self._names: list[str] = []
        self._noise: LabelNoise | None = None
        self.files = KeyValueRows(parent=self)
        self.columns = FieldForm(context.translator, column_specs(), self)
        self.split = FieldForm(context.translator, split_specs(), self)
        self.given = GivenFiles(context, draft, self)
        self.choose_button = QPushButton(self)
        self.choose_button.setProperty("kind", "link")
        self.choose_button.clicked.connect(self.file_asked)
        for button in (self.given.switch_button, self.choose_button):
            self.add_corner(button)
        self.limits = WrappedLabel(self)
        self.limits.setProperty("type", "secondary")
        self.limits.hide()
        for part in (self.files, self.given, self.columns, self.split, self.limits):
            self.body.addWidget(part)
        bind(self.columns, draft)
        bind(self.split, draft)
        context.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def show_study(self, study: Study, base: Path, *, writable: bool) -> None:
        """Show where the study's data lies, and fetch the names of its columns."""
        tr = self._context.translator.tr
        paths = data_paths(study)
        shown = [] if study.data.files is not None else paths
        rows = [(tr(f"gui.data.part.{part}"), path) for part, path in shown]
        self.files.set_rows([*rows, (tr("gui.data.base"), str(base))])
        own_data = study.data.file is not None or study.data.files is not None
        self.columns.setVisible(own_data)
        self.split.setVisible(study.data.split is not None or study.data.file is not None)
        self.choose_button.setVisible(writable and study.data.file is not None)
        for form in (self.columns, self.split):
            form.show_values(self._value)
            form.set_read_only(not writable)
        # Only retrieval asks which document answers a row, only some metrics and checks in what context.
        idle = ({DOCUMENT} if study.retrieval is None else set()) | (set() if self._has_context(study) else {CONTEXT})
        self.columns.show_only(set(self.columns.rows) - idle)
        # Where the newest rows are test, the seed decides nothing.
        timed = study.data.split is not None and study.data.split.time is not None
        self.split.show_only(set(self.split.rows) - ({SEED_FIELD} if timed else set()))
        self.given.refresh()
        self._offer_columns()
        if own_data:
            self._fetch_columns(base, paths[0][1])
        if self._context.document.is_open:
            self._context.document.query(stored_noise, self._take_noise)

    def _value(self, path: str) -> Any:
        """What the draft says; of the split its defaults where the study says nothing of it."""
        if path.startswith("data.split.") and self._draft.value("data.split") is None:
            return defaults_of(SplitPlan)[path.rpartition(".")[2]]
        return self._draft.value(path)

    @staticmethod
    def _has_context(study: Study) -> bool:
        return study.uses_context or study.data.columns.context is not None

    def retranslate(self) -> None:
        """Set every word again."""
        self.set_title(self._context.translator.tr("gui.data.title"))
        self.choose_button.setText(self._context.translator.tr("gui.data.choose"))
        self._offer_columns()
        self._take_noise(self._noise)

    def _take_noise(self, noise: LabelNoise | None) -> None:
        self._noise = noise
        self.limits.setVisible(noise is not None)
        if noise is None:
            return
        where = self._context.translator.tr("gui.data.noise_where", suspected=noise.suspected)
        self.limits.setText(f"{noise_sentence(self._context.translator, noise)} {where}")

    def _fetch_columns(self, base: Path, text: str) -> None:
        if (base, text) != self._columns_of:
            self._columns_of = (base, text)
            # Resolved there too: a path may name an environment variable that is not set.
            self._context.background.submit(
                lambda: read_columns(resolve_path(base, text)), self._take_columns, self._no_columns
            )

    def _take_columns(self, names: list[str]) -> None:
        self._names = names
        self._offer_columns()

    def _no_columns(self, error: Exception) -> None:
        self._columns_of = None
        self.trouble.emit(words_of_error(error))

    def _offer_columns(self) -> None:
        for path, row in [*self.columns.rows.items(), *self.split.rows.items()]:
            if isinstance(row.editor, WordsEditor):
                row.editor.offer(self._names)
            elif isinstance(row.editor, ChoiceEditor) and not row.spec.choices:
                nothing = [(None, self._context.translator.tr("gui.data.no_column"))] if row.spec.optional else []
                row.editor.set_options([*nothing, *((name, name) for name in self._names)])
                row.editor.set_value(self._value(path))
