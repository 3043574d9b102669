"""`tercet results`: the trials of a search beside the candidate that it found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from distilled_by_hand import SWEEP, distilled_evidence

from core.commands.results import print_results
from core.decide import decide
from core.decide.documents import results_document


def test_the_trials_of_a_search_stand_below_the_candidates_with_the_chosen_one_marked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    evidence = distilled_evidence()
    decision = decide(evidence, with_flips=False)
    print_results(results_document(evidence, decision), decision)
    told = " ".join(capsys.readouterr().out.split())
    head, _, trials = told.partition("The search for found, on 1,000 train rows that no trial learnt")
    assert head.startswith("candidate")
    assert "the teacher reaches 93.0% there" in trials
    assert trials.count("complete") + trials.count("chosen") == sum(one.state == "complete" for one in SWEEP.trials)
    assert "7 chosen layers" in trials
    assert "91.2% 1,640" in trials  # the chosen one's quality and speed
    assert "stopped early" in trials


def test_the_results_document_holds_each_trial_and_null_where_nobody_searched() -> None:
    evidence = distilled_evidence()
    document = results_document(evidence, decide(evidence, with_flips=False))
    search = {row["name"]: row["search"] for row in document["candidates"]}
    assert {name for name, found in search.items() if found is not None} == {"found"}
    assert search["found"]["chosen"] == 7
    trials = search["found"]["trials"]
    assert [one["trial"] for one in trials] == [one.number for one in SWEEP.trials]
    assert trials[8]["within_limits"] is False
    assert trials[4]["quality"] is None


def test_a_choice_whose_lead_is_within_the_spread_of_the_timings_is_told_with_the_spread(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spread = [
        one.model_copy(update={"requests_per_second_low": 1500.0, "requests_per_second_high": 1700.0})
        if one.number == SWEEP.chosen
        else one
        for one in SWEEP.trials
    ]
    found = SWEEP.model_copy(update={"trials": tuple(spread), "as_fast": (5, 6)})
    evidence = distilled_evidence()
    candidates = tuple(replace(one, sweep=found) if one.sweep is not None else one for one in evidence.candidates)
    evidence = replace(evidence, candidates=candidates)
    decision = decide(evidence, with_flips=False)
    document = results_document(evidence, decision)
    print_results(document, decision)
    told = " ".join(capsys.readouterr().out.split())
    assert "the lead of trial 7 lies within the spread of the timings" in told
    assert "from trial 5, 6" in told
    assert "1,640 [1,500, 1,700]" in told
    search = next(row["search"] for row in document["candidates"] if row["search"] is not None)
    assert search["as_fast"] == [5, 6]
    assert search["trials"][7]["requests_per_second_low"] == 1500.0
    assert search["trials"][0]["requests_per_second_low"] is None
