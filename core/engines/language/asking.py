"""What jobs that ask a language model about rows have in common: waiting for its answers, and counting their time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.engines.durable import disk_full_told, write_json
from core.engines.language.answer_store import AnswerStore
from core.engines.language.question import Message
from core.engines.language.request_estimate import estimate, told_estimate
from core.engines.language.respondents import EndpointRespondent, Respondent
from core.i18n import english
from core.jobs.specs import VendorPrice
from core.worker.context import JobContext, Stopped

_SECONDS_NAME = "label_seconds.json"
_SECONDS_BYTES = 4096


def waiting(context: JobContext) -> Callable[[], None]:
    """What to do while another job holds the answers of the same model: say so once, and stop when asked to."""
    told = False

    def wait() -> None:
        nonlocal told
        if context.should_stop():
            raise Stopped
        if not told:
            context.log(english("label.log.waiting"))
            told = True

    return wait


def tell_cost(
    respondent: Respondent,
    messages: Sequence[Message],
    keys: Sequence[str],
    store: AnswerStore,
    max_output_tokens: int,
    price: VendorPrice | None,
    context: JobContext,
    short_answers: bool = False,
) -> None:
    """Say what an endpoint's answers to the messages that have none in `store` will cost; `keys` name the answers.

    Raises UserError where that is more than the study file allows.
    """
    if not isinstance(respondent, EndpointRespondent):
        return
    expected = estimate(messages, keys, store, max_output_tokens, names_labels=short_answers)
    job_id = context.spec.job_id
    earlier = [
        (message, store.get(key).generation)
        for message, key in zip(messages, keys, strict=True)
        if key in store and store.bought_by(key) == job_id
    ]
    respondent.check_cost(expected, earlier)
    context.log(told_estimate(expected, price))


@contextmanager
def counted_seconds(folder: Path) -> Iterator[Callable[[], float]]:
    """A function that tells the seconds of work so far, those of attempts that were stopped included."""
    path = folder / _SECONDS_NAME
    try:
        before = float(json.loads(path.read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        before = 0.0
    begun = time.monotonic()

    def seconds() -> float:
        return before + time.monotonic() - begun

    try:
        yield seconds
    finally:
        with disk_full_told(path, _SECONDS_BYTES):
            write_json(path, {"seconds": seconds()})
