"""Work off the UI thread: short operations one after the other, the only way by which the window reaches the database,
and beside them what takes long to work out and needs no database, such as a decision."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from core.errors import UserError

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Operation:
    """What to run off the UI thread, and the two branches that receive its outcome on the UI thread."""

    run: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[Exception], None] | None = None


class Background(QObject):
    """One thread for short operations and one for long computations, so that a page of rows never waits for a decision.

    Outcomes arrive on the thread that this object lives on, those of one kind in the order of submission.

    `failed_unhandled` carries the exception of an operation without a failure branch.
    """

    failed_unhandled = Signal(object)
    _finished = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tercet-background")
        self._computer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tercet-computing")
        self._closed = False
        self._pending = 0
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether an operation's outcome is still to come."""
        return self._pending > 0

    def submit(
        self,
        run: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Run `run` off the UI thread, then `done(result)` or `failed(error)` on it. Ignored after `close`."""
        self._submit(self._executor, Operation(run, done, failed))

    def compute(
        self,
        run: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """As `submit`, beside it: for what takes long. `run` must not touch the database."""
        self._submit(self._computer, Operation(run, done, failed))

    def close(self) -> None:
        """Wait for the operations in progress and those that may write; computations that have not begun are dropped,
        and so are outcomes not yet delivered."""
        self._closed = True
        self._computer.shutdown(wait=False, cancel_futures=True)
        self._executor.shutdown(wait=True)
        self._computer.shutdown(wait=True)

    def _submit(self, executor: ThreadPoolExecutor, operation: Operation) -> None:
        if not self._closed:
            self._pending += 1
            executor.submit(self._run, operation)

    def _run(self, operation: Operation) -> None:
        result: object = None
        error: Exception | None = None
        try:
            result = operation.run()
        except UserError as refusal:
            error = refusal
        except Exception as bug:  # delivered to the failure branch on the UI thread
            logger.exception("a background operation failed")
            error = bug
        self._finished.emit(operation, result, error)

    def _deliver(self, operation: Operation, result: object, error: Exception | None) -> None:
        self._pending -= 1
        if self._closed:
            return
        if error is None:
            operation.done(result)
        elif operation.failed is not None:
            operation.failed(error)
        else:
            self.failed_unhandled.emit(error)
