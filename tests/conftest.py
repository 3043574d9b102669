"""Fixtures for every test: no network, no display, and nothing left behind."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TERCET_CHECKPOINT_SECONDS", "5")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers share the cores

import hypothesis
import psutil
import pytest
from PySide6.QtCore import QAbstractEventDispatcher, QCoreApplication, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("tercet", deadline=None)
hypothesis.settings.load_profile("tercet")

# What the offscreen platform says of itself, not of our windows.
_PLATFORM_WORDS = ("This plugin does not support", "propagateSizeHints")
_MOMENT_S = 2.0


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The public data for tests; skips where it is absent."""
    named = os.environ.get("TERCET_DATA")
    if not named:
        pytest.skip("the environment variable TERCET_DATA names no folder of public data")
    folder = Path(named)
    if not folder.is_dir():
        pytest.skip(f"TERCET_DATA: there is no folder {folder}")
    return folder


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests neither read nor change the settings of the person who runs them."""
    monkeypatch.setenv("TERCET_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))


@pytest.fixture(autouse=True)
def _no_qt_warnings() -> Iterator[None]:
    """A Qt warning fails the test that caused it."""
    messages: list[str] = []

    def collect(kind: QtMsgType, _context: object, text: str) -> None:
        if kind is not QtMsgType.QtDebugMsg and kind is not QtMsgType.QtInfoMsg:
            messages.append(text)

    previous = qInstallMessageHandler(collect)
    yield
    qInstallMessageHandler(previous)
    bad = [text for text in messages if not any(word in text for word in _PLATFORM_WORDS)]
    assert not bad, f"Qt warned: {bad}"


@pytest.fixture(autouse=True)
def _no_logged_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A logged warning fails the test, unless the test looks at it and clears `caplog`."""
    yield
    bad = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert not bad, f"logged: {bad}"


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """A thread, timer or process that outlives its test fails it, with its name."""
    threads = set(threading.enumerate())
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left_threads = _left_threads(threads)
    assert not left_threads, f"threads left behind: {left_threads}"
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in children]
    names = [" ".join(child.cmdline()) for child in left if child.is_running() and child.status() != "zombie"]
    names = [name for name in names if "resource_tracker" not in name]
    assert not names, f"processes left behind: {names}"
    assert not _timers(), "a timer of the application outlived its test"


@pytest.fixture(autouse=True)
def _empty_clipboard() -> Iterator[None]:
    """The offscreen platform crashes at the end of the process while its clipboard still holds something."""
    yield
    if isinstance(QCoreApplication.instance(), QGuiApplication):
        QGuiApplication.clipboard().clear()


def _left_threads(before: set[threading.Thread]) -> list[str]:
    """The names of new threads; one that its library has told to end has a moment to do so."""
    started = [thread for thread in threading.enumerate() if thread not in before and not _pooled(thread)]
    deadline = time.monotonic() + _MOMENT_S
    for thread in started:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread.name for thread in started if thread.is_alive()]


def _pooled(thread: threading.Thread) -> bool:
    """Threads that libraries keep for the life of the process, and that do nothing by themselves."""
    return thread.name.startswith(("pin_memory", "Dummy-", "tqdm", "ThreadPoolExecutor-joblib"))


def _timers() -> int:
    application = QCoreApplication.instance()
    dispatcher = QAbstractEventDispatcher.instance()
    if application is None or dispatcher is None:
        return 0
    return len(dispatcher.registeredTimers(application))
