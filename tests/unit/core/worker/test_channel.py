"""The worker's events: numbered across attempts, whole lines only, durable before they are acknowledged."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from core.events import Log, Progress, Started, from_line
from core.jobs.folder import EVENTS_FILE
from core.worker.channel import EventChannel


def sequences(folder: Path) -> list[int]:
    return [from_line(line).sequence for line in (folder / EVENTS_FILE).read_bytes().splitlines()]


def test_events_go_to_the_log_and_to_the_parent_alike(tmp_path: Path) -> None:
    mirror = io.BytesIO()
    channel = EventChannel("j", tmp_path, mirror)
    channel.send(Log, level="info", text="one")
    channel.send(Log, level="info", text="two")
    channel.close()
    assert (tmp_path / EVENTS_FILE).read_bytes() == mirror.getvalue()
    assert sequences(tmp_path) == [1, 2]


def test_next_attempt_goes_on_counting(tmp_path: Path) -> None:
    first = EventChannel("j", tmp_path, None)
    first.send(Started, attempt=first.attempt, pid=1, device="cpu")
    first.close()
    second = EventChannel("j", tmp_path, None)
    second.send(Started, attempt=second.attempt, pid=1, device="cpu")
    second.close()
    assert (first.attempt, second.attempt) == (1, 2)
    assert sequences(tmp_path) == [1, 2]


def test_torn_line_of_a_killed_worker_is_cut_off(tmp_path: Path) -> None:
    first = EventChannel("j", tmp_path, None)
    first.send(Log, level="info", text="whole")
    first.close()
    with (tmp_path / EVENTS_FILE).open("ab") as file:
        file.write(b'{"type":"log","job_id":"j","sequ')
    second = EventChannel("j", tmp_path, None)
    second.send(Log, level="info", text="after")
    second.close()
    assert sequences(tmp_path) == [1, 2]


def test_parent_that_is_gone_does_not_end_the_job(tmp_path: Path) -> None:
    class Broken(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, _data: object) -> int:
            raise BrokenPipeError

    channel = EventChannel("j", tmp_path, Broken())  # type: ignore[arg-type]
    channel.send(Log, level="info", text="one")
    channel.send(Log, level="info", text="two")
    channel.close()
    assert sequences(tmp_path) == [1, 2]


def test_figure_that_is_no_number_never_reaches_the_log(tmp_path: Path) -> None:
    channel = EventChannel("j", tmp_path, None)
    channel.send(Progress, phase="phase.read", step=1, total_steps=2, remaining_s=float("nan"))
    channel.close()
    assert b"NaN" not in (tmp_path / EVENTS_FILE).read_bytes()


def test_line_that_is_no_event_is_refused() -> None:
    with pytest.raises(ValueError, match="type"):
        from_line(b'{"type": "gossip"}')
