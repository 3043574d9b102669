from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from decided_study import evidence
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.decide.decision import decide
from core.decide.outcome import Decision
from core.errors import UserError
from core.evidence import StudyEvidence
from gui.jobs.background import Background
from gui.jobs.redecide import Redecider

REQUESTS = "criteria.cost.monthly_requests"


class Recorded:
    """Decides for real and keeps what it was asked; holds still while `gate` is clear."""

    def __init__(self) -> None:
        self.requests: list[float] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, rows: StudyEvidence) -> Decision:
        self.gate.wait(5)
        self.requests.append(rows.study.criteria.cost.monthly_requests)
        return decide(rows)


@pytest.fixture
def background(qapp: QApplication) -> Iterator[Background]:
    made = Background(qapp)
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
def redecider(qtbot: QtBot, background: Background, recorded: Recorded) -> Redecider:
    made = Redecider(background, recorded, background)
    made.set_evidence(evidence())
    return made


def test_wishes_in_quick_succession_are_decided_once_with_the_newest(
    qtbot: QtBot, redecider: Redecider, recorded: Recorded
) -> None:
    with qtbot.waitSignal(redecider.decided, timeout=30000) as told:
        for requests in (1000, 2000, 3000):
            redecider.wish((f"{REQUESTS}={requests}",))

    assert recorded.requests == [3000]
    assert told.args is not None
    assert told.args[0].monthly_requests == 3000


def test_a_wish_made_while_deciding_replaces_the_answer_under_way(
    qtbot: QtBot, redecider: Redecider, recorded: Recorded
) -> None:
    answers: list[Decision] = []
    redecider.decided.connect(answers.append)
    recorded.gate.clear()
    redecider.wish((f"{REQUESTS}=1000",))
    qtbot.waitUntil(lambda: redecider._computing, timeout=15000)
    redecider.wish((f"{REQUESTS}=5000",))
    recorded.gate.set()
    qtbot.waitUntil(lambda: bool(answers), timeout=30000)

    assert recorded.requests == [1000, 5000]
    assert [answer.monthly_requests for answer in answers] == [5000]


def test_an_answer_on_earlier_rows_is_dropped(qtbot: QtBot, redecider: Redecider, recorded: Recorded) -> None:
    answers: list[Decision] = []
    redecider.decided.connect(answers.append)
    recorded.gate.clear()
    redecider.wish((f"{REQUESTS}=1000",))
    qtbot.waitUntil(lambda: redecider._computing, timeout=15000)
    redecider.set_evidence(evidence(measured=("teacher",)))
    recorded.gate.set()
    qtbot.waitUntil(lambda: not redecider.busy, timeout=30000)

    assert answers == []


def test_a_refused_setting_is_told_and_the_next_wish_is_decided(qtbot: QtBot, redecider: Redecider) -> None:
    with qtbot.waitSignal(redecider.failed, timeout=30000) as told:
        redecider.wish(("criteria.cost.monthly_request=1",))
    assert told.args is not None
    assert isinstance(told.args[0], UserError)

    with qtbot.waitSignal(redecider.decided, timeout=30000):
        redecider.wish((f"{REQUESTS}=1000",))
