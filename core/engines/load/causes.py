"""Why requests of a load test failed, and what is said where most of them did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.engines.language.endpoint_trouble import RefusedRequest, TransientTrouble
from core.errors import UserError
from core.jobs.results import FailureCause, LoadStep

_BUSY = 429
_KINDS: dict[str, Literal["timeout", "unreachable"]] = {
    "endpoint.timeout": "timeout",
    "endpoint.unreachable": "unreachable",
}


@dataclass(frozen=True)
class Failure:
    """Why one request failed; `words` are the server's or the client's own, of a timeout its seconds."""

    kind: Literal["busy", "status", "timeout", "unreachable", "broken"]
    status: int | None
    words: str


def failure_of(error: TransientTrouble | RefusedRequest) -> Failure:
    """What an error says of the request that it ended."""
    if isinstance(error, RefusedRequest):
        return Failure("status", error.status, error.words)
    values = error.values
    words = str(values.get("words") or values.get("problem") or values.get("seconds") or "-")
    if (status := values.get("status")) is not None:
        return Failure("busy" if status == _BUSY else "status", int(status), words)
    return Failure(_KINDS.get(error.code, "broken"), None, words)


def causes_of(failures: Iterable[Failure]) -> tuple[FailureCause, ...]:
    """How often each cause was seen, the most frequent first; the words are those of its first request, for servers
    name the request in theirs."""
    found: dict[tuple[str, int | None], list[Failure]] = {}
    for failure in failures:
        found.setdefault((failure.kind, failure.status), []).append(failure)
    return tuple(
        FailureCause(kind=same[0].kind, status=same[0].status, words=same[0].words, count=len(same))
        for same in sorted(found.values(), key=len, reverse=True)
    )


def check_usable(steps: Sequence[LoadStep]) -> None:
    """Raises UserError where more than half of the requests failed at every level: nothing was measured then."""
    if not all(step.mostly_failed for step in steps):
        return
    most = max((cause for step in steps for cause in step.causes), key=lambda cause: cause.count)
    failed = sum(step.failed for step in steps)
    requests = failed + sum(len(step.latency_ms) for step in steps)
    raise UserError(
        f"load.mostly_failed.{most.kind}", failed=failed, requests=requests, status=most.status, words=most.words
    )
