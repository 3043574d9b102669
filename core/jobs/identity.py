"""A job's identity: the hash of everything that determines its result, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from core.domain import JobKind
from core.jobs.specs import Parameters

# Raised where an engine changes so that the same parameters give another result, a changed default included: defaults
# are no part of the hash, so that a new option leaves old jobs as they are.
ENGINE_VERSIONS: dict[JobKind, int] = {
    JobKind.PREPARE: 1,
    JobKind.PROFILE: 1,
    JobKind.FINE_TUNE: 1,
    JobKind.DISTILL: 1,
    JobKind.COMPRESS: 1,
    JobKind.LABEL: 1,
    JobKind.SWEEP: 1,
    JobKind.BENCHMARK: 1,
    JobKind.CHECK: 1,
    JobKind.JUDGE: 1,
    JobKind.LOAD: 1,
    JobKind.ROUTE: 1,
    JobKind.INDEX: 1,
    JobKind.SUITE: 1,
}
_ID_LENGTH = 16


def job_id(parameters: Parameters, inputs: Mapping[str, str]) -> str:
    """The id of a job: 16 hexadecimal digits of a SHA-256. Where a data file lies is no part of it, its content is."""
    document = {
        "kind": parameters.kind.value,
        "parameters": _without_paths(parameters.model_dump(mode="json", exclude_defaults=True, exclude=_TOLD)),
        "inputs": dict(inputs),
        "engine": ENGINE_VERSIONS[parameters.kind],
    }
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_ID_LENGTH]


# What a vendor takes changes no answer, nor does what a job only says or refuses.
_TOLD = {"price", "teacher_in_text", "told_elsewhere", "prunes", "teacher_knows_rows"}
# Where things lie and how a vendor is reached; what they are is told by hashes, addresses and names.
_PLACES = {
    "local": ("path",),
    "gguf": ("file",),
    "predictions": ("file",),
    "endpoint": (
        "key_name",
        "key_env",
        "headers",
        "proxy",
        "ca_file",
        "requests_per_minute",
        "timeout_s",
        "max_requests",
        "max_cost",
    ),
}


def _without_paths(value: Any) -> Any:
    """The document without the places of things whose content is told beside them."""
    if isinstance(value, dict):
        places = _PLACES.get(str(value.get("source")), ()) + (("path",) if "sha256" in value else ())
        return {key: _without_paths(item) for key, item in value.items() if key not in places}
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    return value
