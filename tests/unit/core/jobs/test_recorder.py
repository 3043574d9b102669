"""The recorder takes each event once, however often and in whatever pieces it reads the log."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.domain import JobState
from core.errors import UserError
from core.events import Checkpoint, Event, Failed, Log, Metric, Progress, Started, to_line
from core.i18n import english, translate, translate_text
from core.jobs.folder import EVENTS_FILE
from core.jobs.recorder import Recorder
from core.jobs.session import StudySession
from core.store import StudyStore
from core.study_file import LoadedStudy
from core.worker.channel import EventChannel, StopWatch, WorkerContext


@pytest.fixture
def session(tmp_path: Path, predictions_study: LoadedStudy) -> Any:
    loaded = predictions_study
    with StudyStore.create(tmp_path / "a.tercet", loaded.study, loaded.base, loaded.text) as store:
        session = StudySession(store)
        session.sync()
        yield session


def events_of(job_id: str) -> list[Event]:
    base: dict[str, Any] = {"job_id": job_id, "at": datetime.now(UTC)}
    return [
        Started(**base, sequence=1, attempt=1, pid=1, device="cpu"),
        Metric(**base, sequence=2, name="loss", step=1, value=0.5),
        Metric(**base, sequence=3, name="loss", step=2, value=0.25),
        Progress(**base, sequence=4, phase="phase.read", step=2, total_steps=4, remaining_s=3.0),
        Log(**base, sequence=5, level="info", text="half way"),
    ]


def write(session: StudySession, job_id: str, data: bytes) -> Path:
    folder = session.folder(job_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / EVENTS_FILE).write_bytes(data)
    return folder


def lines(events: list[Event]) -> bytes:
    return b"".join(to_line(event).encode() + b"\n" for event in events)


def test_replaying_a_log_twice_changes_nothing(session: StudySession) -> None:
    job_id = session.plan()[0].job_id
    folder = write(session, job_id, lines(events_of(job_id)))
    assert Recorder(session.store).ingest(job_id, folder) == 5
    first = (session.store.metrics(job_id, "loss"), session.store.log(job_id), session.store.job(job_id))
    assert Recorder(session.store).ingest(job_id, folder) == 0
    assert (session.store.metrics(job_id, "loss"), session.store.log(job_id), session.store.job(job_id)) == first
    assert [point.value for point in first[0]] == [0.5, 0.25]


def test_a_line_keeps_the_code_and_the_values_that_tell_it_in_other_languages(session: StudySession) -> None:
    job_id = session.plan()[0].job_id
    folder = session.folder(job_id)
    folder.mkdir(parents=True)
    reason = english("benchmark.log.reason.library", library="onnx")
    channel = EventChannel(job_id, folder, None)
    context = WorkerContext(session.plan()[0].spec, folder, channel, StopWatch())
    context.log(english("benchmark.log.no_onnx", reason=reason), "warning")
    context.log(UserError("endpoint.cap_reached", cap=10).text)
    context.log("words of a library")
    channel.close()
    Recorder(session.store).ingest(job_id, folder)
    kept, failed, plain = session.store.log(job_id)
    assert kept.text == "onnxruntime is left out: onnx is not installed"
    assert kept.code == "benchmark.log.no_onnx"
    nested = {"code": "benchmark.log.reason.library", "values": {"library": "onnx"}, "text": "onnx is not installed"}
    assert kept.values == {"reason": nested}
    assert translate_text("zh_CN", kept.code, kept.values, kept.text) == "不采用 onnxruntime：未安装 onnx"
    assert (failed.code, failed.values) == ("endpoint.cap_reached", {"cap": 10})
    assert (plain.code, plain.values, plain.text) == (None, {}, "words of a library")


def test_what_the_recorder_says_of_an_attempt_can_be_told_in_other_languages(session: StudySession) -> None:
    job_id = session.plan()[0].job_id
    base: dict[str, Any] = {"job_id": job_id, "at": datetime.now(UTC)}
    started: dict[str, Any] = {"attempt": 2, "pid": 1, "device": "CPU, 2 threads"}
    begun: list[Event] = [
        Started(**base, **started, sequence=1),
        Started(**base, **started, sequence=2, resumed_step=40),
        Checkpoint(**base, sequence=3, step=80, path="checkpoints/80"),
    ]
    Recorder(session.store).ingest(job_id, write(session, job_id, lines(begun)))
    told = session.store.log(job_id)
    assert [line.text for line in told] == [
        "attempt 2 on CPU, 2 threads",
        "attempt 2 on CPU, 2 threads, resumed from the checkpoint at step 40",
        "checkpoint at step 80",
    ]
    assert [translate_text("zh_CN", str(line.code), line.values, line.text) for line in told] == [
        "第 2 次运行（设备：CPU，2 个线程）",
        "第 2 次运行（设备：CPU，2 个线程），从第 40 步的检查点继续",
        "第 80 步的检查点",
    ]


def test_the_line_of_a_bug_keeps_its_traceback_beside_the_sentence(session: StudySession) -> None:
    job_id = session.plan()[0].job_id
    text, trace = "an error inside Tercet: KeyError: 'x'; …", "Traceback {most} recent\n  KeyError: 'x'"
    values = {"problem": "KeyError: 'x'"}
    failed = Failed(
        job_id=job_id,
        sequence=1,
        at=datetime.now(UTC),
        state="failed",
        code="job.bug",
        values=values,
        text=text,
        traceback=trace,
    )
    Recorder(session.store).ingest(job_id, write(session, job_id, lines([failed])))
    (line,) = session.store.log(job_id)
    assert line.text == f"{text}\n{trace}"
    chinese = translate_text("zh_CN", str(line.code), line.values, line.text)
    assert chinese == f"{translate('zh_CN', 'job.bug', **values)}\n{trace}"


def test_torn_last_line_waits_until_it_is_whole(session: StudySession) -> None:
    job_id = session.plan()[0].job_id
    data = lines(events_of(job_id))
    recorder = Recorder(session.store)
    folder = write(session, job_id, data[:-10])
    assert recorder.ingest(job_id, folder) == 4
    write(session, job_id, data)
    assert recorder.ingest(job_id, folder) == 1


def test_step_that_was_done_twice_stands_once_in_the_curve(session: StudySession) -> None:
    job_id = session.plan()[0].job_id
    base: dict[str, Any] = {"job_id": job_id, "at": datetime.now(UTC), "name": "loss"}
    again = [Metric(**base, sequence=6, step=2, value=0.125)]
    folder = write(session, job_id, lines([*events_of(job_id), *again]))
    Recorder(session.store).ingest(job_id, folder)
    assert [point.value for point in session.store.metrics(job_id, "loss")] == [0.5, 0.125]


def test_running_job_without_a_worker_is_marked_interrupted(session: StudySession) -> None:
    job = session.next_job()
    assert job is not None
    session.begin(job.job_id)
    write(session, job.job_id, lines(events_of(job.job_id)))
    assert StudySession(session.store).recover() == [job.job_id]
    row = session.store.job(job.job_id)
    assert row is not None
    assert row.state is JobState.INTERRUPTED
    assert "step 2 of 4" in (row.message_text or "")


def test_a_start_that_only_the_log_of_a_job_remembers_is_an_interruption_too(session: StudySession) -> None:
    job = session.plan()[0]
    write(session, job.job_id, lines(events_of(job.job_id)))
    again = StudySession(session.store)
    assert again.recover() == [job.job_id]
    assert session.next_job() is None or session.next_job() != job
    again.requeue_unfinished()
    assert again.next_job() == job


def test_interrupted_job_is_queued_again(session: StudySession) -> None:
    job = session.next_job()
    assert job is not None
    session.begin(job.job_id)
    assert session.ended(job.job_id, -9) is JobState.INTERRUPTED
    assert session.next_job() is None or session.next_job() != job
    session.requeue_unfinished()
    assert session.next_job() == job


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_worker_killed_by_the_system_is_said_to_have_lacked_memory_and_one_that_tercet_killed_is_not(
    session: StudySession,
) -> None:
    job = session.next_job()
    assert job is not None
    for killed_by_us, code in ((False, "job.killed_for_memory"), (True, "job.killed")):
        session.begin(job.job_id)
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as worker:
            worker.kill()
            exit_code = worker.wait()
        assert session.ended(job.job_id, exit_code, killed_by_us=killed_by_us) is JobState.INTERRUPTED
        row = session.store.job(job.job_id)
        assert row is not None
        assert row.message_code == code
        assert ("lack of memory" in (row.message_text or "")) is not killed_by_us
        session.requeue(job.job_id)


def test_a_worker_that_a_library_crashed_has_failed_and_the_remedy_is_told(session: StudySession) -> None:
    job = session.next_job()
    assert job is not None
    session.begin(job.job_id)
    assert session.ended(job.job_id, -int(signal.SIGILL)) is JobState.FAILED
    row = session.store.job(job.job_id)
    assert row is not None
    assert row.message_code == "job.crashed"
    assert "SIGILL" in (row.message_text or "")
    assert "install the library" in (row.message_text or "")


def test_failure_is_kept_with_its_sentence(session: StudySession) -> None:
    job = session.next_job()
    assert job is not None
    session.begin(job.job_id)
    failure = Failed(
        job_id=job.job_id, sequence=1, at=datetime.now(UTC), state="failed", code="job.out_of_memory", text="no memory"
    )
    write(session, job.job_id, lines([failure]))
    assert session.ended(job.job_id, 1) is JobState.FAILED
    row = session.store.job(job.job_id)
    assert row is not None
    assert row.message_text == "no memory"


def test_a_failed_job_stays_failed_with_its_sentence_until_someone_asks_for_it_again(session: StudySession) -> None:
    job = session.next_job()
    assert job is not None
    session.begin(job.job_id)
    session.ended(job.job_id, -int(signal.SIGSEGV))
    session.sync()
    row = session.store.job(job.job_id)
    assert row is not None
    assert (row.state, row.message_code) == (JobState.FAILED, "job.crashed")
    assert session.next_job() != job
    session.requeue_unfinished()
    assert session.next_job() == job
