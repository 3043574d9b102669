"""lm-evaluation-harness's samples (`--log_samples`): one JSON object a line, for each document and answer filter.

Read as version 0.4 writes them: `lm_eval/evaluator.py` makes the records and
`lm_eval/loggers/evaluation_tracker.py` turns arguments into `gen_args_0.arg_0` and log-likelihoods into text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.data.encodings import detect_encoding
from core.data.formats import as_text, json_objects
from core.data.result_rows import ResultRow, flattened
from core.errors import UserError

MARKS = frozenset({"doc_id", "arguments", "filtered_resps"})
_NO_FILTER = "none"
_OUR_METRICS = {"accuracy": "acc", "exact_match": "exact_match"}
_RESERVED = {
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash",
    "target_hash",
}  # fmt: skip


def lm_eval_rows(path: Path, answer_filter: str | None, metric: str) -> list[ResultRow]:
    """The records of one answer filter; their score is lm-eval's figure for the study's `metric`, where it has one.

    Raises UserError for a file with several filters of which none is named, and for records without answers.
    """
    records = list(_records(path))
    names = list(dict.fromkeys(str(record.get("filter", _NO_FILTER)) for _, record in records))
    if answer_filter is None and len(names) > 1:
        raise UserError("data.results.filter_needed", file=path.name, filters=", ".join(names))
    wanted = names[0] if answer_filter is None else answer_filter
    if wanted not in names:
        raise UserError("data.results.filter_unknown", file=path.name, filter=wanted, filters=", ".join(names))
    return [
        _row(path, number, record, metric)
        for number, record in records
        if str(record.get("filter", _NO_FILTER)) == wanted
    ]


def has_row_choices(path: Path) -> bool:
    """Whether the first record asks which of its own continuations is likeliest, so that every output is one of them.

    Raises UserError for a file that is not lm-eval's.
    """
    _, first = next(_records(path), (0, {}))
    try:
        arguments = _arguments(first["arguments"])
        return len(arguments) > 1 and isinstance(arguments[0][1], str)
    except (LookupError, TypeError):
        return False


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, record in json_objects(path, detect_encoding(path)):
        if not record.keys() >= MARKS:
            raise UserError("data.results.not_lm_eval", file=path.name, line=number)
        yield number, record


def _row(path: Path, number: int, record: dict[str, Any], metric: str) -> ResultRow:
    figures = {name: value for name, value in record.items() if name not in _RESERVED and _is_figure(value)}
    document = record.get("doc")
    fields = {**(flattened(document) if isinstance(document, dict) else {}), **figures}
    try:
        cells = _cells(record, _arguments(record["arguments"]), record["filtered_resps"])
    except (LookupError, TypeError, ValueError) as error:
        raise UserError("data.results.lm_eval_record", file=path.name, line=number) from error
    score = figures.get(_OUR_METRICS.get(metric, ""))
    return ResultRow(number, {"id": as_text(record["doc_id"]), "score": as_text(score), **cells}, fields)


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _arguments(arguments: Any) -> list[list[Any]]:
    """The arguments of each request: (context, generation settings) or (context, continuation)."""
    if isinstance(arguments, list):  # as releases before 0.4.4 wrote them
        return [list(request) for request in arguments]
    return [
        [request[f"arg_{place}"] for place in range(len(request))]
        for request in (arguments[f"gen_args_{place}"] for place in range(len(arguments)))
    ]


def _cells(record: dict[str, Any], arguments: list[list[Any]], answers: list[Any]) -> dict[str, str]:
    """Raises LookupError, TypeError or ValueError for a record of another shape, such as one of perplexity."""
    context, continuation = arguments[0][0], arguments[0][1]
    if not isinstance(continuation, str):
        first = answers[0]
        output = first[0] if isinstance(first, list) else first
        return {"input": as_text(context), "target": as_text(record.get("target")), "output": as_text(output)}
    if len(arguments) == 1:  # one continuation: the model says it of itself, or does not
        said = continuation.strip() if _is_true(answers[0][1]) else ""
        return {"input": as_text(context), "target": continuation.strip(), "output": said}
    return _choice_cells(record, arguments, answers)


def _is_true(text: Any) -> bool:
    return str(text).lower() == "true"


def _choice_cells(record: dict[str, Any], arguments: list[list[Any]], answers: list[Any]) -> dict[str, str]:
    # Where lm-eval also weighs choices without their context, those requests stand in the second half.
    conditional = [place for place, request in enumerate(arguments) if request[0]] or list(range(len(arguments)))
    likelihoods = [float(answers[place][0]) for place in conditional]
    if any(math.isnan(value) for value in likelihoods):
        raise ValueError("a log-likelihood is not a number")
    contexts = [str(arguments[place][0]) for place in conditional]
    continuations = [str(arguments[place][1]) for place in conditional]
    chosen = likelihoods.index(max(likelihoods))
    confidence = {"confidence": repr(_largest_share(likelihoods))}
    if len(set(contexts)) > 1:  # the choices stand in the context, and the target names none of them
        whole = [context + continuation for context, continuation in zip(contexts, continuations, strict=True)]
        return {"input": "\n".join(whole), "output": whole[chosen], **confidence}
    choices = [text.strip() for text in continuations]
    target = _target(as_text(record.get("target")).strip(), choices, chosen, record.get("acc"))
    return {"input": contexts[0], "target": target, "output": choices[chosen], **confidence}


def _target(given: str, choices: Sequence[str], chosen: int, accuracy: Any) -> str:
    """The right choice's text: lm-eval writes its place or itself, and `acc` tells which where both can be."""
    place = int(given) if given.isdecimal() and int(given) < len(choices) else None
    if place is None:
        return given
    by_place = (chosen == place) == bool(accuracy)
    return choices[place] if given not in choices or accuracy is None or by_place else given


def _largest_share(likelihoods: Sequence[float]) -> float:
    """The chosen answer's probability among the choices."""
    highest = max(likelihoods)
    if math.isinf(highest):
        return 1.0 / len(likelihoods)
    return 1.0 / sum(math.exp(value - highest) for value in likelihoods)
