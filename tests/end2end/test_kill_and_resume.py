"""Kills in the middle of distillation: nothing is lost, nothing is left behind, and the weights come out the same."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
from command_line import start_tercet, tercet, workers
from tiny_models import write_body

from core.domain import JobKind
from core.store import StudyStore

STUDY = """
version: 1
name: Kill
task: {kind: classification, metric: accuracy}
data: {file: rows.csv, split: {test: 0.25, calibration: 0.0}}
criteria: {cost: {monthly_requests: 1000, value_per_success: 0.01}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates:
  - name: big
    role: teacher
    model: {source: local, path: encoder}
    train: {method: fine_tune, epochs: 1, max_length: 16}
  - name: small
    role: student
    model: {source: teacher, layers: 1}
    train: {method: distill, epochs: 60, batch_size: 8, max_length: 16}
"""
LABELS = {"lost": "my lost", "rate": "interest rate now", "money": "money back", "help": "please help"}


def write_study(folder: Path) -> Path:
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "target"])
        for row in range(160):
            label = list(LABELS)[row % len(LABELS)]
            writer.writerow([f"{LABELS[label]} number {row * 37 % 101} of {row}", label])
    write_body(folder / "encoder")
    path = folder / "study.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def distil_job(store: Path) -> dict[str, object]:
    jobs = json.loads(tercet("status", store, "--json").stdout)["jobs"]
    job: dict[str, object] = next(job for job in jobs if job["kind"] == "distill")
    return job


def weights_of(path: Path) -> str:
    with StudyStore.open(path, write=False) as store:
        job = next(job for job in store.jobs() if job.kind is JobKind.DISTILL)
    folder = path.with_name(path.name + ".d") / "jobs" / job.job_id / "model"
    return sha256((folder / "model.safetensors").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study whose teacher is trained and whose student is not."""
    folder = tmp_path_factory.mktemp("trained")
    done = tercet("run", write_study(folder), "--study", folder / "s.tercet", "--only", "fine_tune")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> str:
    folder = tmp_path_factory.mktemp("undisturbed") / "study"
    shutil.copytree(trained, folder)
    done = tercet("run", folder / "study.yaml", "--study", folder / "s.tercet", "--only", "distill")
    assert done.returncode == 0, done.stderr
    return weights_of(folder / "s.tercet")


def wait_for_checkpoint(store: Path, process: subprocess.Popen[str]) -> None:
    """Until the distillation has written a checkpoint and goes on."""
    jobs = store.with_name(store.name + ".d") / "jobs"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        for events in jobs.glob("*/events.jsonl"):
            spec = (events.parent / "spec.json").read_text(encoding="utf-8")
            if '"distill"' in spec and b'"type":"checkpoint"' in events.read_bytes():
                return
        time.sleep(0.02)
    pytest.fail("the distillation wrote no checkpoint before it ended")


def kill_worker(store: Path, process: subprocess.Popen[str]) -> None:
    for worker in workers(store.parent):
        worker.kill()
    process.wait(timeout=60)


def kill_command(_store: Path, process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(timeout=60)


def terminate_command(_store: Path, process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)


@pytest.mark.parametrize("strike", [kill_worker, kill_command, terminate_command])
def test_killed_distillation_resumes_and_ends_with_the_same_weights(
    tmp_path: Path, trained: Path, undisturbed: str, strike: Callable[[Path, subprocess.Popen[str]], None]
) -> None:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    study, store = tmp_path / "study.yaml", tmp_path / "s.tercet"
    process = start_tercet("run", study, "--study", store, "--only", "distill")
    wait_for_checkpoint(store, process)
    strike(store, process)
    _, alive = psutil.wait_procs(workers(tmp_path), timeout=30)
    assert not alive, "a worker was left behind"
    interrupted = distil_job(store)
    assert interrupted["state"] == "interrupted"
    done = tercet("run", study, "--study", store, "--only", "distill")
    assert done.returncode == 0, done.stderr
    events = (store.with_name(store.name + ".d") / "jobs" / str(interrupted["id"]) / "events.jsonl").read_text()
    starts = [json.loads(line) for line in events.splitlines() if '"type":"started"' in line]
    assert starts[-1]["resumed_step"] > 0
    assert weights_of(store) == undisturbed
