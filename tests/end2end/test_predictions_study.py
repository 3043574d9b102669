"""A study measured elsewhere: from two files to a recommendation, without a model and without torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import assert_refused, tercet
from sample_studies import PREDICTIONS_STUDY, write_predictions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_predictions(folder, "big", 0.95, 1)
    write_predictions(folder, "small", 0.8, 2)
    (folder / "study.yaml").write_text(PREDICTIONS_STUDY, encoding="utf-8")
    # A module that shadows torch and cannot be imported: whoever touches it fails.
    blocked = folder / "blocked"
    blocked.mkdir()
    for name in ("torch", "transformers", "onnxruntime"):
        (blocked / f"{name}.py").write_text("raise ImportError('must not be needed')", encoding="utf-8")
    done = tercet("run", folder / "study.yaml", "--study", folder / "s.tercet", PYTHONPATH=str(blocked))
    assert done.returncode == 0, done.stderr
    return folder


def test_results_have_the_shape_of_the_contract(folder: Path) -> None:
    done = tercet("results", folder / "s.tercet", "--json")
    document = json.loads(done.stdout)
    assert [candidate["name"] for candidate in document["candidates"]] == ["big", "small", "both"]
    assert set(document) >= {"study", "task", "data", "complexity", "candidates", "policies"}
    for candidate in document["candidates"]:
        assert set(candidate) >= {
            *("name", "role", "source", "parent", "origin", "runtime", "policy", "quality", "latency_ms"),
            *("throughput", "runtimes", "peak_memory_mib", "model_size_mib", "parameters", "energy", "cost"),
            "cost_benefit",
        }
    assert {policy["kind"] for policy in document["policies"]} == {"cascade", "router"}
    assert done.stderr == ""


def test_recommendation_has_the_shape_of_the_contract(folder: Path) -> None:
    document = json.loads(tercet("recommend", folder / "s.tercet", "--json").stdout)
    assert set(document) >= {
        *("choice", "candidate", "confidence", "reasons", "excluded", "front", "break_even", "flips"),
        *("measure_next", "assumptions"),
    }
    assert document["choice"] in {"teacher", "student", "hybrid", "none", "inconclusive"}
    assert set(document["confidence"]) == {"probability_best", "expected_loss", "evpi"}


def test_same_rows_give_the_same_recommendation_byte_for_byte(folder: Path) -> None:
    first, second = (tercet("recommend", folder / "s.tercet", "--json").stdout for _ in range(2))
    assert first == second


def test_changed_criterion_decides_again_without_changing_the_file(folder: Path) -> None:
    before = (folder / "s.tercet").read_bytes()
    setting = "criteria.service.min_quality=0.999"
    document = json.loads(tercet("recommend", folder / "s.tercet", "--set", setting, "--json").stdout)
    assert document["choice"] in {"none", "inconclusive"}
    assert (folder / "s.tercet").read_bytes() == before


def test_personal_data_at_a_vendor_without_an_answer_is_not_a_pass(folder: Path) -> None:
    setting = "criteria.compliance.data_classes=[personal]"
    document = json.loads(tercet("recommend", folder / "s.tercet", "--set", setting, "--json").stdout)
    excluded = {item["candidate"] for item in document["excluded"] if item["gate"] == "compliance"}
    assert excluded == {"big", "both"}


def test_finished_study_starts_nothing_when_run_again(folder: Path) -> None:
    before = json.loads(tercet("status", folder / "s.tercet", "--json").stdout)
    assert {part["part"] for job in before["jobs"] for part in job["parts"]} >= {"benchmark", "route"}
    done = tercet("run", folder / "study.yaml", "--study", folder / "s.tercet")
    assert done.returncode == 0
    assert "nothing was started" in done.stderr
    assert json.loads(tercet("status", folder / "s.tercet", "--json").stdout) == before


def test_report_is_written_and_agrees_with_the_results(folder: Path, tmp_path: Path) -> None:
    done = tercet("report", folder / "s.tercet", "--format", "html,json", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert written == json.loads(tercet("results", folder / "s.tercet", "--json").stdout)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in ("big", "small", "both"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("recommend", "s.tercet", "--set", "criteria.cost.montly_budget=5"), ["monthly_budget"]),
        (("recommend", "s.tercet", "--set", "criteria.cost.monthly_budget=lots"), ["monthly_budget"]),
        (("recommend", "s.tercet", "--set", "criteria.cost.monthly_budget="), ["no value", "PATH=VALUE"]),
        (("recommend", "s.tercet", "--set", "criteria.cost.value_per_success=1e308"), ["value_per_success", "1e308"]),
        (("report", "s.tercet", "--format", "pdf"), ["pdf", "html"]),
        (("report", "s.tercet", "--format", ","), ["--format", "html"]),
        (("export", "s.tercet", "--candidate", "nobody", "--format", "onnx", "--out", "x"), ["nobody", "big"]),
        (("export", "s.tercet", "--candidate", "big", "--format", "onnx", "--out", "x"), ["big"]),
        (("results", "none.tercet"), ["none.tercet"]),
        (("results", "study.yaml"), ["study.yaml"]),
        (("run", "study.yaml", "--study", "s.tercet", "--only", "nothing"), ["nothing"]),
        (("bogus",), ["bogus"]),
    ],
)
def test_wrong_request_is_refused_in_one_line(folder: Path, arguments: tuple[str, ...], words: list[str]) -> None:
    assert_refused(tercet(*arguments, folder=folder), *words)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("file: small.csv", "file: nowhere.csv", ["nowhere.csv"]),
        ("file: small.csv", "file: empty.csv", ["empty.csv"]),
        ("file: small.csv", "file: small.csv, columns: {input: question}", ["question", "small.csv"]),
        ("file: small.csv", "file: half.csv", ["half.csv"]),
    ],
)
def test_wrong_predictions_file_is_refused_and_leaves_no_study(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    write_predictions(tmp_path, "big", 0.95, 1)
    write_predictions(tmp_path, "small", 0.8, 2)
    write_predictions(tmp_path, "half", 0.8, 2, rows=120)
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    (tmp_path / "study.yaml").write_text(PREDICTIONS_STUDY.replace(old, new), encoding="utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert_refused(tercet("run", "study.yaml", "--study", "s.tercet", folder=tmp_path), *words)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seed: 3", "seed: -1", ["data.split.seed"]),
        ("version: 1", "version: 1\nversion: 1", ["study.yaml", "line 3", "version"]),
    ],
)
def test_wrong_study_file_is_refused_by_field_or_line(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    (tmp_path / "study.yaml").write_text(PREDICTIONS_STUDY.replace(old, new), encoding="utf-8")
    assert_refused(tercet("run", "study.yaml", "--study", "s.tercet", folder=tmp_path), *words)


def test_study_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    for name, share, seed in (("big", 0.95, 1), ("small", 0.8, 2)):
        write_predictions(tmp_path, name, share, seed)
    (tmp_path / "study.yaml").write_text(PREDICTIONS_STUDY, encoding="utf-8")
    (tmp_path / "s.tercet.d").write_text("in the way", encoding="utf-8")
    refused = tercet("run", "study.yaml", "--study", "s.tercet", folder=tmp_path)
    assert_refused(refused, "s.tercet", "cannot be written")


def test_predictions_of_one_class_only_are_refused(tmp_path: Path) -> None:
    for name, seed in (("big", 1), ("small", 2)):
        path = write_predictions(tmp_path, name, 0.9, seed)
        path.write_text(path.read_text(encoding="utf-8").replace("access", "money"), encoding="utf-8")
    (tmp_path / "study.yaml").write_text(PREDICTIONS_STUDY, encoding="utf-8")
    assert_refused(tercet("run", "study.yaml", "--study", "s.tercet", folder=tmp_path), "target", "'money'")
    assert not (tmp_path / "s.tercet").exists()


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("confidence", "2.5", ["small.csv", "confidence"]),
        ("latency_ms", "-5", ["small.csv", "latency_ms"]),
        ("latency_ms", "inf", ["small.csv", "latency_ms"]),
        ("input", "another text", ["small.csv", "input", "id"]),
    ],
)
def test_wrong_cell_of_a_predictions_file_is_refused_before_anything_runs(
    tmp_path: Path, column: str, cell: str, words: list[str]
) -> None:
    write_predictions(tmp_path, "big", 0.95, 1)
    _with_cell(write_predictions(tmp_path, "small", 0.8, 2), column, cell)
    (tmp_path / "study.yaml").write_text(PREDICTIONS_STUDY, encoding="utf-8")
    assert_refused(tercet("run", tmp_path / "study.yaml", "--study", tmp_path / "s.tercet"), *words)
    assert not (tmp_path / "s.tercet").exists()


def test_outputs_that_are_no_class_are_told(tmp_path: Path) -> None:
    write_predictions(tmp_path, "big", 0.95, 1)
    small = write_predictions(tmp_path, "small", 0.8, 2)
    small.write_text(small.read_text(encoding="utf-8").replace("money,money", "money,MONEY"), encoding="utf-8")
    (tmp_path / "study.yaml").write_text(PREDICTIONS_STUDY, encoding="utf-8")
    done = tercet("run", tmp_path / "study.yaml", "--study", tmp_path / "s.tercet")
    assert done.returncode == 0, done.stderr
    notes = json.loads(tercet("recommend", tmp_path / "s.tercet", "--json").stdout)["notes"]
    assert any("MONEY" in json.dumps(note) and "small" in json.dumps(note) for note in notes)


def test_price_that_nobody_knows_is_refused_before_anything_runs(tmp_path: Path) -> None:
    for name, share, seed in (("big", 0.95, 1), ("small", 0.8, 2)):
        write_predictions(tmp_path, name, share, seed)
    listed = PREDICTIONS_STUDY.replace(
        "{per_million_requests: 900, source: offer, as_of: 2026-10-01}", "{source: genai-prices, model: no-such-model}"
    )
    (tmp_path / "study.yaml").write_text(listed, encoding="utf-8")
    refused = tercet("run", tmp_path / "study.yaml", "--study", tmp_path / "s.tercet")
    assert_refused(refused, "profiles.vendor.price.model", "no-such-model")
    assert not (tmp_path / "s.tercet").exists()


def _with_cell(path: Path, column: str, cell: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    place = lines[0].split(",").index(column)
    cells = lines[5].split(",")
    cells[place] = cell
    lines[5] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
