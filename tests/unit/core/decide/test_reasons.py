"""What is said of the candidates that are not chosen."""

from __future__ import annotations

from evidence_by_hand import evidence_of, make_study, priced, right_share, scored, single

from core.decide.decision import decide


def _told(price_of_second: float) -> list[str]:
    names = ("first", "second")
    study = make_study(
        [single(name, profile=name) for name in names],
        criteria={"cost": {"monthly_requests": 1_000_000, "value_per_success": 0.01}},
        profiles={"first": priced(100.0), "second": priced(price_of_second)},
    )
    rows = {"first": scored(right_share(0.9, 200)), "second": scored(right_share(0.9, 200))}
    found = decide(evidence_of(study, rows), with_flips=False)
    assert found.candidate in names
    return [reason.code for reason in found.reasons]


def test_a_difference_that_no_money_shows_is_told_as_none() -> None:
    assert "decide.reason.same_benefit" in _told(100.0)
    assert "decide.reason.less_benefit" not in _told(100.0)


def test_a_dearer_candidate_of_the_same_quality_is_no_equal_one() -> None:
    assert "decide.reason.same_benefit" not in _told(150.0)


def test_a_candidate_of_the_same_cost_is_not_called_dearer() -> None:
    names = ("first", "second")
    study = make_study(
        [single("first", "teacher"), single("second")], profiles={"vendor": priced(100.0)}
    )  # without a value of a right answer, the cheapest that is good enough is chosen
    rows = right_share(0.9, 200)
    found = decide(evidence_of(study, dict.fromkeys(names, scored(rows))), with_flips=False)
    (other,) = [name for name in names if name != found.candidate]
    told = [reason for reason in found.reasons if reason.values.get("candidate") == other]
    assert [(one.code, one.values["by"]) for one in told] == [("decide.reason.same_cost", found.candidate)]
