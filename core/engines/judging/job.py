"""The handler of a judge job: the answers of a benchmark, scored by a judge or by what their context supports."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.data.examples import read_examples
from core.data.predictions import read_predictions, write_predictions
from core.domain import Prediction
from core.engines.judging.forms import Form, form_of
from core.engines.judging.hearing import PHASE, Hearing, unreadable
from core.engines.judging.rows import JudgedRow, judged_rows
from core.engines.language.answer_store import answers_folder, open_answers
from core.engines.language.asking import counted_seconds, tell_cost, waiting
from core.engines.language.generator import Generation
from core.engines.language.question import Message
from core.engines.language.respondents import open_respondent
from core.engines.retrieval.given import RowContexts, given_passages
from core.i18n import english
from core.jobs.results import JudgeResult, ScoreCount, VerdictCount
from core.jobs.specs import JudgeParameters
from core.metrics.grounding import groundedness
from core.metrics.text import exact_match
from core.worker.context import JobContext, Stopped

_BATCH_ROWS = 1000
# More verdicts than this that cannot be read say that the judge is unfit: its scores would be zeros by accident.
MOST_UNREADABLE_SHARE = 0.05
# A target of so many words and characters is one that an exact match can be held against.
_SHORT_WORDS, _SHORT_CHARACTERS = 5, 40


def run(parameters: JudgeParameters, context: JobContext) -> JudgeResult:
    """Score the answers of the input `answers`; `predictions.jsonl` of the job's folder has them with their scores.

    Raises Stopped, and UserError where the judge cannot be asked or too few of its answers hold a verdict.
    """
    rows = _rows(parameters, context)
    contexts = RowContexts(parameters.context_column, given_passages(context))
    form = form_of(parameters, contexts)
    if form is None or parameters.judge is None:
        return _by_words(contexts, rows, context)
    to_judge = {row.example.example_id: row for row in rows if row.answered and not row.given}
    asked = {name: form.messages(row.example, row.prediction.output or "") for name, row in to_judge.items()}
    places = {message: place for own in asked.values() for place, message in enumerate(own)}

    def readable(message: Message, text: str) -> bool:
        return form.value(places[message], text) is not None

    judge = parameters.judge
    with (
        counted_seconds(context.folder) as seconds,
        open_respondent(
            judge.model,
            parameters.model_sha256,
            form.labels,
            judge.max_output_tokens,
            context,
            price=parameters.price,
            short_answers=True,
        ) as respondent,
        open_answers(answers_folder(context.folder), respondent.asked(), waiting(context)) as store,
    ):
        hearing = Hearing([one for own in asked.values() for one in own], respondent.asked(), store, readable, context)
        hearing.begin(respondent.device)
        if hearing.missing:
            limit, price = judge.max_output_tokens, parameters.price
            tell_cost(respondent, hearing.messages, hearing.keys, store, limit, price, context, short_answers=True)
            respondent.ask(hearing.messages, hearing.missing, hearing.take)
        values = {name: _values(form, own, hearing) for name, own in asked.items()}
        result = _result(form, parameters, rows, values, hearing, seconds())
    _refuse_unreadable(result, asked, values, hearing)
    _hand_over([_scored(row, values.get(row.example.example_id)) for row in rows], context)
    _tell(result, context)
    return result


def _rows(parameters: JudgeParameters, context: JobContext) -> list[JudgedRow]:
    examples = read_examples(context.input_folder("data"))
    return judged_rows(parameters, examples, read_predictions(context.input_folder("answers")))


def _values(form: Form, messages: Sequence[Message], hearing: Hearing) -> list[float | None]:
    return [form.value(place, hearing.answer(message).generation.text) for place, message in enumerate(messages)]


def _scored(row: JudgedRow, values: Sequence[float | None] | None) -> Prediction:
    """The mean of what the verdicts say; 0 without an answer, a claim or a verdict."""
    if row.given:
        return row.prediction
    known = [value for value in values or () if value is not None]
    return replace(row.prediction, score=sum(known) / len(known) if known else 0.0)


def _result(
    form: Form,
    parameters: JudgeParameters,
    rows: Sequence[JudgedRow],
    values: Mapping[str, Sequence[float | None]],
    hearing: Hearing,
    seconds: float,
) -> JudgeResult:
    pairs = [(one[0], one[1]) for one in values.values() if form.both_orders and len(one) == 2]
    both = [(first, second) for first, second in pairs if first is not None and second is not None]
    said = [hearing.answer(message).generation for message in hearing.messages]
    judge = parameters.judge
    return JudgeResult(
        method=form.method,
        judge=_name_of(parameters),
        scale=judge.scale if judge is not None and form.method == "reference" else None,
        **_counts(rows),
        both_orders=len(both),
        disagreements=sum(first != second for first, second in both),
        first_order=sum(first for first, _ in both) / len(both) if both else None,
        second_order=sum(second for _, second in both) / len(both) if both else None,
        verdicts=sum(len(one) for one in values.values()),
        unreadable=sum(value is None for one in values.values() for value in one),
        unreadable_rows=sum(bool(one) and all(value is None for value in one) for one in values.values()),
        bought=hearing.bought,
        kept=len(hearing.messages) - hearing.bought,
        input_tokens=sum(one.input_tokens or 0 for one in said),
        output_tokens=sum(one.output_tokens or 0 for one in said),
        by_verdict=_by_verdict(form, said),
        by_score=_by_score(rows, values),
        **(_against_exact_match(form, rows, values) if form.both_orders else {}),
        seconds=seconds,
    )


def _by_verdict(form: Form, said: Sequence[Generation]) -> tuple[VerdictCount, ...]:
    counts = Counter(verdict for one in said if (verdict := form.verdict(one.text)) is not None)
    return tuple(VerdictCount(verdict=verdict, count=count) for verdict, count in counts.most_common())


def _by_score(rows: Sequence[JudgedRow], values: Mapping[str, Sequence[float | None]]) -> tuple[ScoreCount, ...]:
    """The scores of rows with at least one verdict."""
    found = ((row, values.get(row.example.example_id, ())) for row in rows)
    counts = Counter(_scored(row, own).score for row, own in found if any(value is not None for value in own))
    return tuple(ScoreCount(score=score, rows=count) for score, count in counts.most_common())


def _against_exact_match(
    form: Form, rows: Sequence[JudgedRow], values: Mapping[str, Sequence[float | None]]
) -> dict[str, int]:
    """The judge beside an exact match, on the judged rows whose target is short. An answer is right to it that scores
    above one half; in a comparison one that is no worse than the target, for an exact match can but tie with it."""
    short = [row for row in rows if row.example.example_id in values and _is_short(row.example.target)]
    pairs = []
    for row in short:
        said, target = (row.prediction.output or "").casefold(), row.example.target.casefold()
        score = _scored(row, values[row.example.example_id]).score
        judged = score > 0.5 or (score == 0.5 and form.method == "pairwise")
        pairs.append((judged, exact_match(said, target) == 1.0))
    return {
        "exact_rows": len(pairs),
        "exact_agreements": sum(judged == exact for judged, exact in pairs),
        "exact_matches": sum(exact for _, exact in pairs),
        "exact_judged_right": sum(judged for judged, _ in pairs),
    }


def _counts(rows: Sequence[JudgedRow]) -> dict[str, int]:
    given = sum(row.given for row in rows)
    return {
        "rows": len(rows) - given,
        "given": given,
        "unanswered": sum(not row.answered and not row.given for row in rows),
    }


def _is_short(target: str) -> bool:
    return len(target.split()) <= _SHORT_WORDS and len(target) <= _SHORT_CHARACTERS


def _name_of(parameters: JudgeParameters) -> str | None:
    """The judge in words: an endpoint's model, else a file's or folder's name, or an id."""
    if parameters.judge is None:
        return None
    told = parameters.judge.model.model_dump()
    name = str(told.get("model") or told.get("id") or told.get("file") or told.get("path"))
    return name if told["source"] in ("endpoint", "hub", "sample") else name.replace("\\", "/").rsplit("/", 1)[-1]


def _refuse_unreadable(
    result: JudgeResult,
    asked: Mapping[str, Sequence[Message]],
    values: Mapping[str, Sequence[float | None]],
    hearing: Hearing,
) -> None:
    if result.unreadable <= MOST_UNREADABLE_SHARE * result.verdicts:
        return
    unread = next(
        message
        for name, messages in asked.items()
        for message, value in zip(messages, values[name], strict=True)
        if value is None
    )
    raise unreadable(hearing.answer(unread).generation.text, result.unreadable, result.verdicts)


def _by_words(contexts: RowContexts, rows: Sequence[JudgedRow], context: JobContext) -> JudgeResult:
    """The share of each answer's sentences that its context supports, by words and numbers. Asks nobody."""
    begun = time.monotonic()
    context.started("CPU")
    scored: list[Prediction] = []
    for row in rows:
        if context.should_stop():
            raise Stopped
        score = row.prediction.score
        if not row.given:
            said = row.prediction.output or ""
            score = groundedness(said, contexts.of(row.example))
        scored.append(replace(row.prediction, score=score))
        context.progress(PHASE, len(scored), len(rows))
    _hand_over(scored, context)
    return JudgeResult(method="words", judge=None, scale=None, **_counts(rows), seconds=time.monotonic() - begun)


def _hand_over(predictions: Sequence[Prediction], context: JobContext) -> None:
    write_predictions(context.folder, predictions)
    for begin in range(0, len(predictions), _BATCH_ROWS):
        context.predictions(predictions[begin : begin + _BATCH_ROWS])


def _tell(result: JudgeResult, context: JobContext) -> None:
    if result.unreadable:
        told = english("judge.log.unreadable", count=result.unreadable, verdicts=result.verdicts)
        context.log(told, "warning")
    # Where every answer is its target to the letter, one verdict is right.
    alike = result.by_score[0].rows if len(result.by_score) == 1 and result.both_orders else 0
    if alike > 1 and result.exact_matches != alike:
        context.log(english("judge.log.one_verdict", rows=alike, judge=result.judge or ""), "warning")
    if result.disagreements:
        told = english("judge.log.disagreements", count=result.disagreements, rows=result.both_orders)
        context.log(told)
