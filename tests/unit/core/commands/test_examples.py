"""`tercet examples`: a study of imported predictions, its rows side by side."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from sample_studies import finished_study

from core.cli import main
from core.commands.reporting import report
from core.store import StudyStore
from core.study_file import LoadedStudy


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of two imported candidates and their hybrid."""
    return finished_study(tmp_path_factory.mktemp("examples"))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tercet", "examples", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        text = capfd.readouterr()
        return int(end.value.code or 0), text.out, text.err

    return run


def test_by_itself_it_lays_teacher_student_and_hybrid_side_by_side(study: Path, told: Any) -> None:
    status, out, _ = told(str(study), "--json", "--limit", "0")
    document = json.loads(out)
    assert status == 0
    assert document["candidates"] == ["big", "small", "both"]
    assert len(document["rows"]) == document["rows_total"] == 120
    for row in document["rows"]:
        answers = row["answers"]
        hybrid = answers["both"]
        assert hybrid["output"] == answers[hybrid["answered_by"]]["output"]
        assert answers["big"]["score"] == float(answers["big"]["output"] == row["target"])


def test_a_filter_and_a_sort_choose_the_rows(study: Path, told: Any) -> None:
    _, out, _ = told(
        str(study), "--filter", "only-first", "--sort", "small:confidence", "--descending", "--limit", "5", "--json"
    )
    rows = json.loads(out)["rows"]
    assert len(rows) == 5
    assert all(row["answers"]["big"]["score"] == 1 and row["answers"]["small"]["score"] == 0 for row in rows)
    confidences = [row["answers"]["small"]["confidence"] for row in rows]
    assert confidences == sorted(confidences, reverse=True)


def test_csv_has_one_line_a_row(study: Path, told: Any) -> None:
    _, out, _ = told(str(study), "--candidate", "small", "--class", "money", "--csv", "--limit", "7")
    lines = list(csv.DictReader(io.StringIO(out)))
    assert len(lines) == 7
    assert {line["target"] for line in lines} == {"money"}
    assert set(lines[0]) >= {"id", "input", "small:output", "small:score", "small:latency_ms"}


def test_the_table_says_how_many_rows_there_are(study: Path, told: Any) -> None:
    _, out, err = told(str(study), "--limit", "3")
    assert len(out.strip().splitlines()) == 4
    assert err.strip() == "3 of 120 rows shown"


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (
            ("--candidate", "huge"),
            "--candidate huge has no answers in this study; those with answers are big, small, both",
        ),
        (("--filter", "odd"), "--filter odd is not known; choose one of all, disagree"),
        (("--candidate", "big", "--filter", "disagree"), "--filter disagree compares two candidates"),
        (("--class", "nothing"), "--class nothing is the target of no test row"),
        (("--slice", "lang=de"), "--slice lang=de matches no test row"),
        (("--sort", "length"), "--sort length is not known; choose one of row, input, target, difference, big:score"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(
    study: Path, told: Any, arguments: tuple[str, ...], refusal: str
) -> None:
    status, out, err = told(str(study), *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(refusal)
    assert err.count("\n") == 1


def test_a_report_has_rows_of_the_data_only_where_it_is_asked_for_them(study: Path, told: Any, tmp_path: Path) -> None:
    _, out, _ = told(
        str(study), "--sort", "difference", "--descending", "--filter", "disagree", "--json", "--limit", "0"
    )
    inputs = [row["input"] for row in json.loads(out)["rows"]]
    for with_rows in (False, True):
        (path,) = report(study, ["html"], tmp_path / str(with_rows), "en", with_rows=with_rows)
        page = path.read_text(encoding="utf-8")
        assert sum(text in page for text in inputs) == (20 if with_rows else 0)


def test_a_study_that_is_not_measured_says_so(tmp_path: Path, predictions_study: LoadedStudy, told: Any) -> None:
    path = tmp_path / "fresh.tercet"
    StudyStore.create(path, predictions_study.study, predictions_study.base, predictions_study.text).close()
    status, _, err = told(str(path))
    assert (status, err.strip()) == (2, "nothing is measured yet, so there are no answers to show; run the study first")
