"""What endpoints will cost, told on the page Runs before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from form_support import store_of
from pytestqt.qtbot import QtBot
from sample_studies import ASKED_ELSEWHERE
from window_support import open_in

from gui.app import Application
from gui.pages.runs import RunsPage

STUDY = (
    ASKED_ELSEWHERE
    + """\
  - {name: big, role: teacher, model: {source: endpoint, base_url: 'http://127.0.0.1:1/v1', model: m, max_requests: 5}}
"""
)


def runs_of(qtbot: QtBot, application: Application, folder: Path, text: str) -> RunsPage:
    rows = "".join(f"row number {row},{row}\n" for row in range(40))
    (folder / "rows.csv").write_text(f"text,target\n{rows}", encoding="utf-8")
    open_in(qtbot, application, store_of(folder, text))
    application.window.show_page("runs")
    page = application.window.pages["runs"]
    assert isinstance(page, RunsPage)
    return page


def priced(qtbot: QtBot, page: RunsPage) -> tuple[str, str]:
    told: list[tuple[str, str]] = []
    page.message.connect(lambda level, words: told.append((level, words(page.context.translator))))
    page.price_button.click()
    assert not page.price_button.isEnabled()  # one question at a time
    qtbot.waitUntil(lambda: bool(told), timeout=30_000)
    assert page.price_button.isEnabled()
    return told[0]


def test_requests_and_money_are_told_with_the_cap_that_refuses_them(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    page = runs_of(qtbot, application, tmp_path, STUDY)
    level, text = priced(qtbot, page)
    assert level == "warn"
    assert "20 requests" in text
    assert "€" in text
    assert "The limit “Most requests” would refuse the job “Measure big”." in text


def test_a_run_within_its_caps_is_only_priced(qtbot: QtBot, application: Application, tmp_path: Path) -> None:
    page = runs_of(qtbot, application, tmp_path, STUDY.replace("max_requests: 5", "max_requests: 5000"))
    level, text = priced(qtbot, page)
    assert level == "info"
    assert "refused" not in text


def test_what_cannot_be_priced_says_why(
    qtbot: QtBot, application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = runs_of(qtbot, application, tmp_path, STUDY)
    (tmp_path / "rows.csv").unlink()
    level, text = priced(qtbot, page)
    assert level == "bad"
    assert "rows.csv" in text


def test_a_study_without_endpoints_has_nothing_to_price(qtbot: QtBot, open_study: Application) -> None:
    open_study.window.show_page("runs")
    page: Any = open_study.window.pages["runs"]
    assert not page.price_button.isVisible()
