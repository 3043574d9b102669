"""An endpoint under load: every request is a new one, and none is sent twice."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.domain import Example, Split
from core.engines.benchmark import plan as timing_plan
from core.engines.benchmark.answering import as_messages
from core.engines.benchmark.environment import ForeignLoad
from core.engines.language.answer_store import Asked, answers_folder, known_answers
from core.engines.language.endpoint import Endpoint
from core.engines.language.endpoint_request import TOP_LOGPROBS
from core.engines.language.label_lists import label_names
from core.engines.language.question import Message, question_of_row
from core.engines.language.request_estimate import repeated, told_estimate
from core.engines.language.token_guess import TokenGuess
from core.engines.load.kept_levels import LoadSoFar, fingerprint_of, keep_levels, read_levels
from core.engines.load.levels import Level, most_requests_left, run_levels
from core.engines.load.local import PHASE
from core.engines.load.noise import with_noise
from core.engines.load.tasks import run_tasks
from core.i18n import english
from core.jobs.results import LoadResult, LoadStep
from core.jobs.specs import LoadParameters
from core.spec import EndpointModel, LoadPlan
from core.spec.load import FIRST_REQUESTS, MOST_CLIENTS
from core.worker.context import JobContext, Stopped


def load_endpoint(
    model: EndpointModel, parameters: LoadParameters, examples: Sequence[Example], context: JobContext
) -> LoadResult:
    """What an endpoint bears. The first requests go one by one, as any others do, and are not counted.

    Levels that an earlier attempt finished are not sent again. Raises Stopped, and UserError where the endpoint cannot
    be used or its caps leave no room for the whole test.
    """
    task = parameters.task
    names_labels = task.kind == "classification"
    asked = as_messages(examples, task, label_names(task, examples))
    test = [example for example in asked if example.split is Split.TEST]
    messages = [question_of_row(test[row]) for row in timing_plan.timing_sample(len(test))]
    top = TOP_LOGPROBS if names_labels else 0

    def warn(text: str) -> None:
        context.log(text, "warning")

    limit, price = task.max_output_tokens, parameters.price
    with Endpoint(
        model, limit, top, warn, context.should_stop, price, streams=True, connections=MOST_CLIENTS
    ) as endpoint:
        context.started(endpoint.device)
        return _EndpointTest(endpoint, parameters, messages, context).result()


class _EndpointTest:
    """One attempt at a test, which goes on behind the levels that earlier ones finished."""

    def __init__(
        self, endpoint: Endpoint, parameters: LoadParameters, messages: Sequence[Message], context: JobContext
    ) -> None:
        self._endpoint = endpoint
        self._parameters = parameters
        self._plan = parameters.plan
        self._messages = messages
        self._context = context
        self._begun = time.monotonic()
        self._earlier = read_levels(context.folder, _fingerprint(endpoint.asked(), parameters.plan, messages))
        self._steps = list(self._earlier.steps)
        self._warm = False

    def result(self) -> LoadResult:
        """Every level, now or before. Raises Stopped and UserError; what was finished until then is kept."""
        self._announce()
        self._context.progress(PHASE, len(self._steps), self._plan.levels)
        try:
            found = run_levels(self._plan, self._run, self._on_step, MOST_CLIENTS, self._earlier.steps)
        finally:
            # What a level cost that broke off is paid too.
            self._keep()
        done = self._so_far()
        return LoadResult(
            runtime=self._endpoint.runtime,
            device=self._endpoint.device,
            steps=found,
            requests=done.requests,
            seconds=done.seconds,
        )

    def _run(self, level: Level) -> LoadStep:
        if not self._warm and not self._endpoint.ask(self._messages[:FIRST_REQUESTS], lambda place, answer: None):
            raise Stopped
        self._warm = True
        foreign = ForeignLoad(server_address=self._endpoint.asked().address)
        step = self._endpoint.under_load(lambda send: run_tasks(level, send, self._messages, self._wait))
        return with_noise(step, foreign.known_share())

    def _wait(self) -> None:
        if self._context.should_stop():
            raise Stopped

    def _on_step(self, step: LoadStep) -> None:
        self._steps.append(step)
        self._keep()
        self._context.progress(PHASE, len(self._steps), self._plan.levels)

    def _keep(self) -> None:
        keep_levels(self._context.folder, self._so_far())

    def _so_far(self) -> LoadSoFar:
        return LoadSoFar(
            fingerprint=self._earlier.fingerprint,
            steps=tuple(self._steps),
            requests=self._earlier.requests + self._endpoint.sent,
            seconds=self._earlier.seconds + time.monotonic() - self._begun,
            spent=self._endpoint.budget.spent,
        )

    def _announce(self) -> None:
        """Say how many requests the test still sends and what they take, judged by what the benchmark bought. Raises
        UserError where that is more than the study file allows; nothing is sent then."""
        asked, limit = self._endpoint.asked(), self._parameters.task.max_output_tokens
        guess = TokenGuess(limit, self._parameters.task.kind == "classification")
        known = known_answers(answers_folder(self._context.folder), asked)
        for message in dict.fromkeys(self._messages):
            if (key := asked.key(message)) in known:
                guess.learn(message, known.get(key).generation)
        requests = most_requests_left(self._plan, self._steps)
        expected = repeated(requests, self._messages, guess, limit)
        self._endpoint.check_cap(requests)
        self._endpoint.budget.spent = self._earlier.spent
        self._endpoint.budget.check(expected)
        if self._steps:
            self._context.log(english("load.log.kept", count=len(self._steps)))
        self._context.log(english("load.log.announced", requests=requests, device=self._endpoint.device))
        self._context.log(told_estimate(expected, self._parameters.price))


def _fingerprint(asked: Asked, plan: LoadPlan, messages: Sequence[Message]) -> str:
    """What the levels depend on: who is asked what and how, and what each level sends."""
    keys = [asked.key(message) for message in messages]
    return fingerprint_of({"plan": plan.model_dump(mode="json", exclude={"candidates"}), "requests": keys})
