import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from core.charts import chart_table, quality_cost_chart
from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.decide.outcome import Decision
from core.errors import UserError
from core.evidence import StudyEvidence
from core.report import figures, write_report
from core.report.build import build_report
from core.report.html import render_html
from core.report.model import Report, Table, text_of


@pytest.fixture(scope="module")
def decision(evidence: StudyEvidence) -> Decision:
    return decide(evidence)


@pytest.fixture(scope="module")
def report(decision: Decision, evidence: StudyEvidence) -> Report:
    return build_report(decision, evidence, results_document(evidence, decision), recommendation_document(decision))


def words(page: str) -> str:
    """The page's visible text, on one line."""
    without_style = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", without_style)).split())


def test_the_answer_comes_first_with_its_reasons(report: Report, decision: Decision) -> None:
    page = words(render_html(report))
    assert report.sections[0].key == "answer"
    assert decision.headline.text in page
    assert page.index(decision.headline.text) < page.index("Quality and speed")
    for reason in decision.reasons:
        assert reason.text in page


def test_a_teacher_that_is_no_better_leaves_no_gain_rather_than_one_that_was_not_measured(
    decision: Decision, evidence: StudyEvidence
) -> None:
    worse = [
        replace(policy, apgr=None, apgr_low=None, apgr_high=None, cpt50=None, cpt80=None)
        for policy in decision.policies
    ]
    told = replace(decision, policies=tuple(worse))
    made = build_report(told, evidence, results_document(evidence, told), recommendation_document(told))
    (hybrid,) = (section for section in made.sections if section.key == "hybrid")
    (table,) = (
        block
        for block in hybrid.blocks
        if isinstance(block, Table) and text_of(block.title, "en") == "Routing policies"
    )
    for row in table.rows:
        assert [text_of(cell.phrase, "en") for cell in row[4:7]] == ["no gain"] * 3


def test_excluded_candidates_stand_with_the_rule_that_excludes_them(report: Report, decision: Decision) -> None:
    assert "ORG-ON-PREMISES" in [entry.rule for entry in decision.excluded if entry.candidate == "abroad"]
    page = words(render_html(report))
    for entry in decision.excluded:
        assert entry.message.text in page
    assert "on premises only (ORG-ON-PREMISES)" in page


def test_page_and_results_agree_on_every_candidates_figures(
    decision: Decision, evidence: StudyEvidence, tmp_path: Path
) -> None:
    page_path, results_path, _ = write_report(decision, evidence, ["html", "json"], tmp_path)
    page = words(page_path.read_text(encoding="utf-8"))
    results = json.loads(results_path.read_text(encoding="utf-8"))
    for candidate in results["candidates"]:
        quality, cost = candidate["quality"], candidate["cost"]
        value, low, high = (words(figures.percent(quality[key])) for key in ("value", "low", "high"))
        assert f"{value} {figures.interval(low, high)}" in page
        for key in ("monthly", "per_million_requests", "per_success"):
            if cost[key] is not None:
                assert figures.money(cost[key], "EUR") in page
    for policy in results["policies"]:
        assert words(figures.percent(policy["strong_share"])) in page


@pytest.mark.parametrize(("language", "other"), [("en", r"[0-9]%"), ("zh_CN", r"[0-9]\s%")])
def test_every_share_is_written_as_its_language_writes_it(report: Report, language: str, other: str) -> None:
    page = re.sub(r"<style>.*?</style>", "", render_html(report, language), flags=re.DOTALL)
    assert re.findall(other, page) == []


def test_every_part_of_the_evidence_is_told(report: Report) -> None:
    page = words(render_html(report))
    for expected in (
        "Requests a month",
        "train rows that also stand in test",
        "50 rows repeat an earlier input",
        "resumed at step 100",
        "shop price",
        "2025-10-01",
        "onnxruntime",
        "The same students trained on the targets alone are left out",
        "with one seed",
        "5 folds",
        "Oracle",
        "difficulty: hard",
        "not measured",
        "not legal advice",
    ):
        assert expected in page


def test_a_chosen_empty_list_of_rule_packs_is_said(report: Report, decision: Decision) -> None:
    compliance = next(section for section in report.sections if section.key == "compliance")
    said = next(note for note in decision.notes if note.code == "decide.note.no_packs")
    assert said.text in words(render_html(report))
    assert compliance.blocks


def test_what_the_user_wrote_stays_text(report: Report) -> None:
    page = render_html(report)
    assert "Card &lt;b&gt;support&lt;/b&gt; &amp; triage" in page
    assert "Linux &lt;x86_64&gt;" in page
    assert "<b>" not in page
    assert "<script" not in page


def test_charts_are_drawn_with_their_table(report: Report, decision: Decision) -> None:
    page = render_html(report)
    assert page.count("<svg ") >= 2
    assert page.count("The chart as a table") == page.count("<svg ")
    for row in chart_table(quality_cost_chart(decision)).rows:
        assert str(row[0]) in words(page)


def test_the_report_speaks_chinese(report: Report) -> None:
    page = words(render_html(report, "zh_CN"))
    for expected in ("建议", "候选", "合规", "未测量", "同时出现在测试集中的训练行"):
        assert expected in page
    assert "Rows left out" not in page


def test_the_same_evidence_gives_the_same_page_byte_for_byte(
    decision: Decision, evidence: StudyEvidence, tmp_path: Path
) -> None:
    def written(decided: Decision, name: str) -> list[bytes]:
        paths = write_report(decided, evidence, ["html", "json"], tmp_path / name)
        return [path.read_bytes() for path in paths]

    assert written(decision, "one") == written(decide(evidence), "two")


def test_only_the_formats_asked_for_are_written(decision: Decision, evidence: StudyEvidence, tmp_path: Path) -> None:
    assert [path.name for path in write_report(decision, evidence, ["json"], tmp_path)] == [
        "results.json",
        "recommendation.json",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recommendation.json", "results.json"]


def test_a_format_that_is_not_offered_is_refused(decision: Decision, evidence: StudyEvidence, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--format pdf: no such report format; choose from html, json"):
        write_report(decision, evidence, ["html", "pdf"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_folders_place_is_refused(decision: Decision, evidence: StudyEvidence, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("taken", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be written"):
        write_report(decision, evidence, ["html"], tmp_path / "out")


def test_a_study_with_nothing_measured_gives_a_report_that_says_so(evidence: StudyEvidence) -> None:
    from dataclasses import replace

    from core.evidence import CandidateEvidence

    bare = replace(
        evidence, dataset=None, test=None, candidates=tuple(CandidateEvidence(one.name) for one in evidence.candidates)
    )
    decision = decide(bare)
    report = build_report(decision, bare, results_document(bare, decision), recommendation_document(decision))
    assert "nothing has been measured yet" in words(render_html(report))
