"""The second request for an answer that failed its checks: bought once, kept for ever, timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from core.domain import Example
from core.engines.benchmark.answering import as_messages
from core.engines.language.answer import Answer
from core.engines.language.answer_store import answers_folder, open_answers
from core.engines.language.asking import tell_cost, waiting
from core.engines.language.endpoint_round import OnAnswer
from core.engines.language.generator import Generation
from core.engines.language.question import Message, Question, pictures_of, question_of_row, text_of
from core.engines.language.respondents import LocalRespondent, Respondent, open_respondent
from core.engines.retrieval.given import PassageSource
from core.engines.retrieval.messages import with_passages
from core.i18n import english
from core.jobs.specs import CheckParameters
from core.metrics.answer_checks import Failure
from core.worker.context import JobContext, Stopped

PHASE = "phase.re_ask"


def first_messages(
    parameters: CheckParameters, examples: Sequence[Example], passages: PassageSource
) -> dict[str, Message]:
    """What was asked about each row that is not of train, by its id, with the passages that were given."""
    asked = as_messages(examples, parameters.task, [])
    prompt = parameters.passages_prompt
    return {
        one.example_id: question_of_row(
            replace(one, input=with_passages(prompt, passages.of(one.example_id), one.input))
        )
        for one in asked
    }


def second_message(message: Message, answer: str, failures: Sequence[Failure]) -> Message:
    """What is asked once more: the first message with its pictures, the answer to it, and what is wrong with that."""
    wrong = "; it ".join(failure.words for failure in failures)
    text = (
        f"{text_of(message)}\n\nYou answered before:\n<<<\n{answer}\n>>>\n\nThat answer cannot be used: it {wrong}. "
        "Answer again so that this is mended, with nothing but the new answer."
    )
    return Question(text, pictures_of(message)) if pictures_of(message) else text


def ask_again(parameters: CheckParameters, messages: Sequence[Message], context: JobContext) -> dict[Message, Answer]:
    """The answer to each message. What was bought before is not bought again; one that the model failed to give is not
    kept. Raises Stopped and UserError."""
    wanted = tuple(dict.fromkeys(messages))
    unanswered: dict[Message, Answer] = {}
    with (
        _respondent(parameters, context) as respondent,
        open_answers(answers_folder(context.folder), respondent.asked(), waiting(context)) as store,
    ):
        keys = {message: respondent.asked().key(message) for message in wanted}
        missing = [place for place, message in enumerate(wanted) if keys[message] not in store]
        known = len(wanted) - len(missing)
        context.started(respondent.device, known)
        if known:
            context.log(english("check.log.kept", count=known, rows=len(wanted)))
        context.progress(PHASE, known, len(wanted))
        heard = 0

        def take(place: int, answer: Answer) -> None:
            nonlocal heard
            if answer.generation.finish_reason in ("failed", "too_long"):
                unanswered[wanted[place]] = answer
            else:
                store.put(keys[wanted[place]], answer, context.spec.job_id)
            heard += 1
            context.progress(PHASE, known + heard, len(wanted))

        if missing:
            limit, price = parameters.task.max_output_tokens, parameters.price
            tell_cost(respondent, wanted, list(keys.values()), store, limit, price, context)
            respondent.ask(wanted, missing, take)
        return {message: unanswered.get(message) or store.get(keys[message]) for message in wanted}


@contextmanager
def _respondent(parameters: CheckParameters, context: JobContext) -> Iterator[Respondent]:
    limit = parameters.task.max_output_tokens
    model, price = parameters.loadable, parameters.price
    with open_respondent(model, parameters.model_sha256, (), limit, context, price=price) as respondent:
        if isinstance(respondent, LocalRespondent):
            yield OneByOne(respondent, limit, context.should_stop)
        else:
            yield respondent


class OneByOne:
    """A model on this machine, asked one message at a time, so that the time of each answer is that of a request."""

    def __init__(self, respondent: LocalRespondent, max_output_tokens: int, should_stop: Callable[[], bool]) -> None:
        self._respondent = respondent
        self._limit = max_output_tokens
        self._should_stop = should_stop
        self.device = respondent.device

    def asked(self) -> Any:
        """What names its answers."""
        return self._respondent.asked()

    def ask(self, messages: Sequence[Message], missing: Sequence[int], on_answer: OnAnswer) -> None:
        """Answer the missing messages in their order. Raises Stopped within an answer too."""
        generator = self._respondent.opened([text_of(message) for message in messages])
        for place in missing:
            self._stop_when_asked()
            begun = time.perf_counter()
            (said,) = generator.generate([text_of(messages[place])], self._limit)
            on_answer(place, Answer(_timed(said, (time.perf_counter() - begun) * 1000.0)))

    def _stop_when_asked(self) -> None:
        if self._should_stop():
            raise Stopped


def _timed(said: Generation, latency_ms: float) -> Generation:
    return said if said.latency_ms is not None else Generation(**{**vars(said), "latency_ms": latency_ms})
