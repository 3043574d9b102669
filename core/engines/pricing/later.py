"""Requests that depend on answers: those for answers that fail their checks, and those to a judge."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.engines.checking.job import Against, checked_rows, second_messages
from core.engines.checking.second import first_messages, second_message
from core.engines.judging.forms import Form, form_of
from core.engines.judging.rows import judged_rows
from core.engines.language.answer_store import known_answers
from core.engines.language.question import Message
from core.engines.language.token_guess import filler
from core.engines.pricing.asking import Asking, Bound, asked_of
from core.engines.pricing.known import ExpectedAnswers, KnownStudy
from core.engines.retrieval.given import RowContexts
from core.i18n import Value
from core.jobs.plan import PlannedJob
from core.jobs.specs import CheckParameters, JudgeParameters
from core.metrics.answer_checks import AnswerChecks, Failure
from core.spec import EndpointModel

# What is wrong with an answer is told in at most so many tokens: three quotations of 120 characters, and their frame.
_FAILURE_TOKENS = 110
# A sentence of an answer that is not there yet.
SENTENCE_TOKENS = 20


def re_asking(known: KnownStudy, job: PlannedJob, parameters: CheckParameters) -> Asking | None:
    """What a check job will ask its model again; null where that is no endpoint, or nothing is asked.

    While the answers are not there, every one is taken to fail.
    """
    model = parameters.loadable
    if not isinstance(model, EndpointModel) or parameters.imported or not parameters.checks.re_ask:
        return None
    answers, passages = known.answers(job), known.passages(job)
    first = first_messages(parameters, known.examples, passages)
    if answers.basis == "there":
        against = Against(AnswerChecks(parameters.checks), RowContexts(parameters.context_column, passages))
        rows = checked_rows(against, known.examples, answers.predictions)
        return _exact(known, model, list(second_messages(first, rows).values()), answers.limit)
    wrong = Failure("format", filler(_FAILURE_TOKENS))
    messages = [second_message(message, filler(answers.limit), [wrong]) for message in first.values()]
    bound = Bound("cli.dry_run.bound.re_ask", {"limit": answers.limit})
    return _bounded(known, model, messages, 1, answers.limit, bound)


def judging(known: KnownStudy, job: PlannedJob, parameters: JudgeParameters) -> Asking | None:
    """What a judge job will ask its judge; null where that is no endpoint, or there is none."""
    contexts = RowContexts(parameters.context_column, known.passages(job))
    form, judge = form_of(parameters, contexts), parameters.judge
    if form is None or judge is None or not isinstance(judge.model, EndpointModel):
        return None
    answers, limit = known.answers(job), judge.max_output_tokens
    by_sentence = form.method == "sentences"
    if answers.basis == "limit" and by_sentence:
        sentences = math.ceil(answers.limit / SENTENCE_TOKENS)
        messages = _messages(known, parameters, form, answers, filler(SENTENCE_TOKENS))
        values: dict[str, Value] = {"limit": answers.limit, "tokens": SENTENCE_TOKENS, "sentences": sentences}
        bound = Bound("cli.dry_run.bound.sentences", values)
        return _bounded(known, judge.model, messages, sentences, limit, bound, judges=True)
    messages = _messages(known, parameters, form, answers)
    if answers.basis == "limit":
        bound = Bound("cli.dry_run.bound.orders", {"limit": answers.limit})
        return _bounded(known, judge.model, messages, 1, limit, bound, judges=True)
    later = Bound("cli.dry_run.bound.before_second") if answers.basis == "before_second" else None
    return _exact(known, judge.model, messages, limit, later, judges=True)


def _messages(
    known: KnownStudy, parameters: JudgeParameters, form: Form, answers: ExpectedAnswers, said: str | None = None
) -> list[Message]:
    """The messages about all answers, or about `said` in place of each."""
    rows = judged_rows(parameters, known.examples, answers.predictions)
    asked = [row for row in rows if row.answered and not row.given]
    outputs = [said if said is not None else row.prediction.output or "" for row in asked]
    return [one for row, output in zip(asked, outputs, strict=True) for one in form.messages(row.example, output)]


def _exact(
    known: KnownStudy,
    model: EndpointModel,
    messages: Sequence[Message],
    limit: int,
    bound: Bound | None = None,
    *,
    judges: bool = False,
) -> Asking:
    asked = asked_of(model, limit)
    by_key = {asked.key(message): message for message in messages}
    return Asking(
        model,
        tuple(by_key.values()),
        tuple(by_key),
        limit,
        judges,
        known_answers(known.answers_folder, asked),
        bound=bound,
        model_field=_field(judges),
    )


def _bounded(
    known: KnownStudy,
    model: EndpointModel,
    messages: Sequence[Message],
    times: int,
    limit: int,
    bound: Bound,
    *,
    judges: bool = False,
) -> Asking:
    """Each message so many times; none of them is what will be asked, so that none was answered before."""
    asked = asked_of(model, limit)
    return Asking(
        model,
        tuple(messages),
        tuple(asked.key(message) for message in messages),
        limit,
        judges,
        known_answers(known.answers_folder, asked),
        requests=times * len(messages),
        bound=bound,
        model_field=_field(judges),
    )


def _field(judges: bool) -> str:
    return "task.judge.model" if judges else "model"
