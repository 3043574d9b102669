"""The worker process: one job from its folder, events out, an exit code that tells the launcher how it ended."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

from core.domain import JobKind
from core.errors import UserError
from core.events import Failed, Finished
from core.i18n import Value, english, stored_values
from core.jobs.folder import LOG_FILE, read_spec
from core.jobs.lifecycle import UNWRITABLE_EXIT
from core.jobs.results import ResultModel
from core.lazy import load
from core.worker.channel import EventChannel, StopWatch, WorkerContext
from core.worker.context import Stopped
from core.worker.memory_errors import means_out_of_memory

DONE_EXIT = 0
FAILED_EXIT = 1
STOPPED_EXIT = 3

# Loaded by name when the job is known, so that a study of predictions never touches torch.
HANDLERS: dict[JobKind, str] = {
    JobKind.PREPARE: "core.data.prepare",
    JobKind.PROFILE: "core.engines.profile.job",
    JobKind.FINE_TUNE: "core.engines.fine_tune",
    JobKind.DISTILL: "core.engines.distill.job",
    JobKind.COMPRESS: "core.engines.compress.job",
    JobKind.LABEL: "core.engines.language.label_job",
    JobKind.SWEEP: "core.engines.sweep.job",
    JobKind.BENCHMARK: "core.engines.benchmark.job",
    JobKind.CHECK: "core.engines.checking.job",
    JobKind.JUDGE: "core.engines.judging.job",
    JobKind.LOAD: "core.engines.load.job",
    JobKind.ROUTE: "core.routing.job",
    JobKind.INDEX: "core.engines.retrieval.job",
    JobKind.SUITE: "core.engines.suites.job",
}
_LOCK_WAIT_S = 120
_MIB = 1024 * 1024


def main() -> int:
    """Do the job of the folder named on the command line; the exit code."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m core.worker JOB_FOLDER\n")
        return 2
    folder = Path(sys.argv[1])
    stop = StopWatch()
    stop.start()
    mirror = _claim_stdout(folder)
    spec = read_spec(folder)
    # A predecessor whose parent was killed may still be writing its last checkpoint.
    with FileLock(folder / "worker.lock", timeout=_LOCK_WAIT_S):
        channel = EventChannel(spec.job_id, folder, mirror)
        context = WorkerContext(spec, folder, channel, stop)
        try:
            return _work(context, channel, stop)
        except OSError:
            traceback.print_exc()
            return UNWRITABLE_EXIT
        finally:
            channel.close()


def _claim_stdout(folder: Path) -> IO[bytes]:
    """The real stdout for events alone; what libraries print goes to the job's log file."""
    mirror = os.fdopen(os.dup(1), "wb", buffering=0)
    log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    return mirror


def _work(context: WorkerContext, channel: EventChannel, stop: StopWatch) -> int:
    try:
        handler: Callable[[Any, WorkerContext], ResultModel] = load(HANDLERS[context.spec.kind]).run
        result = handler(context.spec.parameters, context)
    except Stopped:
        state = "cancelled" if stop.cancelled else "interrupted"
        _fail(channel, state, f"job.{state}", step=context.step, total_steps=context.total_steps)
        return STOPPED_EXIT
    except UserError as error:
        input_error = context.spec.kind is JobKind.PREPARE
        channel.send(
            Failed,
            state="failed",
            code=error.code,
            values=stored_values(error.values),
            text=str(error.text),
            input_error=input_error,
        )
        return FAILED_EXIT
    except Exception as error:
        _report_bug(channel, context.folder, error)
        return FAILED_EXIT
    channel.send(Finished, result=result.model_dump(mode="json"))
    return DONE_EXIT


def _report_bug(channel: EventChannel, folder: Path, error: Exception) -> None:
    trace = traceback.format_exc()
    sys.stderr.write(trace)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        free = shutil.disk_usage(folder).free // _MIB
        _fail(channel, "failed", "disk.full", path=str(error.filename or folder), needed_mib=max(64, 256 - free))
    elif means_out_of_memory(error):
        _fail(channel, "failed", "job.out_of_memory")
    else:
        problem = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        text = str(english("job.bug", problem=problem))
        channel.send(Failed, state="failed", code="job.bug", values={"problem": problem}, text=text, traceback=trace)


def _fail(channel: EventChannel, state: str, code: str, **values: Value) -> None:
    channel.send(Failed, state=state, code=code, values=stored_values(values), text=str(english(code, **values)))


if __name__ == "__main__":
    sys.exit(main())
