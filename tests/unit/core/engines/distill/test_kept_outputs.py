"""Outputs of a teacher that another job of the study has computed are taken over, whole and of the same rows only."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from job_context import RecordingContext, job_context

from core.engines.distill.kept_outputs import remember_rows, rows_done, taken_over
from core.jobs.specs import DistillParameters
from core.spec import Train

NAME, STATE = "outputs.npy", "outputs.json"


def context_of(study: Path, job: str) -> RecordingContext:
    return job_context(study / job, DistillParameters(train=Train(method="distill")), {})


def outputs_of(study: Path, job: str, fingerprint: str, done: int) -> Path:
    folder = study / job / "teacher_outputs"
    folder.mkdir(parents=True)
    np.save(folder / NAME, np.arange(done))
    remember_rows(folder / NAME, folder / STATE, fingerprint, done)
    return folder


def test_whole_outputs_of_another_job_are_copied_and_outlive_it(tmp_path: Path) -> None:
    source = outputs_of(tmp_path, "first", "f", 7)
    target = tmp_path / "second" / "teacher_outputs"
    target.mkdir(parents=True)
    context = context_of(tmp_path, "second")
    assert taken_over(target / NAME, target / STATE, "f", 7, context)
    assert any("job first" in line for line in context.logs)
    (source / NAME).write_bytes(b"")
    assert np.load(target / NAME).tolist() == list(range(7))
    assert rows_done(target / NAME, target / STATE, "f") == 7


@pytest.mark.parametrize(("fingerprint", "done"), [("other", 7), ("f", 6)], ids=["of others", "unfinished"])
def test_outputs_of_others_and_unfinished_ones_are_not(tmp_path: Path, fingerprint: str, done: int) -> None:
    outputs_of(tmp_path, "first", fingerprint, done)
    target = tmp_path / "second" / "teacher_outputs"
    target.mkdir(parents=True)
    assert not taken_over(target / NAME, target / STATE, "f", 7, context_of(tmp_path, "second"))
    assert not (target / NAME).exists()


def test_outputs_that_go_away_meanwhile_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs_of(tmp_path, "first", "f", 7)
    target = tmp_path / "second" / "teacher_outputs"
    target.mkdir(parents=True)
    copy = shutil.copyfile

    def gone(source: Path, to: Path) -> None:
        source.unlink()
        copy(source, to)

    monkeypatch.setattr(shutil, "copyfile", gone)
    assert not taken_over(target / NAME, target / STATE, "f", 7, context_of(tmp_path, "second"))
