"""An endpoint as lm-eval asks it: each request is one message, and its answer ends before the first stop text.

An endpoint tells no probabilities of given texts: tasks that compare those (multiple choice by likelihood, perplexity)
are refused. Answers are kept like all bought ones and never bought twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.engines.language.answer import Answer
from core.engines.language.answer_store import AnswerStore, Asked, open_answers
from core.engines.language.endpoint import Endpoint
from core.engines.language.generator import Generation
from core.engines.language.request_estimate import estimate
from core.engines.suites.progress import RequestCount
from core.errors import UserError
from core.jobs.specs import VendorPrice
from core.lazy import load
from core.spec import EndpointModel
from core.worker.context import Stopped

# lm-eval's own default where a task sets no limit.
MOST_TOKENS = 256
_KEPT = ("stop", "length", "content_filter")


class EndpointAnswering:
    """Answers lm-eval's requests by an endpoint; `folder` holds the study's bought answers."""

    def __init__(
        self,
        model: EndpointModel,
        folder: Path,
        job_id: str,
        warn: Callable[[str], None],
        should_stop: Callable[[], bool],
        count: RequestCount,
        price: VendorPrice | None = None,
    ) -> None:
        self._model = model
        self._folder = folder
        self._job_id = job_id
        self._warn = warn
        self._should_stop = should_stop
        self._price = price
        self._count = count
        # What this job has bought so far: its cap in money is over all of it.
        self._bought: list[tuple[str, Generation]] = []

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """The answer to each request, in their order; an answer that cannot be used is empty. Raises Stopped."""
        wanted = [_request(request.args) for request in requests]
        answers: dict[tuple[str, int], str] = {}
        for limit in sorted({tokens for _, _, tokens in wanted}):
            messages = list(dict.fromkeys(message for message, _, tokens in wanted if tokens == limit))
            answers |= {(message, limit): text for message, text in self._asked(messages, limit).items()}
        return [_before(answers[message, tokens], stops) for message, stops, tokens in wanted]

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Raises UserError: an endpoint weighs no given texts."""
        raise UserError("suites.endpoint_weighs", model=self._model.model)

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """Raises UserError: an endpoint weighs no given texts."""
        raise UserError("suites.endpoint_weighs", model=self._model.model)

    def apply_chat_template(self, chat_history: Sequence[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """All turns as one message: the endpoint puts it into its own template."""
        return "\n\n".join(turn["content"] for turn in chat_history)

    def _asked(self, messages: Sequence[str], limit: int) -> dict[str, str]:
        """The text of each message's answer, of those that were bought before and of the others."""
        with Endpoint(self._model, limit, 0, self._warn, self._should_stop, self._price) as endpoint:
            asked = endpoint.asked()
            with open_answers(self._folder, asked, self._stop_when_asked) as store:
                self._note_earlier(messages, asked, store)
                endpoint.budget.count_earlier(self._bought)
                missing = [message for message in messages if asked.key(message) not in store]
                keys = [asked.key(message) for message in missing]
                endpoint.check_cap(len(missing))
                endpoint.budget.check(estimate(missing, keys, store, limit, names_labels=False))
                left = set(missing)
                endpoint.answered_before([message for message in messages if message not in left])
                unusable: dict[str, str] = {}
                self._count.expect(len(missing))

                def keep(place: int, answer: Answer) -> None:
                    self._count.add_partial("generate_until", missing[place], answer)
                    if answer.generation.finish_reason in _KEPT:
                        store.put(asked.key(missing[place]), answer, self._job_id)
                        self._bought.append((missing[place], answer.generation))
                    else:
                        unusable[missing[place]] = ""

                if missing and not endpoint.ask(missing, keep):
                    raise Stopped
                known = [message for message in messages if message not in unusable]
                return unusable | {message: store.get(asked.key(message)).generation.text for message in known}

    def _note_earlier(self, messages: Sequence[str], asked: Asked, store: AnswerStore) -> None:
        """Count what earlier attempts of this job bought of these messages."""
        counted = {message for message, _ in self._bought}
        for message in messages:
            key = asked.key(message)
            if message not in counted and key in store and store.bought_by(key) == self._job_id:
                self._bought.append((message, store.get(key).generation))

    def _stop_when_asked(self) -> None:
        if self._should_stop():
            raise Stopped


def endpoint_model(answering: EndpointAnswering) -> Any:
    """lm-eval's model over an endpoint: its base class, with the answers of `answering`."""
    base: Any = load("lm_eval.api.model").LM
    names = ("generate_until", "loglikelihood", "loglikelihood_rolling", "apply_chat_template")
    # Made here and not declared: lm-eval may not be installed where this module is read.
    made = type(
        "EndpointOfStudy",
        (base,),
        {name: _handed_on(name) for name in names} | {"answering": answering, "tokenizer_name": "endpoint"},
    )
    return made()


def _handed_on(name: str) -> Callable[..., Any]:
    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        return getattr(self.answering, name)(*arguments, **options)

    return call


def _request(arguments: tuple[Any, ...]) -> tuple[str, tuple[str, ...], int]:
    """A request's message, the texts that end its answer, and the most tokens of it."""
    message, settings = arguments[0], dict(arguments[1])
    until = settings.get("until") or ()
    stops = (until,) if isinstance(until, str) else tuple(until)
    return str(message), stops, int(settings.get("max_gen_toks") or settings.get("max_tokens") or MOST_TOKENS)


def _before(text: str, stops: Sequence[str]) -> str:
    """The text before the first of the stop texts."""
    ends = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text
