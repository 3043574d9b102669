"""Forms in tests: the words that their fields need, and the Study page on a study of texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pytestqt.qtbot import QtBot
from window_support import open_in

from core.i18n import catalogue
from core.store import StudyStore
from core.study_file import load_study
from gui.app import Application
from gui.pages.study import StudyPage
from gui.widgets.fields import FieldKind, FieldSpec

TEXT_STUDY = """
version: 1
name: Own data
task: {kind: generation, metric: exact_match}
data: {file: rows.csv, columns: {input: text, target: label}, split: {test: 0.25, calibration: 0.25}}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates: [{name: big, role: student, model: {source: hub, id: org/model}}]
"""
_EMPTY_TEXT = (
    FieldKind.TEXT, FieldKind.NUMBER, FieldKind.INTEGER, FieldKind.INTEGERS, FieldKind.NUMBERS, FieldKind.PATH,
)  # fmt: skip


def missing_words(specs: Iterable[FieldSpec], language: str) -> list[str]:
    """The codes that a form of these fields shows and that a language has no words for."""
    words = catalogue(language)
    return [code for spec in specs for code in _codes_of(spec) if code not in words]


def _codes_of(spec: FieldSpec) -> Iterator[str]:
    code = f"field.{spec.path}"
    yield from (code, f"{code}.help")
    yield from (f"{code}.{choice}" for choice in spec.choices)
    if spec.kind is FieldKind.FLAG:
        yield f"{code}.yes"
    if spec.optional and spec.kind in _EMPTY_TEXT:
        yield f"{code}.empty"
    if spec.presentation.unit is not None:
        yield f"gui.unit.{spec.presentation.unit}"


def store_of(folder: Path, text: str) -> Path:
    """A `.tercet` file of a study in which nothing has run."""
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    loaded = load_study(folder / "study.yaml")
    path = folder / "own.tercet"
    StudyStore.create(path, loaded.study, loaded.base, loaded.text).close()
    return path


def open_page(qtbot: QtBot, application: Application, folder: Path, text: str = TEXT_STUDY) -> StudyPage:
    """The Study page with a study open."""
    open_in(qtbot, application, store_of(folder, text))
    return application.window.study_page
