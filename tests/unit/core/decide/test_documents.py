"""The two documents have exactly the keys that scripts rely on, whatever was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import decided_study
import pytest

from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.evidence import CandidateEvidence, StudyEvidence
from core.jobs.results import TokenTimes

CANDIDATE = {
    "name", "role", "source", "parent", "origin", "runtime", "policy", "quality", "latency_ms", "throughput",
    "runtimes", "peak_memory_mib", "model_size_mib", "parameters", "energy", "cost", "cost_benefit",
    "by_seed", "retained", "dominated_by", "baseline", "uncompressed", "memory", "retrieval", "suites", "search",
    "fields", "labels", "classes", "slices", "cut_inputs", "unanswered", "judging", "checks", "load",
}  # fmt: skip
NESTED = {
    "quality": {"metric", "value", "low", "high", "n", "spread", "seeds", "interval"},
    "latency_ms": {
        "p50", "p95", "p99", "time_to_first_token", "time_to_first_output_token", "time_per_output_token",
        "inter_token",
    },
    "throughput": {"requests_per_second", "output_tokens_per_second"},
    "energy": {"joules_per_request", "source"},
    "memory": {"loading_mib", "answering_mib", "gpu_reserved_mib", "gpu_process_mib", "source"},
    "cost": {
        "per_million_requests", "per_success", "monthly", "one_off", "one_off_labels", "one_off_judging", "currency",
    },
    "cost_benefit": {"value", "low", "high"},
    "baseline": {"hard_labels", "added"},
}  # fmt: skip
POLICY = {
    "candidate", "kind", "apgr", "apgr_low", "apgr_high", "cpt50", "cpt80", "threshold", "strong_share", "quality",
    "per_million_requests", "curve", "baselines", "verdict", "reason",
}  # fmt: skip
RECOMMENDATION = {
    "choice", "candidate", "confidence", "reasons", "excluded", "front", "break_even", "flips", "measure_next",
    "assumptions",
}  # fmt: skip


@pytest.fixture(params=[None, ("teacher", "student"), ()], ids=["all measured", "two measured", "nothing measured"])
def evidence(request: pytest.FixtureRequest) -> StudyEvidence:
    return decided_study.evidence(measured=request.param)


def results(evidence: StudyEvidence) -> dict[str, Any]:
    document = results_document(evidence, decide(evidence, with_flips=False))
    parsed: dict[str, Any] = json.loads(json.dumps(document, allow_nan=False))
    return parsed


def test_results_have_every_key_of_the_contract_and_candidates_in_study_order(evidence: StudyEvidence) -> None:
    document = results(evidence)
    assert set(document) == {"study", "task", "data", "complexity", "candidates", "policies"}
    assert set(document["data"]["rows"]) == {"train", "calibration", "test"}
    assert {"stated", "measured", "contradiction"} == set(document["complexity"])
    assert [one["name"] for one in document["candidates"]] == [one.name for one in evidence.study.candidates]
    for candidate in document["candidates"]:
        assert set(candidate) == CANDIDATE
        for part, keys in NESTED.items():
            assert set(candidate[part]) == keys, part


def test_policies_have_every_key_and_a_curve_of_share_quality_and_cost() -> None:
    document = results(decided_study.evidence())
    assert document["policies"]
    for policy in document["policies"]:
        assert set(policy) == POLICY
        assert set(policy["baselines"]) == {"random", "length", "hull", "oracle", "teacher", "student"}
        assert {len(point) for point in policy["curve"]} == {3}
        shares = [point[0] for point in policy["curve"]]
        assert (shares[0], shares[-1]) == (0.0, 1.0)
        assert shares == sorted(shares)


def test_what_was_not_measured_is_null() -> None:
    document = results(decided_study.evidence(measured=("teacher",)))
    by_name = {one["name"]: one for one in document["candidates"]}
    assert by_name["student"]["quality"]["value"] is None
    assert by_name["student"]["cost"]["monthly"] is None
    assert by_name["teacher"]["quality"]["value"] == pytest.approx(decided_study.SHARE_RIGHT["teacher"], abs=0.006)


def test_recommendation_has_every_key_of_the_contract(evidence: StudyEvidence) -> None:
    document = json.loads(json.dumps(recommendation_document(decide(evidence)), allow_nan=False))
    assert set(document) >= RECOMMENDATION
    assert document["choice"] in {"teacher", "student", "hybrid", "none", "inconclusive"}
    assert set(document["confidence"]) == {"probability_best", "expected_loss", "evpi"}
    for part, keys in {
        "reasons": {"code", "values", "text"},
        "excluded": {"candidate", "gate", "rule", "text"},
        "break_even": {"against", "requests", "months"},
        "flips": {"assumption", "value", "unit", "flips_at", "to"},
        "measure_next": {"what", "evppi", "cost"},
        "assumptions": {"name", "value", "unit", "source", "as_of"},
    }.items():
        for entry in document[part]:
            assert set(entry) >= keys, part


def test_times_of_tokens_are_told_where_text_was_written_and_null_elsewhere() -> None:
    def written(one: CandidateEvidence) -> CandidateEvidence:
        if one.name != "slow" or one.benchmark is None:
            return one
        tokens = TokenTimes(time_to_first_token_ms=(5.0,) * 70, time_per_output_token_ms=(2.0, 4.0))
        figures = one.benchmark.runtimes[0].model_copy(update={"tokens": tokens})
        update = {"runtimes": (figures,), "output_tokens_per_second": 31.0}
        return replace(one, benchmark=one.benchmark.model_copy(update=update))

    evidence = decided_study.evidence()
    told = results(replace(evidence, candidates=tuple(written(one) for one in evidence.candidates)))
    rows = {row["name"]: row for row in told["candidates"]}
    assert rows["slow"]["latency_ms"]["time_to_first_token"] == {"p50": 5.0, "p95": 5.0, "p99": None}
    assert rows["slow"]["latency_ms"]["time_per_output_token"] == {"p50": 3.0, "p95": None, "p99": None}
    assert rows["slow"]["latency_ms"]["time_to_first_output_token"] is None
    assert rows["slow"]["throughput"]["output_tokens_per_second"] == 31.0
    assert rows["student"]["latency_ms"]["time_to_first_token"] is None
