from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest
from pytestqt.qtbot import QtBot

from core.errors import UserError
from gui.jobs.background import Background


@pytest.fixture
def background(qtbot: QtBot) -> Iterator[Background]:
    made = Background()
    yield made
    made.close()


def test_outcomes_arrive_on_the_ui_thread_in_the_order_of_submission(qtbot: QtBot, background: Background) -> None:
    seen: list[tuple[int, bool]] = []
    here = threading.current_thread()
    for number in range(20):
        background.submit(
            partial(abs, number), lambda result: seen.append((result, threading.current_thread() is here))
        )
    qtbot.waitUntil(lambda: len(seen) == 20)
    assert seen == [(number, True) for number in range(20)]


def test_operations_never_overlap(qtbot: QtBot, background: Background) -> None:
    inside: list[int] = []
    most: list[int] = []

    def operation() -> None:
        inside.append(1)
        most.append(len(inside))
        inside.pop()

    for _ in range(50):
        background.submit(operation, lambda _none: None)
    qtbot.waitUntil(lambda: not background.busy)
    assert most == [1] * 50


def test_a_long_computation_holds_up_no_operation(qtbot: QtBot, background: Background) -> None:
    allowed, seen = threading.Event(), list[str]()
    background.compute(lambda: allowed.wait(30), lambda _none: seen.append("computed"))
    background.submit(lambda: None, lambda _none: seen.append("operation"))
    qtbot.waitUntil(lambda: seen == ["operation"])
    assert background.busy
    allowed.set()
    qtbot.waitUntil(lambda: seen == ["operation", "computed"])
    assert not background.busy


def test_a_refusal_reaches_the_failure_branch(qtbot: QtBot, background: Background) -> None:
    refusal = UserError("store.exists", path="x")
    caught: list[Exception] = []

    def refuse() -> None:
        raise refusal

    background.submit(refuse, lambda _none: caught.append(AssertionError("done")), caught.append)
    qtbot.waitUntil(lambda: bool(caught))
    assert caught == [refusal]


def test_a_bug_without_a_failure_branch_is_announced_and_logged(
    qtbot: QtBot, background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with qtbot.waitSignal(background.failed_unhandled) as told:
        background.submit(fail, lambda _none: None)
    assert isinstance(told.args[0], ZeroDivisionError)
    assert any(record.exc_info for record in caplog.records)
    caplog.clear()


def test_nothing_is_delivered_after_closing(qtbot: QtBot) -> None:
    background = Background()
    seen: list[object] = []
    background.submit(lambda: 1, seen.append)
    background.close()
    background.submit(lambda: 2, seen.append)
    qtbot.wait(50)
    assert seen == []


def test_closing_waits_for_no_computation_that_has_not_begun(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    background = Background()
    begun, told_to_end = threading.Event(), threading.Event()
    ran: list[str] = []

    def first() -> None:
        begun.set()
        told_to_end.wait(30)
        ran.append("first")

    shutdown = background._computer.shutdown

    def then_let_it_end(**options: bool) -> None:
        begun.wait(30)
        if not options["wait"]:
            shutdown(**options)
            told_to_end.set()
        shutdown(wait=True)

    monkeypatch.setattr(background._computer, "shutdown", then_let_it_end)
    background.compute(first, lambda _none: None)
    background.compute(lambda: ran.append("second"), lambda _none: None)
    background.submit(lambda: ran.append("write"), lambda _none: None)
    background.close()
    assert sorted(ran) == ["first", "write"]
