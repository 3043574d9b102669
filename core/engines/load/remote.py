"""An endpoint under load: every request is a new one, and none is sent twice."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.domain import Example, Split
from core.engines.benchmark import plan as timing_plan
from core.engines.benchmark.answering import as_messages, label_names
from core.engines.language.answer_store import answers_folder, known_answers
from core.engines.language.endpoint import Endpoint
from core.engines.language.endpoint_request import TOP_LOGPROBS
from core.engines.language.question import Message, question_of_row
from core.engines.language.request_estimate import repeated, told_estimate
from core.engines.language.token_guess import TokenGuess
from core.engines.load.levels import Level, run_levels
from core.engines.load.local import PHASE
from core.engines.load.tasks import run_tasks
from core.i18n import english
from core.jobs.results import LoadResult, LoadStep
from core.jobs.specs import LoadParameters
from core.spec import EndpointModel
from core.spec.load import FIRST_REQUESTS, MOST_CLIENTS
from core.worker.context import JobContext, Stopped


def load_endpoint(
    model: EndpointModel, parameters: LoadParameters, examples: Sequence[Example], context: JobContext
) -> LoadResult:
    """What an endpoint bears. The first requests go one by one, as any others do, and are not counted.

    Raises Stopped, and UserError where the endpoint cannot be used or its caps leave no room for the whole test.
    """
    begun = time.monotonic()
    task, plan = parameters.task, parameters.plan
    names_labels = task.kind == "classification"
    asked = as_messages(examples, task, label_names(task, examples))
    test = [example for example in asked if example.split is Split.TEST]
    messages = [question_of_row(test[row]) for row in timing_plan.timing_sample(len(test))]
    top = TOP_LOGPROBS if names_labels else 0
    steps: list[LoadStep] = []

    def warn(text: str) -> None:
        context.log(text, "warning")

    def wait() -> None:
        if context.should_stop():
            raise Stopped

    def on_step(step: LoadStep) -> None:
        steps.append(step)
        context.progress(PHASE, len(steps), plan.levels)

    limit, price = task.max_output_tokens, parameters.price
    with Endpoint(
        model, limit, top, warn, context.should_stop, price, streams=True, connections=MOST_CLIENTS
    ) as endpoint:
        context.started(endpoint.device)
        _announce(endpoint, parameters, messages, names_labels, context)
        context.progress(PHASE, 0, plan.levels)
        if not endpoint.ask(messages[:FIRST_REQUESTS], lambda place, answer: None):
            raise Stopped

        def run(level: Level) -> LoadStep:
            return endpoint.under_load(lambda send: run_tasks(level, send, messages, wait))

        found = run_levels(plan, run, on_step, MOST_CLIENTS)
        return LoadResult(
            runtime=endpoint.runtime,
            device=endpoint.device,
            steps=found,
            requests=endpoint.sent,
            seconds=time.monotonic() - begun,
        )


def _announce(
    endpoint: Endpoint, parameters: LoadParameters, messages: Sequence[Message], names_labels: bool, context: JobContext
) -> None:
    """Say how many requests the test sends and what they take, judged by what the benchmark bought. Raises UserError
    where that is more than the study file allows; nothing is sent then."""
    asked, limit, plan = endpoint.asked(), parameters.task.max_output_tokens, parameters.plan
    guess = TokenGuess(limit, names_labels)
    known = known_answers(answers_folder(context.folder), asked)
    for message in dict.fromkeys(messages):
        if (key := asked.key(message)) in known:
            guess.learn(message, known.get(key).generation)
    expected = repeated(plan.most_requests, messages, guess, limit)
    endpoint.check_cap(plan.most_requests)
    endpoint.budget.check(expected)
    context.log(english("load.log.announced", requests=plan.most_requests, device=endpoint.device))
    context.log(told_estimate(expected, parameters.price))
