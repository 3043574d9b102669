from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from decided_study import evidence
from page_context import MemoryDocument, PageWorld, decided_once
from PySide6.QtCore import Qt, QUrl
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox
from pytestqt.qtbot import QtBot

from core.report.write import FORMATS
from gui.jobs import stored_decision
from gui.jobs.stored_decision import StoredDecision
from gui.pages.decide import DecidePage
from gui.pages.report import ReportPage


class Opened:
    """Keeps what the page asked the desktop to open."""

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self.answer = True

    def __call__(self, url: QUrl) -> bool:
        self.paths.append(Path(url.toLocalFile()))
        return self.answer


@pytest.fixture
def world(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PageWorld]:
    monkeypatch.setattr(stored_decision, "decide", decided_once)
    made = PageWorld(qapp, evidence(), tmp_path / "study.tercet")
    yield made
    made.close()


@pytest.fixture
def opened() -> Opened:
    return Opened()


@pytest.fixture
def page(qtbot: QtBot, world: PageWorld, opened: Opened) -> ReportPage:
    made = ReportPage(world.context, StoredDecision(world.context.document), open_url=opened)
    world.theme.dress()
    qtbot.addWidget(made)
    made.resize(1096, 752)
    made.show()
    qtbot.waitUntil(lambda: made.stored.decided is not None, timeout=60_000)
    return made


def export(qtbot: QtBot, page: ReportPage) -> None:
    page.main_button.click()
    assert not page.main_button.isEnabled()
    qtbot.waitUntil(page.main_button.isEnabled, timeout=60_000)
    assert page.options.open_folder_button.isVisible()


def test_the_preview_says_what_the_report_will_say(page: ReportPage) -> None:
    decided = page.stored.decided
    assert decided is not None
    model = page.preview.table.cells

    assert page.preview.headline.text() in page.sentence.text()
    assert [model.cell(row, 0).text for row in range(model.rowCount())] == [
        candidate.name for candidate in decided.decision.candidates
    ]
    assert page.preview.reasons.texts()


def test_only_formats_that_exist_are_offered(page: ReportPage) -> None:
    assert tuple(page.options.boxes) == FORMATS


def test_export_writes_every_chosen_format_beside_the_study(qtbot: QtBot, page: ReportPage, tmp_path: Path) -> None:
    export(qtbot, page)
    folder = tmp_path / "report"

    assert (folder / "report.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["study"] == "Card support triage"
    assert page.options.open_button.isVisible()


def test_rows_of_the_data_stand_in_the_report_only_once_they_are_asked_for(
    qtbot: QtBot, page: ReportPage, tmp_path: Path
) -> None:
    path = tmp_path / "report" / "report.html"
    export(qtbot, page)
    assert "Where teacher and student differ most" not in path.read_text(encoding="utf-8")
    page.options.rows_box.setChecked(True)
    export(qtbot, page)
    assert "Where teacher and student differ most" in path.read_text(encoding="utf-8")
    page.options.boxes["html"].setChecked(False)
    assert not page.options.with_rows, "only a page has room for them"


def test_a_report_without_html_offers_the_folder_only(qtbot: QtBot, page: ReportPage) -> None:
    page.options.boxes["html"].setChecked(False)
    export(qtbot, page)

    assert not page.options.open_button.isVisible()


def test_without_a_format_nothing_can_be_exported(page: ReportPage) -> None:
    for box in page.options.boxes.values():
        box.setChecked(False)

    assert not page.main_button.isEnabled()
    assert page.main_button.toolTip() == "Choose at least one format."


def test_the_report_is_written_in_the_language_chosen_for_it(qtbot: QtBot, page: ReportPage, tmp_path: Path) -> None:
    page.options.languages.setCurrentIndex(page.options.languages.findData("zh_CN"))
    export(qtbot, page)

    assert 'lang="zh' in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_used_is_told_and_nothing_is_claimed(
    qtbot: QtBot, page: ReportPage, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    page.options.choose_folder(tmp_path / "taken")
    with qtbot.waitSignal(page.message, timeout=20_000) as told:
        page.main_button.click()

    assert told.args is not None
    assert told.args[0] == "bad"
    assert not page.options.open_folder_button.isVisible()
    assert page.main_button.isEnabled()


def test_open_report_and_open_folder_hand_over_to_the_desktop(
    qtbot: QtBot, page: ReportPage, opened: Opened, tmp_path: Path
) -> None:
    export(qtbot, page)
    page.options.open_button.click()
    page.options.open_folder_button.click()
    assert opened.paths == [tmp_path / "report" / "report.html", tmp_path / "report"]

    opened.answer = False
    with qtbot.waitSignal(page.message) as told:
        page.options.open_button.click()
    assert told.args is not None
    assert told.args[0] == "bad"


def test_a_chosen_folder_survives_new_results(qtbot: QtBot, page: ReportPage, world: PageWorld, tmp_path: Path) -> None:
    page.options.choose_folder(tmp_path / "elsewhere")
    before = page.stored.decided
    world.document.show(evidence(measured=("student",)))
    qtbot.waitUntil(lambda: page.stored.decided is not before, timeout=60_000)

    assert page.options.folder == tmp_path / "elsewhere"


def test_before_anything_is_measured_the_page_leads_to_runs(qtbot: QtBot, page: ReportPage, world: PageWorld) -> None:
    before = page.stored.decided
    world.document.show(evidence(measured=()))
    qtbot.waitUntil(lambda: page.stored.decided is not before, timeout=60_000)

    assert page.empty.isVisible()
    assert not page.preview.isVisible()
    with qtbot.waitSignal(page.go_to) as asked:
        page.main_button.click()
    assert asked.args == ["runs"]


def test_everything_that_takes_focus_has_a_name(page: ReportPage) -> None:
    widgets = [*page.findChildren(QAbstractButton), *page.findChildren(QComboBox)]
    focusable = [
        widget for widget in widgets if widget.isVisibleTo(page) and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
    ]

    assert len(focusable) >= 5
    for widget in focusable:
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        assert widget.accessibleName() or text


def test_two_pages_share_one_decision_and_say_that_it_is_being_made(
    qtbot: QtBot, world: PageWorld, opened: Opened
) -> None:
    stored = StoredDecision(world.context.document)
    report, decide = ReportPage(world.context, stored, open_url=opened), DecidePage(world.context, stored)
    before = cast(MemoryDocument, world.context.document).queries
    for page in (report, decide):
        qtbot.addWidget(page)
        page.show()
        assert page.sentence.text().startswith("Deciding")
        assert not page.empty.isVisible()
        assert not page.main_button.isVisible()
    qtbot.waitUntil(lambda: stored.decided is not None, timeout=60_000)
    assert cast(MemoryDocument, world.context.document).queries == before + 1
    assert not any(page.sentence.text().startswith("Deciding") for page in (report, decide))
    assert report.preview.isVisible()
    assert decide.answer.isVisible()
    qtbot.waitUntil(lambda: not decide.redecider.busy, timeout=60_000)
