"""Metrics of the user's own, from installed packages."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_metric import install_metric
from sample_studies import PREDICTIONS_STUDY, write_predictions

from core.errors import UserError
from core.jobs.plan import build_plan
from core.metrics.plugins import installed_metrics, plugin_identity
from core.metrics.scoring import label_scorer, row_scorer
from core.spec import Task
from core.study_file import parse_study

OWN = Task(kind="generation", metric="plugin:near")


def test_an_installed_metric_scores_answers_without_their_reasoning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_metric(tmp_path, monkeypatch, "return 1 - abs(len(output) - len(target)) / 10")
    scorer = row_scorer(OWN)
    assert scorer is not None
    assert scorer("<think>let me see</think>four", "fives", "r1") == pytest.approx(0.9)
    assert "near" in installed_metrics()


def test_a_classifiers_label_is_scored_by_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_metric(tmp_path, monkeypatch, "return {'loan': 0.5, target: 1}.get(output, False)")
    scorer = label_scorer(Task(kind="classification", metric="plugin:near"))
    assert [scorer(label, "card", "r1") for label in ("card", "loan", "rate")] == [1.0, 0.5, 0.0]
    plain = label_scorer(Task(kind="classification", metric="macro_f1"))
    assert [plain(label, "card", "r1") for label in ("card", "loan")] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return 1.5", "gave 1.5"),
        ("return float('nan')", "gave nan"),
        ("return 'good'", "gave 'good'"),
        ("return None", "gave None"),
        ("raise ValueError('no such word')", "failed (ValueError: no such word)"),
    ],
)
def test_what_is_no_share_is_told_with_metric_and_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, told: str
) -> None:
    install_metric(tmp_path, monkeypatch, body)
    scorer = row_scorer(OWN)
    assert scorer is not None
    with pytest.raises(UserError) as refused:
        scorer("a", "b", "row-7")
    assert told in refused.value.text
    assert "near" in refused.value.text
    assert "row-7" in refused.value.text


def test_a_package_that_cannot_be_imported_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_metric(tmp_path, monkeypatch, "return 1")
    (tmp_path / "own_metric_near.py").write_text("import no_such_library\n", encoding="utf-8")
    with pytest.raises(UserError, match="no_such_library"):
        row_scorer(OWN)


def test_two_packages_with_one_name_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_metric(tmp_path / "a", monkeypatch, "return 1")
    install_metric(tmp_path / "b", monkeypatch, "return 1", name="far")
    entries = tmp_path / "b" / "own_metric_far-1.0.dist-info" / "entry_points.txt"
    entries.write_text("[tercet.metrics]\nnear = own_metric_far:score\n", encoding="utf-8")
    with pytest.raises(UserError, match="own_metric_far, own_metric_near both offer"):
        plugin_identity("near")


def study_of(folder: Path) -> str:
    write_predictions(folder, "big", 0.9, 1, rows=20)
    write_predictions(folder, "small", 0.6, 2, rows=20)
    return PREDICTIONS_STUDY.replace("metric: accuracy", "metric: 'plugin:near'")


def test_a_metric_that_is_not_installed_is_refused_before_anything_starts_and_the_installed_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_metric(tmp_path / "packages", monkeypatch, "return 1", name="other")
    with pytest.raises(UserError, match=r"no installed package offers a metric near .*installed: .*other"):
        build_plan(parse_study(study_of(tmp_path), "study.yaml"), tmp_path)


def test_another_version_of_the_package_measures_again_and_splits_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = parse_study(study_of(tmp_path), "study.yaml")
    plans = []
    for version in ("1.0", "1.1"):
        with monkeypatch.context() as patch:
            install_metric(tmp_path / version, patch, "return 1", version=version)
            plans.append(build_plan(study, tmp_path))
    kinds = [{job.kind.value: job.job_id for job in plan.jobs} for plan in plans]
    assert kinds[0]["prepare"] == kinds[1]["prepare"]
    assert kinds[0]["benchmark"] != kinds[1]["benchmark"]


def test_a_metric_of_tercets_own_leaves_the_identity_as_it_was(tmp_path: Path) -> None:
    text = study_of(tmp_path).replace("'plugin:near'", "accuracy")
    plan = build_plan(parse_study(text, "study.yaml"), tmp_path)
    benchmark = next(job for job in plan.jobs if job.kind.value == "benchmark")
    assert "metric_package" not in benchmark.spec.parameters.model_dump(exclude_defaults=True)


@pytest.mark.parametrize("metric", ["plugin:", "plugin: ", "unheard_of"])
def test_a_metric_without_a_name_is_refused(metric: str) -> None:
    text = PREDICTIONS_STUDY.replace("metric: accuracy", f"metric: '{metric}'")
    with pytest.raises(UserError, match=r"task\.metric"):
        parse_study(text, "study.yaml")
