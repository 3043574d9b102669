from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from core.domain import LogLine
from gui.models.log import LEVEL_ROLE, MAX_LINES, LogModel

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def lines(first: int, count: int) -> list[LogLine]:
    return [LogLine(number, AT, "info", f"line {number}") for number in range(first, first + count)]


@pytest.fixture
def model(qapp: QApplication) -> Iterator[LogModel]:
    made = LogModel()
    tester = QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Warning)
    yield made
    tester.deleteLater()


def test_lines_already_shown_are_not_added_again(model: LogModel) -> None:
    model.append(lines(1, 3))
    model.append(lines(2, 3))
    assert [line.split()[-1] for line in model.text().splitlines()] == ["1", "2", "3", "4"]
    assert model.last_sequence == 4


def test_the_oldest_lines_give_way(model: LogModel) -> None:
    model.append(lines(1, MAX_LINES))
    model.append(lines(MAX_LINES + 1, 10))
    assert model.rowCount() == MAX_LINES
    assert model.index(0, 0).data().endswith("line 11")


def test_a_line_tells_its_level(model: LogModel) -> None:
    model.append([LogLine(1, AT, "error", "bad")])
    assert model.index(0, 0).data(LEVEL_ROLE) == "error"


def test_clearing_begins_anew(model: LogModel) -> None:
    model.append(lines(5, 2))
    model.clear()
    model.append(lines(1, 1))
    assert model.rowCount() == 1
