"""A benchmark that is killed in its quality pass: at most one batch is answered again, and the answers are the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import environment
from floor import rows, trained

from core.data.examples import write_examples
from core.data.predictions import FILE_NAME
from core.domain import Split
from core.jobs.folder import EVENTS_FILE, write_spec
from core.jobs.specs import BenchmarkParameters, JobSpec
from core.spec import Task

BATCH_ROWS, BATCHES = 32, 8
# The worker itself, but that each batch which its model has answered is written down, and that it stands still at a
# named place when it has answered so many, so that the kill falls there.
WORKER = """
import os, time
from pathlib import Path
from core.engines.benchmark import quality
from core.engines.benchmark.answering import LabelAnswers
from core.worker.__main__ import main
answered, append = LabelAnswers.answer, quality._append
note, place, count = Path(os.environ["ANSWERED"]), os.environ["HALT_AT"], int(os.environ["HALT_COUNT"])

def halt(at):
    if at == place and len(note.read_text().splitlines()) == count:
        note.with_name("halted").touch()
        time.sleep(600)

def answer(self, examples, tokens):
    predictions = answered(self, examples, tokens)
    with note.open("a") as stream:
        stream.write(" ".join(example.example_id for example in examples) + "\\n")
    halt("answered")
    return predictions

def appended(stream, predictions):
    halt("handed over")
    append(stream, predictions[: len(predictions) // 2])
    halt("half written")
    append(stream, predictions[len(predictions) // 2 :])

LabelAnswers.answer, quality._append = answer, appended
raise SystemExit(main())
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a floor that was trained, and the rows that it is asked."""
    folder = tmp_path_factory.mktemp("jobs")
    trained(folder / "training", rows(120, noise=0.2))
    (folder / "training" / "job").rename(folder / "model")
    (folder / "data").mkdir()
    write_examples(folder / "data", rows(BATCH_ROWS * BATCHES, noise=0.3, seed=2, split=Split.TEST))
    return folder


def benchmark(jobs: Path, name: str) -> Path:
    """The folder of a benchmark that nobody has begun."""
    parameters = BenchmarkParameters(task=Task(kind="classification", metric="accuracy"), quality_only=True)
    write_spec(jobs / name, JobSpec(job_id=name, parameters=parameters, inputs={"data": "data", "model": "model"}))
    return jobs / name


def start(job: Path, halt_at: str = "", halt_count: int = 0) -> subprocess.Popen[bytes]:
    notes = {"ANSWERED": str(job / "answered"), "HALT_AT": halt_at, "HALT_COUNT": str(halt_count)}
    command = [sys.executable, "-c", WORKER, str(job)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment(**notes))


def finish(job: Path) -> bytes:
    """Run the worker to its end; the predictions, byte by byte."""
    with start(job) as worker:
        assert worker.wait(timeout=120) == 0, (job / "worker.log").read_text(encoding="utf-8")
    return (job / FILE_NAME).read_bytes()


def kill_when_halted(job: Path, halt_at: str, halt_count: int) -> None:
    """Kill the worker at a place in the batch that is the so-manyth which was answered, by all workers together."""
    deadline, halted = time.monotonic() + 120, job / "halted"
    with start(job, halt_at, halt_count) as worker:
        while not halted.exists():
            assert worker.poll() is None, (job / "worker.log").read_text(encoding="utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.02)
        worker.kill()
    halted.unlink()
    assert not (job / FILE_NAME).exists()


def resumed_steps(job: Path) -> list[int]:
    """How many rows each worker found answered, in their order."""
    found = [json.loads(line) for line in (job / EVENTS_FILE).read_text(encoding="utf-8").splitlines()]
    return [event["resumed_step"] for event in found if event["type"] == "started"]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_each_kill_costs_a_benchmark_at_most_the_batch_it_falls_into_and_the_predictions_are_the_same(
    jobs: Path,
) -> None:
    undisturbed = finish(benchmark(jobs, "undisturbed"))
    job = benchmark(jobs, "killed")
    kill_when_halted(job, "answered", 3)
    kill_when_halted(job, "handed over", 5)
    kill_when_halted(job, "half written", 7)
    assert finish(job) == undisturbed
    batches = (job / "answered").read_text(encoding="utf-8").splitlines()
    once = list(dict.fromkeys(batches))
    assert len(once) == BATCHES
    assert batches == [*once[:3], once[2], once[3], once[3], once[4], *once[4:]]
    assert resumed_steps(job) == [0, 2 * BATCH_ROWS, 3 * BATCH_ROWS, 4 * BATCH_ROWS + BATCH_ROWS // 2]
