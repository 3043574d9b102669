"""The handler of a check job: each answer of a benchmark held against the checks, and asked for once more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from core.data.examples import read_examples
from core.data.predictions import read_predictions, write_predictions
from core.domain import Example, Prediction, Split
from core.engines.checking.second import ask_again, first_messages, second_message
from core.engines.language.answer import Answer
from core.engines.language.asking import counted_seconds
from core.engines.language.question import Message
from core.engines.retrieval.given import RowContexts, given_passages
from core.i18n import english
from core.jobs.results import CheckCount, CheckResult, ReAskedRow
from core.jobs.specs import CheckParameters
from core.metrics.answer_checks import AnswerChecks, Failure
from core.metrics.scoring import RowScorer, row_scorer
from core.worker.context import JobContext

Number = TypeVar("Number", int, float)

FILE_NAME = "checks.jsonl"
_BATCH_ROWS = 1000


@dataclass(frozen=True)
class CheckedRow:
    """One answer with what is wrong with it, and with the second one, where that was asked for."""

    example: Example
    prediction: Prediction
    failures: tuple[Failure, ...] = ()
    second: Prediction | None = None
    second_failures: tuple[Failure, ...] = ()
    second_ms: float | None = None

    @property
    def answered(self) -> bool:
        """Whether there is an answer."""
        return self.prediction.output is not None

    @property
    def corrected(self) -> bool:
        """Whether the second answer passes every check."""
        return self.second is not None and not self.second_failures

    @property
    def remaining(self) -> tuple[Failure, ...]:
        """What is wrong with the answer that stands."""
        return () if self.corrected else self.failures

    @property
    def final(self) -> Prediction:
        """The second answer where it passes, else the first; tokens and time are those of both requests."""
        if self.second is None:
            return self.prediction
        kept = self.second if self.corrected else self.prediction
        return replace(
            kept,
            input_tokens=_sum(self.prediction.input_tokens, self.second.input_tokens),
            output_tokens=_sum(self.prediction.output_tokens, self.second.output_tokens),
            latency_ms=_sum(self.prediction.latency_ms, self.second_ms),
        )


def run(parameters: CheckParameters, context: JobContext) -> CheckResult:
    """Check the answers of the input `answers`; `predictions.jsonl` has them as they stand afterwards, `checks.jsonl`
    what was wrong with each. Raises Stopped, and UserError where the model cannot be asked."""
    with counted_seconds(context.folder) as seconds:
        checks = AnswerChecks(parameters.checks)
        examples = read_examples(context.input_folder("data"))
        passages = given_passages(context)
        against = Against(checks, RowContexts(parameters.context_column, passages))
        rows = checked_rows(against, examples, read_predictions(context.input_folder("answers")))
        wrong = [row for row in rows if row.failures]
        if parameters.checks.re_ask and not parameters.imported and wrong:
            rows = _asked_again(parameters, against, examples, rows, context)
        else:
            context.started("CPU")
            context.progress("phase.check", len(rows), len(rows))
        _hand_over(rows, context)
        result = _result(checks, rows, seconds(), later=parameters.task.scored_later)
    _tell(result, context)
    return result


@dataclass(frozen=True)
class Against:
    """The checks, and the contexts that answers are held against."""

    checks: AnswerChecks
    contexts: RowContexts

    def failures(self, answer: str, example: Example) -> tuple[Failure, ...]:
        """What is wrong with an answer to an example."""
        return self.checks.failures(answer, self.contexts.of(example))


def checked_rows(against: Against, examples: Sequence[Example], predictions: Sequence[Prediction]) -> list[CheckedRow]:
    """Each prediction with its example and what is wrong with it."""
    by_id = {example.example_id: example for example in examples}
    rows = [CheckedRow(by_id[one.example_id], one) for one in predictions]
    return [
        replace(row, failures=against.failures(row.prediction.output or "", row.example)) if row.answered else row
        for row in rows
    ]


def _asked_again(
    parameters: CheckParameters,
    against: Against,
    examples: Sequence[Example],
    rows: Sequence[CheckedRow],
    context: JobContext,
) -> list[CheckedRow]:
    first = first_messages(parameters, examples, against.contexts.passages)
    messages = second_messages(first, rows)
    answers = ask_again(parameters, list(messages.values()), context)
    scorer = row_scorer(parameters.task)
    return [
        _with_second(against, row, answers[messages[row.example.example_id]], scorer)
        if row.example.example_id in messages
        else row
        for row in rows
    ]


def second_messages(first: Mapping[str, Message], rows: Sequence[CheckedRow]) -> dict[str, Message]:
    """What is asked again about the rows that failed, by their ids; `first` is what was asked about each."""
    return {
        row.example.example_id: second_message(first[row.example.example_id], row.prediction.output or "", row.failures)
        for row in rows
        if row.failures and row.example.example_id in first
    }


def _with_second(against: Against, row: CheckedRow, answer: Answer, scorer: RowScorer | None) -> CheckedRow:
    said = answer.generation
    usable = said.finish_reason in ("stop", "length")
    score = 0.0
    if usable and scorer is not None:
        score = scorer(said.text, row.example.target, row.example.example_id)
    second = Prediction(
        example_id=row.example.example_id,
        output=said.text if usable else None,
        score=score,
        confidence=row.prediction.confidence,
        input_tokens=said.input_tokens,
        output_tokens=said.output_tokens,
    )
    failures = against.failures(said.text, row.example) if usable else row.failures
    return replace(row, second=second, second_failures=failures, second_ms=said.latency_ms)


def _hand_over(rows: Sequence[CheckedRow], context: JobContext) -> None:
    final = [row.final for row in rows]
    with (context.folder / FILE_NAME).open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            stream.write(json.dumps(_document(row), ensure_ascii=False) + "\n")
    write_predictions(context.folder, final)
    for begin in range(0, len(final), _BATCH_ROWS):
        context.predictions(final[begin : begin + _BATCH_ROWS])


def _document(row: CheckedRow) -> dict[str, object]:
    return {
        "id": row.example.example_id,
        "failures": [[one.check, one.words] for one in row.failures],
        "first": row.prediction.output if row.failures else None,
        "second": None if row.second is None else row.second.output,
        "second_failures": [[one.check, one.words] for one in row.second_failures],
    }


def _result(checks: AnswerChecks, rows: Sequence[CheckedRow], seconds: float, *, later: bool) -> CheckResult:
    """Shares are of the test rows that have an answer; the second requests of the others count in what they cost."""
    tested = [row for row in rows if row.example.split is Split.TEST and row.answered]
    asked = [row for row in tested if row.second is not None]
    again = [row.second for row in rows if row.second is not None]
    return CheckResult(
        rows=len(tested),
        failed=sum(bool(row.failures) for row in tested),
        re_asked=len(asked),
        corrected=sum(row.corrected for row in asked),
        by_check=tuple(
            CheckCount(
                check=name,
                failed=sum(any(one.check == name for one in row.failures) for row in tested),
                remaining=sum(any(one.check == name for one in row.remaining) for row in tested),
            )
            for name in checks.names
        ),
        second_requests=len(again),
        second_unanswered=sum(one.output is None for one in again),
        second_input_tokens=sum(one.input_tokens or 0 for one in again),
        second_output_tokens=sum(one.output_tokens or 0 for one in again),
        second_ms=tuple(row.second_ms for row in asked if row.second_ms is not None),
        re_asked_rows=tuple(ReAskedRow(example_id=row.example.example_id, milliseconds=row.second_ms) for row in asked),
        score_before=None if later else _mean([row.prediction.score for row in tested]),
        score_after=None if later else _mean([row.final.score for row in tested]),
        seconds=seconds,
    )


def _tell(result: CheckResult, context: JobContext) -> None:
    values: Mapping[str, int] = {"count": result.failed, "rows": result.rows}
    context.log(english("check.log.failed", **values), "warning" if result.failed else "info")
    if result.re_asked:
        context.log(english("check.log.corrected", count=result.corrected, rows=result.re_asked))
    if result.second_unanswered:
        values = {"count": result.second_unanswered, "rows": result.second_requests}
        context.log(english("check.log.unanswered", **values), "warning")


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _sum(first: Number | None, second: Number | None) -> Number | None:
    """Both parts; null where the first is not known, for the second alone would pass for the whole."""
    return first if first is None or second is None else first + second
