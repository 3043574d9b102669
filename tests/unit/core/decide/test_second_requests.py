"""Second requests for answers that failed their checks: paid and waited for where an answer stands, and nowhere else.

A case by hand. 100 rows; the student is wrong on rows 0 to 9, which the teacher answers rightly. It is asked again for
rows 0 to 14, in 1,000 ms for the first ten and in 200 ms for the other five. The policies send rows 0 to 9 to the
teacher, so that five second requests are left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, priced, route, scored, single

from core.decide.bills import Paths, hybrid_parts, paths_of, pricing_of, used_of
from core.decide.measured_policies import Part
from core.decide.options import Option, options_of
from core.decide.systems import measured_system, shared_rows
from core.domain import FloatArray, PolicyKind
from core.evidence import StudyEvidence
from core.jobs.results import CheckResult, ReAskedRow

ROWS = 100
BY_THE_MILLION = {"vendor": priced(100.0), "small vendor": priced(10.0)}
BY_THE_TOKEN = {"vendor": priced(100.0), "small vendor": {"kind": "api", "price": {
    "per_million_input_tokens": 1.0, "per_million_output_tokens": 2.0, "source": "a quote", "as_of": "2026-11-01",
}}}  # fmt: skip
ON_A_MACHINE = {"vendor": priced(100.0), "small vendor": {"kind": "self_hosted", "capex": 3600}}


def column(first: float, **changed: float) -> FloatArray:
    """A figure for each row: `to10` in rows 0 to 9, `to15` in rows 10 to 14, `first` elsewhere."""
    rows = np.full(ROWS, first)
    rows[:10], rows[10:15] = changed.get("to10", first), changed.get("to15", first)
    return rows


def evidence(profiles: dict[str, Any], *, told: bool = True, requests_per_second: float | None = 20.0) -> StudyEvidence:
    """The case; `told` says whether the check job named the rows that it asked again."""
    study = make_study(
        [
            single("big", "teacher", profile="vendor"),
            single("small", profile="small vendor"),
            {"name": "both", "role": "hybrid", "teacher": "big", "student": "small", "policies": ["router"]},
        ],
        criteria={"cost": {"monthly_requests": 1_000_000, "value_per_success": 1.0}},
        profiles=profiles,
    )
    ms = column(0.0, to10=1000.0, to15=200.0)
    rows = tuple(ReAskedRow(example_id=f"e{row}", milliseconds=ms[row]) for row in range(15)) if told else ()
    found = CheckResult(
        rows=ROWS, failed=15, re_asked=15, corrected=0, by_check=(), second_requests=15, seconds=1.0,
        second_ms=tuple(ms[:15].tolist()), re_asked_rows=rows,
    )  # fmt: skip
    first = scored(column(1.0, to10=0.0), input_tokens=column(10.0), output_tokens=column(4.0))
    both = scored(
        first.scores, input_tokens=column(10.0, to10=40.0, to15=40.0), output_tokens=column(4.0, to10=9.0, to15=9.0)
    )
    return evidence_of(
        study,
        {"big": scored(column(1.0)), "small": both},
        {"big": benchmark([500.0] * ROWS, 2.0), "small": benchmark([100.0] * ROWS, requests_per_second)},
        {"both": route(column(0.0, to10=1.0), (PolicyKind.ROUTER, PolicyKind.CASCADE))},
        more={"small": {"checking": found, "first": first}},
    )


def options(profiles: dict[str, Any], **how: Any) -> dict[str, Option]:
    found = {option.name: option for option in options_of(evidence(profiles, **how), evidence(profiles).study)}
    for policy in found["both"].policies:
        assert policy.sent.tolist() == [row < 10 for row in range(ROWS)]
    return found


def money(profiles: dict[str, Any], **how: Any) -> list[float]:
    """A million requests of the student, behind the router, and in the cascade."""
    found = options(profiles, **how)
    bills = [found["small"].bill, *(policy.bill for policy in found["both"].policies)]
    return [bill.monthly.value for bill in bills if bill.monthly is not None]


def test_by_the_request_only_what_stands_is_paid_for_twice() -> None:
    alone = 10.0 * 1.15
    router = 100.0 * 0.10 + 10.0 * (0.90 + 0.05)
    cascade = 100.0 * 0.10 + 10.0 * (1.00 + 0.05)
    assert money(BY_THE_MILLION) == pytest.approx([alone, router, cascade])


def test_by_the_token_only_what_stands_is_paid_for_twice() -> None:
    first, second = 10.0 + 2.0 * 4.0, 30.0 + 2.0 * 5.0
    alone = first + second * 0.15
    router = 100.0 * 0.10 + first * 0.90 + second * 0.05
    cascade = 100.0 * 0.10 + first + second * 0.05
    assert money(BY_THE_TOKEN) == pytest.approx([alone, router, cascade])


def test_where_the_rows_are_not_told_second_requests_are_spread_over_all() -> None:
    alone = 10.0 * 1.15
    router = 100.0 * 0.10 + 10.0 * 0.90 * 1.15
    cascade = 100.0 * 0.10 + 10.0 * (1.00 + 0.90 * 0.15)
    assert money(BY_THE_MILLION, told=False) == pytest.approx([alone, router, cascade])


@pytest.mark.parametrize(
    ("requests_per_second", "first", "standing", "all_of_them"),
    [(20.0, 0.05, 5 * 0.05, 15 * 0.05), (None, 0.1, 5 * 0.2, 10 * 1.0 + 5 * 0.2)],
    ids=["measured throughput", "one after another"],
)
def test_a_machine_is_busy_again_with_what_stands_alone(
    requests_per_second: float | None, first: float, standing: float, all_of_them: float
) -> None:
    found = evidence(ON_A_MACHINE, requests_per_second=requests_per_second)
    assert found.test is not None
    shared, pricing = shared_rows(found.test, "accuracy"), pricing_of(found.study, None)
    big, small = (Part(found.study.candidate(name), found.candidate(name), system) for name in ("big", "small")
                  if (system := measured_system(shared, found.candidate(name), found.candidate(name))))  # fmt: skip
    sent = np.arange(ROWS) < 10

    def busy(share: float, paths: Paths) -> tuple[float, float]:
        used = used_of(shared, big.system, small.system, paths)
        weak, _ = hybrid_parts(pricing, (big.candidate, big.system), (small.candidate, small.system), used, 0.0)
        assert weak.requests_per_second is not None
        told = float(np.asarray(weak.share)[0]) / weak.requests_per_second + float(np.asarray(weak.extra_seconds)[0])
        return told, share * first + standing / ROWS

    for share, kind in ((0.9, PolicyKind.ROUTER), (1.0, PolicyKind.CASCADE)):
        told, by_hand = busy(share, paths_of(sent, kind))
        assert told == pytest.approx(by_hand)
    assert small.system.requests_per_second == pytest.approx(1.0 / (first + all_of_them / ROWS), rel=0.02)


def test_a_hybrid_waits_for_second_requests_of_what_stands_alone() -> None:
    router, cascade = (policy.system for policy in options(BY_THE_MILLION)["both"].policies)
    assert router.latency_ms is not None
    assert cascade.latency_ms is not None
    assert set(np.round(router.latency_ms)) == {100.0, 300.0, 500.0}
    assert set(np.round(cascade.latency_ms)) == {100.0, 300.0, 600.0}
    for system, sent_on in ((router, 500.0), (cascade, 600.0)):
        times = np.round(system.latency_ms)  # type: ignore[arg-type]
        assert (times == sent_on).mean() == pytest.approx(0.1)
        assert (times == 300.0).mean() == pytest.approx(0.05, abs=0.02)


def test_the_student_alone_waits_for_all_of_them() -> None:
    system = options(BY_THE_MILLION)["small"].system
    assert system is not None
    assert system.latency_ms is not None
    assert (system.latency_ms > 100.0).sum() == 15
    assert system.latency_ms.max() == pytest.approx(1100.0)
