"""The plan of a study whose answers are judged: what runs again after an edit, and what must be there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from planned_study import planned
from tiny_documents import write_documents

from core.domain import JobKind
from core.errors import UserError
from core.jobs import preflight
from core.jobs.plan import Plan
from core.jobs.specs import BenchmarkParameters, JudgeParameters, PrepareParameters
from core.study_file import parse_study

STUDY = """
version: 1
name: Judged
task:
  kind: generation
  metric: judge
  prompt: "{passage} {text}"
  judge: {model: {source: endpoint, base_url: 'http://judge/v1', model: strict}, profile: vendor}
data: {file: rows.csv}
criteria: {cost: {monthly_requests: 1000}}
profiles:
  vendor: {kind: api, price: {per_million_requests: 900, source: offer, as_of: 2026-10-01}}
  own: {kind: self_hosted, capex: 6000}
candidates:
  - {name: big, role: teacher, profile: vendor, model: {source: endpoint, base_url: 'http://big/v1', model: big}}
  - {name: other, role: student, profile: vendor, model: {source: endpoint, base_url: 'http://big/v1', model: mini}}
  - {name: both, role: hybrid, teacher: big, student: other}
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("text,target,passage\na,x,p\nb,y,q\n", encoding="utf-8")
    (tmp_path / "big.csv").write_text("id,input,target,output\n1,a,x,x\n2,b,y,x\n", encoding="utf-8")
    return tmp_path


def ids(plan: Plan, kind: JobKind) -> list[str]:
    return [job.job_id for job in plan.jobs if job.kind is kind]


def parameters(plan: Plan, kind: JobKind) -> Any:
    return next(job.spec.parameters for job in plan.jobs if job.kind is kind)


def test_each_benchmark_is_judged_and_the_policies_see_the_verdicts(base: Path) -> None:
    plan = planned(STUDY, base)
    benchmarks, judged = ids(plan, JobKind.BENCHMARK), ids(plan, JobKind.JUDGE)
    assert len(benchmarks) == len(judged) == 2
    assert [plan.job(one).spec.inputs["answers"] for one in judged] == benchmarks
    route = next(job for job in plan.jobs if job.kind is JobKind.ROUTE)
    assert {route.spec.inputs["teacher"], route.spec.inputs["student"]} == set(judged)
    assert ("big", "judge", judged[0]) in plan.parts


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("model: strict", "model: mild"),
        ("profile: vendor}\ndata", "profile: vendor, mode: pairwise}\ndata"),
        ("profile: vendor}\ndata", "profile: vendor, prompt: Spelling counts.}\ndata"),
        ("profile: vendor}\ndata", "profile: vendor, scale: 3}\ndata"),
    ],
)
def test_another_judge_judges_again_and_measures_nothing_again(old: str, new: str, base: Path) -> None:
    before, after = planned(STUDY, base), planned(STUDY.replace(old, new), base)
    assert ids(before, JobKind.BENCHMARK) == ids(after, JobKind.BENCHMARK)
    assert ids(before, JobKind.PREPARE) == ids(after, JobKind.PREPARE)
    assert not set(ids(before, JobKind.JUDGE)) & set(ids(after, JobKind.JUDGE))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("profile: vendor}\ndata", "profile: own}\ndata"),
        ("model: strict}", "model: strict, key_env: HOME, max_requests: 5}"),
    ],
)
def test_what_changes_no_verdict_changes_no_job(old: str, new: str, base: Path) -> None:
    before, after = planned(STUDY, base), planned(STUDY.replace(old, new), base)
    assert [job.job_id for job in before.jobs] == [job.job_id for job in after.jobs]


def test_jobs_of_other_metrics_are_as_they_were_before_there_was_a_judge(base: Path) -> None:
    """What is not written down is no part of a job's identity."""
    text = STUDY.replace("metric: judge", "metric: exact_match")
    judge = next(line for line in text.splitlines() if "judge: {" in line)
    plan = planned(text.replace(judge + "\n", ""), base)
    assert not ids(plan, JobKind.JUDGE)
    benchmark: BenchmarkParameters = parameters(plan, JobKind.BENCHMARK)
    prepare: PrepareParameters = parameters(plan, JobKind.PREPARE)
    for one in (benchmark, prepare):
        assert not {"judged", "keep_context"} & set(one.model_dump(exclude_defaults=True))
        assert "judge" not in one.model_dump(exclude_defaults=True)["task"]


def test_predictions_without_a_score_are_judged_too(base: Path) -> None:
    text = STUDY.replace(
        "source: endpoint, base_url: 'http://big/v1', model: big", "source: predictions, file: big.csv"
    )
    plan = planned(text, base)
    first: JudgeParameters = parameters(plan, JobKind.JUDGE)
    assert first.predictions is not None
    measured: BenchmarkParameters = parameters(plan, JobKind.BENCHMARK)
    assert measured.judged


def test_groundedness_needs_no_judge_and_keeps_the_context(base: Path) -> None:
    judge = next(line for line in STUDY.splitlines() if "judge: {" in line)
    text = STUDY.replace(judge + "\n", "").replace("metric: judge", "metric: groundedness")
    text = text.replace("data: {file: rows.csv}", "data: {file: rows.csv, columns: {context: passage}}")
    plan = planned(text, base)
    prepare: PrepareParameters = parameters(plan, JobKind.PREPARE)
    scoring: JudgeParameters = parameters(plan, JobKind.JUDGE)
    assert prepare.keep_context
    assert (scoring.judge, scoring.context_column) == (None, "passage")
    with pytest.raises(UserError, match=r"data\.columns\.context"):
        planned(text.replace("columns: {context: passage}", "columns: {}"), base)
    with pytest.raises(UserError, match="passage"):
        planned(text.replace("{passage} {text}", "{text}"), base)


def test_a_study_without_a_judge_is_told_what_lacks(base: Path) -> None:
    judge = next(line for line in STUDY.splitlines() if "judge: {" in line)
    with pytest.raises(UserError, match=r"task\.judge"):
        planned(STUDY.replace(judge + "\n", ""), base)
    with pytest.raises(UserError, match="no use to metric exact_match"):
        planned(STUDY.replace("metric: judge", "metric: exact_match"), base)


def test_the_price_of_a_judge_must_be_known(base: Path) -> None:
    with pytest.raises(UserError, match=r"task\.judge\.profile.*vendor, own"):
        planned(STUDY.replace(", profile: vendor}\ndata", "}\ndata"), base)
    same = STUDY.replace("'http://judge/v1', model: strict", "'http://big/v1', model: big")
    assert parse_study(same.replace(", profile: vendor}\ndata", "}\ndata"), "s").judge_profile() == "vendor"


def test_the_libraries_and_the_key_of_a_judge_are_looked_for_first(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = STUDY.replace(
        "source: endpoint, base_url: 'http://judge/v1', model: strict", "source: gguf, file: judge.gguf"
    )
    monkeypatch.setattr(preflight, "is_installed", lambda name: name != "gguf")
    with pytest.raises(UserError, match="gguf"):
        planned(local, base)
    with pytest.raises(UserError, match="NO_SUCH_KEY"):
        planned(STUDY.replace("model: strict}", "model: strict, key_env: NO_SUCH_KEY}"), base)


def with_documents(base: Path, text: str) -> str:
    write_documents(base / "docs")
    return text.replace("candidates:", "retrieval: {documents: docs, method: bm25}\ncandidates:")


GROUNDED = STUDY.replace("metric: judge", "metric: groundedness")


def test_answers_are_held_against_the_passages_of_candidates_that_are_given_some(base: Path) -> None:
    text = with_documents(base, GROUNDED).replace("model: big}", "model: big}, retrieval: true")
    with pytest.raises(UserError, match=r"give passages to other \(retrieval: true\)"):
        planned(text, base)
    text = text.replace("model: mini}", "model: mini}, retrieval: true")
    plan = planned(text.replace("  prompt:", "  checks: {citations: {}, re_ask: true}\n  prompt:"), base)
    checks, judged = ids(plan, JobKind.CHECK), ids(plan, JobKind.JUDGE)
    benchmarks, (index,) = ids(plan, JobKind.BENCHMARK), ids(plan, JobKind.INDEX)
    assert [plan.job(one).spec.inputs["found"] for one in (*checks, *judged)] == [*benchmarks, *benchmarks]
    assert {plan.job(one).spec.inputs["index"] for one in (*checks, *judged)} == {index}


def test_a_judge_of_rows_with_pictures_takes_them_or_is_told_to_need_none(base: Path) -> None:
    (base / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (base / "rows.csv").write_text("text,target,passage,photo\na,x,p,x.png\nb,y,q,x.png\n", encoding="utf-8")
    seeing = [(f"model: {name}}}", f"model: {name}, images: true}}") for name in ("big", "mini")]
    text = STUDY.replace("data: {file: rows.csv}", "data: {file: rows.csv, columns: {image: photo}}")
    for old, new in seeing:
        text = text.replace(old, new)
    with pytest.raises(UserError) as refused:
        planned(text, base)
    assert refused.value.code == "study.judge_blind"
    seen: JudgeParameters = parameters(
        planned(text.replace("model: strict", "model: strict, images: true"), base), JobKind.JUDGE
    )
    blind = text.replace("profile: vendor}\ndata", "profile: vendor, text_only: true}\ndata")
    unseen: JudgeParameters = parameters(planned(blind, base), JobKind.JUDGE)
    assert (seen.pictures, unseen.pictures) == (True, False)
    with pytest.raises(UserError) as unused:
        planned(STUDY.replace("profile: vendor}\ndata", "profile: vendor, text_only: true}\ndata"), base)
    assert unused.value.code == "study.judge_text_only"
