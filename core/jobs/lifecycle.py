"""The life of a job as a pure state machine."""

from __future__ import annotations

from enum import StrEnum

from core.domain import JobState


class Step(StrEnum):
    """What can happen to a job."""

    BEGIN = "begin"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    INTERRUPT = "interrupt"
    REQUEUE = "requeue"


_NEXT: dict[tuple[JobState, Step], JobState] = {
    (JobState.QUEUED, Step.BEGIN): JobState.RUNNING,
    (JobState.QUEUED, Step.CANCEL): JobState.CANCELLED,
    (JobState.RUNNING, Step.SUCCEED): JobState.SUCCEEDED,
    (JobState.RUNNING, Step.FAIL): JobState.FAILED,
    (JobState.RUNNING, Step.CANCEL): JobState.CANCELLED,
    (JobState.RUNNING, Step.INTERRUPT): JobState.INTERRUPTED,
    (JobState.FAILED, Step.REQUEUE): JobState.QUEUED,
    (JobState.CANCELLED, Step.REQUEUE): JobState.QUEUED,
    (JobState.INTERRUPTED, Step.REQUEUE): JobState.QUEUED,
}

# A worker that could not write its events ends with EX_IOERR of sysexits.h.
UNWRITABLE_EXIT = 74

OPEN_STATES = frozenset({JobState.QUEUED, JobState.RUNNING})
UNFINISHED_STATES = frozenset({JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED})


def allowed(state: JobState, step: Step) -> bool:
    """Whether `step` can happen to a job in `state`."""
    return (state, step) in _NEXT


def after(state: JobState, step: Step) -> JobState:
    """The state that `step` leads to. Raises ValueError where it cannot happen, for that is a bug."""
    try:
        return _NEXT[(state, step)]
    except KeyError:
        raise ValueError(f"a job that is {state} cannot {step}") from None
