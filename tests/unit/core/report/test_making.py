"""How students were made, as the report tells it: seeds, baselines, techniques, labels, rounds, rungs, searches."""

from __future__ import annotations

import re
from html import unescape

import pytest
from distilled_by_hand import distilled_evidence

from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.evidence import StudyEvidence
from core.report.build import build_report
from core.report.html import render_html
from core.report.model import Chart, Report, Table, text_of


@pytest.fixture(scope="module")
def evidence() -> StudyEvidence:
    return distilled_evidence()


@pytest.fixture(scope="module")
def report(evidence: StudyEvidence) -> Report:
    decision = decide(evidence, with_flips=False)
    return build_report(decision, evidence, results_document(evidence, decision), recommendation_document(decision))


def tables(report: Report) -> dict[str, Table]:
    """Every table by the end of its title's code."""
    blocks = [block for section in report.sections for block in section.blocks if isinstance(block, Table)]
    return {block.title.code.rsplit(".", 1)[-1]: block for block in blocks if not isinstance(block.title, str)}


def cells(table: Table) -> dict[str, list[str]]:
    """Rows by their first cell, as text with the notes."""
    rows: dict[str, list[str]] = {}
    for row in table.rows:
        texts = [" ".join(text_of(part, "en") for part in (cell.phrase, cell.note) if part is not None) for cell in row]
        rows.setdefault(texts[0], texts[1:])
    return rows


def words(report: Report, language: str = "en") -> str:
    page = re.sub(r"<style>.*?</style>", "", render_html(report, language), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_what_was_kept_and_added_stands_beside_each_student(report: Report) -> None:
    kept = cells(tables(report)["kept"])
    assert set(kept) == {"layers-2", "layers-2-int8", "labelled", "streamed", "found"}
    assert kept["layers-2"][0].endswith("of encoder")
    assert kept["labelled"][0].endswith("of vendor")
    assert kept["layers-2"][1].startswith("88.9\u00a0%")
    assert kept["layers-2"][2].startswith("+2.4 [")
    assert kept["labelled"][1:] == ["not measured", "not measured"]
    assert kept["layers-2-int8"][1:] == ["–", "–"]


def test_what_is_compressed_within_its_candidate_stands_beside_what_it_was(report: Report) -> None:
    changed = cells(tables(report)["compressed"])
    assert set(changed) == {"labelled"}
    assert changed["labelled"][1:4] == ["+0.0", "0.9", "50.0\u00a0%"]
    assert changed["labelled"][4].startswith("no: uncompressed")


def test_quality_says_how_many_seeds_its_interval_holds(report: Report) -> None:
    measured = {name.split(" ")[0]: row for name, row in cells(tables(report)["speed"]).items()}
    assert measured["layers-2"][0].endswith(", 3 seeds")
    assert "seeds" not in measured["encoder"][0]


def test_each_seed_stands_apart_with_the_deviation_between_them(report: Report) -> None:
    seeds = cells(tables(report)["seeds"])
    assert seeds["layers-2"] == ["1: 91.2\u00a0%, 2: 91.8\u00a0%, 3: 90.8\u00a0%", "91.2\u00a0%", "0.5"]
    page = words(report)
    assert "layers-2-int8: 2 of 3 seeds measured" in page
    assert "both the spread between rows and the spread between seeds" in page
    assert "Trained once, with one seed" in page


def test_technique_and_reason_are_told_also_of_a_newer_version(report: Report) -> None:
    techniques = cells(tables(report)["techniques"])
    assert techniques["layers-2"] == ["the teacher's probabilities", "the teacher gives a probability for each class"]
    assert techniques["streamed"] == ["a technique of tomorrow", "train.reason.of_tomorrow"]


def test_stages_labels_rounds_and_rungs_have_their_tables(report: Report) -> None:
    found = tables(report)
    assert cells(found["stages"])["layers-2"][:2] == ["1", "12,000,000"]
    assert cells(found["labels"])["labelled asked of vendor"][:5] == ["8,000", "7,500", "500", "12", "7,980"]
    first, second = found["rounds"].rows
    assert [text_of(row[-1].phrase, "en") for row in (first, second)] == ["kept", "rolled back"]
    assert text_of(first[4].phrase, "en") == "91.0\u00a0% → 91.2\u00a0%"
    assert len(found["rungs"].rows) == 2
    assert [text_of(cell.phrase, "en") for cell in found["rungs"].rows[1]][2:] == [
        "70.0\u00a0%", "3,600,000", "61.0\u00a0%", "97.0\u00a0%", "1.4 ms",
    ]  # fmt: skip


def test_rounds_judged_by_rows_that_only_the_teacher_answered_say_so(report: Report) -> None:
    assert "streamed: 50 of the 80 new rows that judge its rounds have no target of their own" in words(report)
    assert "streamed：评判各轮的 80 个新行中有 50 行没有自己的目标" in words(report, "zh_CN")


def test_a_search_whose_teacher_knew_the_rows_that_judge_says_so(report: Report) -> None:
    assert "the teacher has learnt the held-out rows on its way" in words(report)
    assert "教师在形成过程中已学过留出的行" in words(report, "zh_CN")


def test_a_stream_that_was_not_learnt_to_its_end_says_why(report: Report) -> None:
    assert "streamed: learning from new rows ended early, for its teacher answers them worse" in words(report)
    assert "streamed：从新数据的学习提前结束" in words(report, "zh_CN")


def test_search_has_its_chart_and_a_row_for_each_trial(report: Report, evidence: StudyEvidence) -> None:
    sweep = evidence.candidate("found").sweep
    assert sweep is not None
    rows = tables(report)["trials"].rows
    assert len(rows) == len(sweep.trials)
    states = [text_of(row[1].phrase, "en") for row in rows]
    assert (states[7], states[4], states[9]) == ("chosen", "stopped early", "failed")
    charts = [block.spec.code for section in report.sections for block in section.blocks if isinstance(block, Chart)]
    assert "charts.trials" in charts


def test_labels_stand_in_what_is_paid_once(report: Report) -> None:
    assert cells(tables(report)["costs"])["labelled"][3] == "$1.27 $1.26 of it for labels"


def test_it_is_all_told_in_chinese_too(report: Report) -> None:
    page = words(report, "zh_CN")
    for expected in ("学生保留了多少", "各随机种子", "如何使用教师", "剪枝的各级", "回滚", "提前停止", "教师的 98%"):
        assert expected in page
    assert "of encoder" not in page
    assert "seeds" not in page
