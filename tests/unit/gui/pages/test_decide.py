from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import student_curve
from decided_study import card_support, evidence
from page_context import PageWorld, decided_once
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractSlider, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from core.charts import chart_table, quality_cost_chart
from core.decide.decision import decide
from core.decide.outcome import CutInputs, Decision, Unanswered
from core.decide.overrides import apply_overrides
from core.evidence import StudyEvidence
from core.jobs.results import FailureCause, LoadResult, LoadStep
from gui.jobs import stored_decision
from gui.jobs.stored_decision import StoredDecision
from gui.models.candidate_rows import compared_rows
from gui.models.decision_rows import DecisionRows
from gui.pages.decide import DecidePage
from gui.pages.page import PageMark
from gui.widgets.decision_tabs import CANDIDATES, COMPARED, COMPLEXITY, FLIPS, LOAD, TAB_CODES
from gui.widgets.what_if import BUDGET, LATENCY, REQUESTS, VALUE

TimesDecided = Callable[[], int]


@pytest.fixture
def world(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PageWorld]:
    monkeypatch.setattr(stored_decision, "decide", decided_once)
    made = PageWorld(qapp, evidence(), tmp_path / "study.tercet")
    yield made
    made.close()


@pytest.fixture
def page(qtbot: QtBot, world: PageWorld) -> Iterator[DecidePage]:
    made = DecidePage(world.context, StoredDecision(world.context.document))
    world.theme.dress()
    qtbot.addWidget(made)
    made.resize(1096, 752)
    made.show()
    qtbot.waitUntil(lambda: made.stored.decided is not None, timeout=60_000)
    yield made
    qtbot.waitUntil(lambda: not made.redecider.busy, timeout=60_000)


def shown(page: DecidePage) -> Decision:
    assert page.decision is not None
    return page.decision


def show_rows(qtbot: QtBot, page: DecidePage, world: PageWorld, rows: StudyEvidence) -> Decision:
    before = page.stored.decided
    world.document.show(rows)
    qtbot.waitUntil(lambda: page.stored.decided is not before, timeout=60_000)
    return shown(page)


def test_the_page_shows_the_decision_on_the_stored_rows(page: DecidePage) -> None:
    own = decide(evidence())

    assert shown(page).candidate == own.candidate
    assert page.answer.isVisible()
    assert page.answer.headline.text()
    assert page.mark is PageMark.DONE
    assert "200 held-out rows" in page.sentence.text()


def test_the_four_figures_carry_their_intervals_and_the_limit(page: DecidePage) -> None:
    figures = page.answer.figures

    assert figures[0].value.text().startswith("$")
    assert " to " in figures[0].under.full_text or figures[0].under.full_text == ""
    assert figures[1].caption.full_text == "Accuracy"
    assert " to " in figures[1].under.full_text
    assert figures[2].under.full_text.replace("\u00a0", " ") == "limit 400 ms"
    assert figures[3].value.text().replace("\u00a0", " ").endswith("%")


def test_an_excluded_candidate_stands_under_why_with_its_gate(page: DecidePage) -> None:
    excluded = [item.candidate for item in shown(page).excluded]
    texts = "\n".join(page.why.texts())

    assert "slow" in excluded
    assert all(name in texts for name in excluded)


def test_the_chart_and_its_table_come_from_the_same_decision(page: DecidePage) -> None:
    spec = quality_cost_chart(shown(page))

    page.chart.table_button.click()

    assert page.chart.spec == spec
    assert page.chart.table.cells.rowCount() == len(chart_table(spec).rows)


def test_what_if_decides_the_same_rows_under_other_criteria_and_reset_goes_back(qtbot: QtBot, page: DecidePage) -> None:
    own = shown(page)
    page.what_if.sliders[VALUE].set_value(0.001)
    qtbot.waitUntil(lambda: shown(page) is not own, timeout=60_000)
    settings = page.what_if.settings
    expected = decide(replace(evidence(), study=apply_overrides(card_support(), settings)))

    assert settings == ("criteria.cost.value_per_success=0.001",)
    assert shown(page).candidate == expected.candidate
    assert shown(page).candidate != own.candidate
    assert page.answer.note.isVisible()

    page.what_if.reset_button.click()
    assert shown(page) is own
    assert not page.answer.note.isVisible()
    assert not page.what_if.reset_button.isEnabled()


def test_taking_a_limit_away_lets_the_candidate_in_that_it_excluded(qtbot: QtBot, page: DecidePage) -> None:
    own = shown(page)
    page.what_if.sliders[LATENCY].set_value(None)
    qtbot.waitUntil(lambda: shown(page) is not own, timeout=60_000)

    assert page.what_if.settings == ("criteria.service.p95_latency_ms=null",)
    assert "slow" not in [item.candidate for item in shown(page).excluded]


def test_a_progressing_job_does_not_decide_again(page: DecidePage, world: PageWorld) -> None:
    before = world.document.queries
    for _ in range(5):
        world.document.rows_changed.emit()

    assert world.document.queries == before


def test_new_results_decide_again_and_put_the_sliders_back(qtbot: QtBot, page: DecidePage, world: PageWorld) -> None:
    page.what_if.sliders[REQUESTS].set_value(5000)
    again = show_rows(qtbot, page, world, evidence(measured=("student", "floor")))

    assert again.candidate in (None, "student", "floor")
    assert page.what_if.settings == ()
    assert "teacher" in again.not_measured


def test_nothing_measured_gives_one_sentence_and_the_way_to_runs(
    qtbot: QtBot, page: DecidePage, world: PageWorld
) -> None:
    show_rows(qtbot, page, world, evidence(measured=()))

    assert not page.answer.isVisible()
    assert page.empty.isVisible()
    assert page.mark is PageMark.NONE
    with qtbot.waitSignal(page.go_to) as asked:
        page.main_button.click()
    assert asked.args == ["runs"]


def test_where_no_candidate_meets_the_limits_the_page_says_so_with_reasons(
    qtbot: QtBot, page: DecidePage, world: PageWorld
) -> None:
    strict = card_support(**{"min_quality: 0.6": "min_quality: 0.999"})
    decision = show_rows(qtbot, page, world, evidence(strict))

    assert decision.candidate is None
    assert page.answer.headline.text() == "Nothing meets every requirement yet"
    assert not page.answer.mark.isVisible()
    assert not page.answer.figures[0].isVisible()
    assert page.why.texts()


def test_an_unknown_compliance_fact_waits_for_an_answer(qtbot: QtBot, page: DecidePage, world: PageWorld) -> None:
    personal = card_support(
        **{"criteria:\n": "criteria:\n  compliance: {data_classes: [personal], jurisdictions: [EU]}\n"}
    )
    decision = show_rows(qtbot, page, world, evidence(personal))
    page.tabs.bar.set_current(TAB_CODES.index("compliance"))
    model = page.tabs.tabs[TAB_CODES.index("compliance")].table.cells
    verdicts = {model.cell(row, 0).text: model.cell(row, 2).text for row in range(model.rowCount())}

    assert "teacher" in [item.candidate for item in decision.excluded]
    assert verdicts["teacher"] == "? unknown"
    assert verdicts["student"] == "✓ pass"


def test_what_would_change_it_brings_its_tab_into_sight(page: DecidePage) -> None:
    page.tabs.bar.set_current(COMPLEXITY)
    page.answer.flips_asked.emit()

    assert page.tabs.bar.current() == FLIPS
    assert page.tabs.tabs[FLIPS].isVisible()


def test_flips_stand_with_where_and_to_what_they_flip(page: DecidePage) -> None:
    flips = shown(page).flips
    model = page.tabs.tabs[FLIPS].table.cells

    assert model.rowCount() == len(flips) > 0
    for row, flip in enumerate(flips):
        assert model.cell(row, 1).value == flip.value
        assert model.cell(row, 2).value == flip.flips_at
        assert (flip.to_candidate or "") in model.cell(row, 3).text


@pytest.mark.parametrize("index", range(len(TAB_CODES)))
def test_every_tab_says_something(page: DecidePage, index: int) -> None:
    page.tabs.bar.set_current(index)
    tab = page.tabs.tabs[index]
    texts = [label.text() for label in tab.findChildren(QLabel) if label.isVisibleTo(tab)]

    assert tab.isVisible()
    assert any(texts) or tab.table.cells.rowCount() > 0


def test_everything_that_takes_focus_has_a_name(page: DecidePage) -> None:
    kinds = (QAbstractButton, QAbstractSlider, QAbstractItemView)
    widgets = [widget for kind in kinds for widget in page.findChildren(kind) if widget.isVisibleTo(page)]
    unnamed = [widget for widget in widgets if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not _name(widget)]

    assert len(widgets) > 8
    assert unnamed == []


def test_the_page_speaks_chinese_after_a_switch(page: DecidePage, world: PageWorld) -> None:
    world.translator.set_choice("zh_CN")

    assert page.heading.text() == "决策"
    assert page.what_if.title.text() == "假如"
    assert page.tabs.bar.text(FLIPS) == "什么会改变结论"
    world.translator.set_choice("en")


def test_a_narrow_page_needs_no_horizontal_scrolling(qtbot: QtBot, page: DecidePage) -> None:
    page.resize(840, 632)
    content = page.scroll_area.widget()
    assert content is not None

    # The page lays itself out anew after the resize, in a later turn of the event loop.
    qtbot.waitUntil(lambda: content.width() <= page.scroll_area.viewport().width())
    qtbot.waitUntil(lambda: page.what_if.geometry().top() >= page.chart_card.geometry().bottom())


def test_slider_words_show_currency_and_units(page: DecidePage) -> None:
    sliders = page.what_if.sliders

    assert sliders[BUDGET].figure.text() == "$3,000"
    assert sliders[LATENCY].figure.text() == "400\u00a0ms"
    assert sliders[REQUESTS].figure.text() == "1.0\u00a0M"


def _name(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return widget.accessibleName() or text


def test_candidates_are_compared_by_what_they_keep_of_their_teacher(world: PageWorld) -> None:
    own = decide(evidence())
    rows = compared_rows(DecisionRows(own, world.context.translator))
    by_name = {candidate.name: row for candidate, row in zip(own.candidates, rows, strict=True)}
    student = next(candidate for candidate in own.candidates if candidate.name == "student")
    assert student.retained is not None
    kept = by_name["student"][COMPARED.index("kept")]
    assert kept.value == student.retained.share.value
    assert "teacher" in kept.tip
    assert by_name["teacher"][COMPARED.index("kept")].text == "–"
    assert "MiB" in by_name["student"][COMPARED.index("size")].text


def test_a_variant_that_its_parent_beats_is_told_as_dominated(world: PageWorld) -> None:
    own = decide(evidence())
    beaten = [
        replace(candidate, dominated_by="teacher") if candidate.name == "student" else candidate
        for candidate in own.candidates
    ]
    decision = replace(own, candidates=tuple(beaten), candidate="teacher")
    rows = compared_rows(DecisionRows(decision, world.context.translator))
    places = [candidate.name for candidate in own.candidates]
    assert rows[places.index("student")][COMPARED.index("standing")].text == "dominated by teacher"


def test_the_load_tab_shows_each_level_and_where_a_candidate_saturates(
    qtbot: QtBot, page: DecidePage, world: PageWorld
) -> None:
    def step(clients: int, rate: float) -> LoadStep:
        return LoadStep(
            loop="closed", concurrency=clients, rate=None, requests_per_second=rate, latency_ms=(10.0,) * 300,
            failed=0, warm_up_requests=clients, seconds=3.0,
        )  # fmt: skip

    def with_first_tokens(one: LoadStep) -> LoadStep:
        return one.model_copy(update={"time_to_first_token_ms": (4.0,) * 300})

    tab = page.tabs.tabs[LOAD]
    assert "No candidate has figures under load" in tab.sentence.text()
    steps = (step(1, 90.0), step(2, 95.0))
    tested = LoadResult(runtime="torch", device="CPU", steps=steps, requests=613, seconds=7.0)
    rows = evidence()
    first = replace(rows.candidates[0], load=tested)
    show_rows(qtbot, page, world, replace(rows, candidates=(first, *rows.candidates[1:])))
    assert f"{first.name} saturates at 1 client with 90 requests a second" in tab.sentence.text()
    assert [tab.table.cells.cell(row, 1).text for row in range(2)] == ["1 client", "2 clients"]
    assert tab.table.cells.cell(0, 6).value == 10.0
    assert tab.table.cells.columnCount() == 8
    streamed = replace(first, load=tested.model_copy(update={"steps": (with_first_tokens(steps[0]), steps[1])}))
    show_rows(qtbot, page, world, replace(rows, candidates=(streamed, *rows.candidates[1:])))
    assert [tab.table.cells.cell(row, 7).text for row in range(2)] == ["4.00\xa0ms", "–"]
    counted = with_first_tokens(steps[0]).model_copy(update={"output_tokens_per_second": 450.0, "noisy": True})
    written = replace(first, load=tested.model_copy(update={"steps": (counted, steps[1])}))
    page.tabs.show_decision(decide(replace(rows, candidates=(written, *rows.candidates[1:])), with_flips=False))
    assert [tab.table.cells.cell(row, 3).text for row in range(2)] == ["450", "–"]
    assert "the machine was busy at 1 level under load" in tab.sentence.text()
    limited = apply_overrides(rows.study, ["criteria.service.time_to_first_token_ms=5"])
    held = replace(rows, study=limited, candidates=(streamed, *rows.candidates[1:]))
    page.tabs.show_decision(decide(held, with_flips=False))
    assert "the limit on the first token is not in its goodput" in tab.sentence.text()


@pytest.mark.parametrize(("language", "words"), [("en", "have no usable answer"), ("zh_CN", "没有可用的回答")])
def test_the_candidates_tab_says_how_many_rows_have_no_answer(
    page: DecidePage, world: PageWorld, language: str, words: str
) -> None:
    world.context.translator.set_choice(language)
    tab = page.tabs.tabs[CANDIDATES]
    own = decide(evidence(), with_flips=False)
    page.tabs.show_decision(own)
    assert words not in tab.sentence.text()
    first = replace(own.candidates[0], unanswered=Unanswered(7, 40))
    page.tabs.show_decision(replace(own, candidates=(first, *own.candidates[1:])))
    assert words in tab.sentence.text()
    assert "7" in tab.sentence.text()


@pytest.mark.parametrize(("language", "words"), [("en", "longer than the 24 tokens"), ("zh_CN", "24")])
def test_the_candidates_tab_says_whose_inputs_were_cut(
    page: DecidePage, world: PageWorld, language: str, words: str
) -> None:
    world.context.translator.set_choice(language)
    tab = page.tabs.tabs[CANDIDATES]
    own = decide(evidence(), with_flips=False)
    first = replace(own.candidates[0], cut_inputs=CutInputs(100, 1, 0, 24))
    page.tabs.show_decision(replace(own, candidates=(first, *own.candidates[1:])))
    assert tab.sentence.text() == ""  # one row of a hundred is not worth a word
    first = replace(first, cut_inputs=CutInputs(100, 75, 0, 24))
    page.tabs.show_decision(replace(own, candidates=(first, *own.candidates[1:])))
    assert words in tab.sentence.text()


def test_the_load_tab_gives_a_level_of_which_most_failed_no_figures_and_says_why(
    qtbot: QtBot, page: DecidePage, world: PageWorld
) -> None:
    busy = FailureCause(kind="busy", status=429, words="slow down", count=400)
    steps = tuple(
        LoadStep(
            loop="closed", concurrency=clients, rate=None, requests_per_second=50.0, latency_ms=(10.0,) * 300,
            failed=sum(cause.count for cause in causes), causes=causes, warm_up_requests=clients, seconds=3.0,
        )
        for clients, causes in ((1, ()), (2, (busy,)))
    )  # fmt: skip
    tested = LoadResult(runtime="endpoint", device="x", steps=steps, requests=1013, seconds=7.0)
    rows = evidence()
    first = replace(rows.candidates[0], load=tested)
    show_rows(qtbot, page, world, replace(rows, candidates=(first, *rows.candidates[1:])))
    tab = page.tabs.tabs[LOAD]
    failing = [tab.table.cells.cell(1, column) for column in range(8)]
    assert [cell.text for cell in failing[2:]] == ["–", "–", "–", "–", "–", "400"]
    assert failing[7].color == "warn"
    assert "more than half of the requests failed" in failing[1].tip
    assert "400 of 1000 requests failed under load" in tab.sentence.text()
    world.context.translator.set_choice("zh_CN")
    page.tabs.show_decision(decide(replace(rows, candidates=(first, *rows.candidates[1:])), with_flips=False))
    assert "状态 429：slow down" in tab.sentence.text()


def test_no_tab_is_out_of_sight_on_a_narrow_page(qtbot: QtBot, page: DecidePage) -> None:
    page.resize(840, 632)
    tabs = page.tabs.bar.findChildren(QAbstractButton)

    qtbot.waitUntil(lambda: page.tabs.bar.width() <= page.width())
    assert len(tabs) == len(TAB_CODES)
    assert all(page.tabs.bar.rect().contains(tab.geometry()) for tab in tabs)
    assert len({(tab.x(), tab.y()) for tab in tabs}) == len(tabs)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_students_own_learning_curve_is_drawn_with_what_more_labels_would_bring(
    page: DecidePage, world: PageWorld, language: str
) -> None:
    world.context.translator.set_choice(language)
    tab = page.tabs.tabs[COMPLEXITY]
    page.tabs.bar.set_current(COMPLEXITY)
    assert not page.tabs.learning.isVisible()
    page.tabs.show_decision(decide(student_curve.evidence(seeds=3), with_flips=False))
    page.tabs.learning.canvas.settle()
    assert page.tabs.learning.isVisible()
    labels = [placed.block.name for placed in page.tabs.learning.canvas.placed_labels]
    assert "measured.800" in labels
    assert not [name for name in labels if name.count(".") == 2]
    words = "With 800 more labelled examples small is expected" if language == "en" else "再增加 800 个标注样本"
    assert words in tab.sentence.text()
