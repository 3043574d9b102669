"""What excludes a candidate, and that what is not known is not passed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, priced, right_share, scored, single

from core.charts import quality_cost_chart
from core.charts.build import excluded_label
from core.decide import Decision, decide
from core.domain import Choice, Gate

ROWS = 400
MACHINE = {"kind": "self_hosted", "capex": 3600, "power_kw": 0.5, "tariff": 0.2, "memory_gib": 1}
TIMES_MS: list[float] = np.random.default_rng(3).lognormal(3.0, 0.2, 300).tolist()  # p95 near 28 ms


def decision(**criteria: Any) -> Decision:
    """Of a good teacher at a vendor and a weaker student on a machine, under the criteria given."""
    criteria = {"cost": {"monthly_requests": 1_000_000, "value_per_success": 0.002}} | criteria
    study = make_study(
        [single("big", "teacher", profile="vendor"), single("small", profile="workstation")],
        criteria=criteria,
        profiles={"workstation": MACHINE, "vendor": priced(900.0)},
    )
    rows = {"big": scored(right_share(0.95, ROWS, 1)), "small": scored(right_share(0.85, ROWS, 2))}
    figures = {
        "big": benchmark([4 * time for time in TIMES_MS], 50.0),
        "small": benchmark(TIMES_MS, 500.0, peak_memory_mib=900.0),
    }
    return decide(evidence_of(study, rows, figures), with_flips=False)


def gates(found: Decision) -> dict[str, list[Gate]]:
    excluded: dict[str, list[Gate]] = {}
    for one in found.excluded:
        assert one.candidate in one.message.text
        excluded.setdefault(one.candidate, []).append(one.gate)
    return excluded


def test_without_limits_nothing_is_excluded() -> None:
    found = decision()
    assert gates(found) == {}
    assert found.choice is not Choice.NONE


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"service": {"min_quality": 0.9}}, {"small": [Gate.QUALITY]}),
        ({"service": {"p95_latency_ms": 60}}, {"big": [Gate.LATENCY]}),
        (
            {"cost": {"monthly_requests": 1_000_000, "value_per_success": 0.002, "monthly_budget": 500}},
            {"big": [Gate.BUDGET]},
        ),
        ({"compliance": {"on_premises": True}}, {"big": [Gate.COMPLIANCE]}),
        ({"compliance": {"data_classes": ["personal"]}}, {"big": [Gate.COMPLIANCE]}),
        ({"compliance": {"data_classes": ["personal"], "facts": {"contract.dpa": False}}}, {"big": [Gate.COMPLIANCE]}),
        ({"compliance": {"data_classes": ["personal"], "facts": {"contract.dpa": True}}}, {}),
        ({"compliance": {"data_classes": ["payment"]}}, {}),
    ],
)
def test_each_limit_excludes_whom_it_should_and_names_its_gate(
    criteria: dict[str, Any], expected: dict[str, list[Gate]]
) -> None:
    assert gates(decision(**criteria)) == expected


def test_an_unanswered_question_is_unknown_and_not_a_pass() -> None:
    found = decision(compliance={"data_classes": ["personal"]})
    (gate,) = [gate for gate in found.of("big").gates if gate.gate is Gate.COMPLIANCE]
    assert gate.state == "unknown"
    assert "contract.dpa" in gate.message.text
    assert found.candidate == "small"


def test_too_little_memory_excludes() -> None:
    study = make_study(
        [single("small", profile="workstation")],
        profiles={"workstation": MACHINE | {"memory_gib": 0.5}},
    )
    found = decide(
        evidence_of(
            study, {"small": scored(right_share(0.9, ROWS))}, {"small": benchmark(TIMES_MS, 9.0, peak_memory_mib=900.0)}
        ),
        with_flips=False,
    )
    assert gates(found) == {"small": [Gate.MEMORY]}
    assert found.choice is Choice.NONE


def test_a_quality_just_above_the_floor_does_not_pass_by_luck() -> None:
    """0.855 of 400 is above 0.85 with a chance of about 0.6 only; 0.9 is needed."""
    study = make_study([single("small")], criteria={
        "cost": {"monthly_requests": 1000}, "service": {"min_quality": 0.85},
    })  # fmt: skip
    found = decide(
        evidence_of(study, {"small": scored(right_share(0.855, ROWS))}, {"small": benchmark(TIMES_MS, 9.0)}),
        with_flips=False,
    )
    (gate,) = found.of("small").gates
    assert gate.probability is not None
    assert 0.5 < gate.probability < 0.75
    assert gate.state != "pass"
    assert found.choice is Choice.INCONCLUSIVE
    assert found.leading == "small"
    assert any("more" in reason.text and "examples" in reason.text for reason in (found.headline, *found.reasons))


def test_where_nothing_can_pass_nothing_is_recommended() -> None:
    found = decision(service={"min_quality": 0.999})
    assert found.choice is Choice.NONE
    assert found.candidate is None
    assert set(gates(found)) == {"big", "small"}


def test_a_latency_limit_without_a_measurement_is_unknown() -> None:
    study = make_study([single("small")], criteria={
        "cost": {"monthly_requests": 1000}, "service": {"p95_latency_ms": 100},
    })  # fmt: skip
    found = decide(evidence_of(study, {"small": scored(right_share(0.9, ROWS))}), with_flips=False)
    (gate,) = [gate for gate in found.of("small").gates if gate.gate is Gate.LATENCY]
    assert gate.state == "unknown"


def test_pictures_exclude_what_takes_none_measured_or_not() -> None:
    endpoint = {"source": "endpoint", "base_url": "http://host/v1", "model": "m"}
    study = make_study(
        [
            single("sees", "teacher", profile="vendor", model={**endpoint, "images": True}),
            single("reads", profile="vendor", model=endpoint),
            single("floor", profile="workstation", model={"source": "baseline", "kind": "tfidf_linear"}),
        ],
        profiles={"workstation": MACHINE, "vendor": priced(900.0)},
    )
    with_pictures = study.model_copy(
        update={
            "data": study.data.model_copy(update={"columns": study.data.columns.model_copy(update={"image": "photo"})})
        }
    )
    rows = {"sees": scored(right_share(0.9, ROWS, 1))}
    found = decide(evidence_of(with_pictures, rows, {"sees": benchmark(TIMES_MS, 50.0)}), with_flips=False)
    assert gates(found) == {"reads": [Gate.MODALITY], "floor": [Gate.MODALITY]}
    assert "photo" in found.excluded[0].message.text
    assert gates(decide(evidence_of(study, rows, {"sees": benchmark(TIMES_MS, 50.0)}), with_flips=False)) == {}


def test_what_takes_no_pictures_is_excluded_and_not_waited_for() -> None:
    seeing = {"source": "endpoint", "base_url": "http://localhost:1/v1", "model": "m", "images": True}
    candidates = [
        single("big", "teacher", model=seeing),
        single("later", model=seeing),
        single("blind", model={**seeing, "images": False}),
    ]
    study = make_study(candidates, profiles={"vendor": priced(900.0)}, data={"columns": {"image": "photo"}})
    found = decide(evidence_of(study, {"big": scored(right_share(0.95, ROWS, 1))}), with_flips=False)
    assert gates(found) == {"blind": [Gate.MODALITY]}
    assert found.not_measured == ("later",)
    (waiting,) = [reason for reason in found.reasons if reason.code == "decide.reason.provisional"]
    assert waiting.values == {"names": "later"}
    told = [one.message for one in found.measure_next]
    assert [one.values for one in told if one.code == "decide.next.not_measured"] == [{"candidate": "later"}]
    assert "decide.next.floor" not in {one.code for one in told}


def useless(service: dict[str, float] | None = None, big: float = 0.0, **cost: float) -> Decision:
    """Of a dear teacher, and a student that answers nothing rightly and costs next to nothing."""
    study = make_study(
        [single("big", "teacher", profile="vendor"), single("small", profile="cheap")],
        criteria={"cost": {"monthly_requests": 1_000_000, **cost}, "service": service or {}},
        profiles={"vendor": priced(900.0), "cheap": priced(0.1)},
    )
    rows = {"big": scored(right_share(big, ROWS, 1)), "small": scored(np.zeros(ROWS))}
    return decide(evidence_of(study, rows), with_flips=False)


@pytest.mark.parametrize(
    ("service", "cost"),
    [({}, {}), ({"min_quality": 0.0}, {}), ({}, {"value_per_success": 0.00001}), ({"quality_margin": 1.0}, {})],
    ids=["no minimum", "a minimum of nothing", "a right answer is worth less than it costs", "any margin"],
)
def test_what_answers_nothing_rightly_is_never_recommended_however_cheap(
    service: dict[str, float], cost: dict[str, float]
) -> None:
    found = useless(service, big=0.02, **cost)
    assert found.candidate != "small"
    (gate,) = [one for one in found.of("small").gates if one.gate is Gate.QUALITY]
    assert (gate.state, gate.rule) == ("fail", "nothing_right")
    assert gate.message.text.startswith("small: none of the 400 test rows is answered rightly")
    label = excluded_label(found.of("small"))
    assert label is not None
    assert label.text == "answers nothing rightly"
    assert gates(useless(service, big=0.02, **cost))["small"] == [Gate.QUALITY]


def test_where_nobody_answers_anything_rightly_nothing_is_recommended() -> None:
    found = useless()
    assert (found.choice, found.candidate) == (Choice.NONE, None)
    assert set(gates(found)) == {"big", "small"}
    empty = quality_cost_chart(found).empty
    assert empty is not None
    assert "answers any test row rightly" in empty.text


def test_one_right_answer_is_enough_to_be_an_option_where_no_minimum_is_set() -> None:
    found = useless(big=1 / ROWS)
    assert "big" not in gates(found)


def test_a_minimum_that_is_missed_is_told_alone() -> None:
    (gate,) = [one for one in useless({"min_quality": 0.5}).of("small").gates if one.gate is Gate.QUALITY]
    assert gate.rule is None
    assert gate.message.code == "decide.gate.quality.fail"
