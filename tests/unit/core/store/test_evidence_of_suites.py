from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest
from tiny_language_models import write_language_model

from core.domain import JobState
from core.jobs import suite_jobs
from core.jobs.results import SuiteResult
from core.jobs.session import StudySession
from core.lazy import is_installed
from core.store import StudyStore, writes
from core.study_file import parse_study

STUDY = """
version: 1
name: With suites
task: {kind: generation, metric: exact_match}
data: {files: {test: rows.csv}}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
suites: [{task: boolq}, {task: arc_easy}]
candidates: [{name: plain, role: student, model: {source: local, path: model}}]
"""


def test_finished_suites_are_evidence_and_no_cost_of_making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "0.4.13")
    monkeypatch.setattr(suite_jobs, "is_installed", lambda name: name == "lm_eval" or is_installed(name))
    write_language_model(tmp_path / "model")
    (tmp_path / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    with StudyStore.create(tmp_path / "a.tercet", parse_study(STUDY, "s"), tmp_path, STUDY) as store:
        StudySession(store).sync()
        job_id = store.candidate_jobs()["plain"]["suite:boolq"]
        result = SuiteResult(task="boolq", metrics=(), limit=None, library="lm-eval", device="CPU", seconds=5.0)
        with store.writing() as connection:
            writes.put_result(connection, job_id, result.model_dump(mode="json"))
            writes.update_job(connection, job_id, state=JobState.SUCCEEDED.value)
        (candidate,) = store.evidence().candidates
        assert candidate.suites == (result,)
        assert candidate.making_seconds == ()
