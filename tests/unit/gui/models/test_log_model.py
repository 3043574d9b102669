from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from core.domain import LogLine
from gui.i18n import Translator
from gui.models.log import LEVEL_ROLE, MAX_LINES, LogModel

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def lines(first: int, count: int) -> list[LogLine]:
    return [LogLine(number, AT, "info", f"line {number}") for number in range(first, first + count)]


@pytest.fixture
def translator(qapp: QApplication) -> Iterator[Translator]:
    made = Translator(qapp, "en")
    yield made
    made.set_choice("en")
    made.deleteLater()


@pytest.fixture
def model(translator: Translator) -> Iterator[LogModel]:
    made = LogModel(translator)
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


def test_a_line_is_told_in_the_language_in_force_with_the_reason_that_is_in_it(
    translator: Translator, model: LogModel
) -> None:
    reason = {
        "code": "benchmark.log.reason.library",
        "values": {"library": "onnx"},
        "text": "onnx is not installed",
    }
    text = "onnxruntime is left out: onnx is not installed"
    model.append([LogLine(1, AT, "info", text, "benchmark.log.no_onnx", {"reason": reason})])
    changed: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last: changed.append((first.row(), last.row())))
    assert model.index(0, 0).data().endswith(f"  {text}")
    translator.set_choice("zh_CN")
    model.retranslate()
    assert changed == [(0, 0)]
    assert model.index(0, 0).data().endswith("  不采用 onnxruntime：未安装 onnx")
    assert model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole) == "不采用 onnxruntime：未安装 onnx"
    assert model.text().endswith("未安装 onnx")


def test_a_line_of_a_newer_worker_or_of_before_codes_were_kept_shows_its_english_text(
    translator: Translator, model: LogModel
) -> None:
    translator.set_choice("zh_CN")
    lines_of_others = [
        LogLine(1, AT, "info", "of a newer worker", "log.of_tomorrow", {"count": 1}),
        LogLine(2, AT, "info", "with other values", "train.log.resumed", {"epoch": 3}),
        LogLine(3, AT, "info", "of before"),
    ]
    model.append(lines_of_others)
    assert [model.index(row, 0).data().split("  ")[1] for row in range(3)] == [line.text for line in lines_of_others]
