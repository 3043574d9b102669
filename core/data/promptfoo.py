"""promptfoo's results: the JSON of `promptfoo eval --output FILE.json`, or its lines with FILE.jsonl.

Read as `src/models/evalResult.ts` writes each result (versions 2 and 3 of the summary).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.encodings import detect_encoding
from core.data.fingerprint import require_file, unreadable
from core.data.formats import as_text, json_objects
from core.data.result_rows import ResultRow, flattened
from core.errors import UserError

MARKS = frozenset({"vars", "provider", "success"})
_REQUEST_FAILED = 2  # promptfoo's ResultFailureReason.ERROR; 1 is an assertion that did not hold
_PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_STRIPPED = re.compile(r"\[[a-z ]+ stripped\]")  # what PROMPTFOO_STRIP_… leaves in place of a text
_SHOWN = 40

Record = dict[str, Any]


@dataclass(frozen=True)
class Provider:
    """Who answered: promptfoo's id of it, and the label that the user gave."""

    own_id: str
    label: str

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return self.label or self.own_id


def promptfoo_records(path: Path) -> list[tuple[int, Record]]:
    """Each result with its place in the file. Raises UserError where the file is not promptfoo's, or has none."""
    require_file(path)
    try:
        lines = path.suffix.lower() in (".jsonl", ".ndjson")
        records = list(json_objects(path, detect_encoding(path)) if lines else _listed(path))
    except OSError as error:
        raise unreadable(path, error) from error
    for number, record in records:
        if not isinstance(record, dict) or not record.keys() >= MARKS:
            raise UserError("data.results.promptfoo_record", file=path.name, row=number)
    if not records:
        raise UserError("data.results.none", file=path.name)
    return records


def _listed(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        document = json.loads(path.read_text(encoding=detect_encoding(path)))
    except (ValueError, RecursionError) as error:
        raise UserError("data.results.not_json", file=path.name) from error
    summary = document.get("results") if isinstance(document, dict) else None
    if isinstance(summary, dict) and "n-samples" in document:
        raise UserError("data.results.lm_eval_summary", file=path.name)
    results = summary.get("results") if isinstance(summary, dict) else None
    if not isinstance(results, list):
        raise UserError("data.results.not_promptfoo", file=path.name)
    return iter(enumerate(results, start=1))


def providers_of(records: Sequence[tuple[int, Record]]) -> list[Provider]:
    """Who answered in a file, in the order of appearance."""
    return list(dict.fromkeys(provider_of(record) for _, record in records))


def provider_of(record: Record) -> Provider:
    """Who gave this result."""
    provider = record["provider"]
    if isinstance(provider, dict):
        return Provider(as_text(provider.get("id")), as_text(provider.get("label")))
    return Provider(as_text(provider), "")


def promptfoo_rows(
    path: Path, records: Sequence[tuple[int, Record]], provider: str | None, prompt: str | None, target: str
) -> list[ResultRow]:
    """The results of one provider and prompt; `target` is the variable that holds right answers, where there is one.

    Raises UserError where several could be meant, and for a request that failed.
    """
    chosen = _of_prompt(path, _of_provider(path, records, provider), prompt)
    shown = _input_variable(chosen[0][1], target) if chosen else None
    return [_row(path, number, record, shown, target) for number, record in chosen]


def _of_provider(path: Path, records: Sequence[tuple[int, Record]], wanted: str | None) -> list[tuple[int, Record]]:
    known = providers_of(records)
    names = ", ".join(provider.name for provider in known)
    meant = [provider for provider in known if wanted is None or wanted in (provider.own_id, provider.label)]
    if not meant and wanted is not None:
        raise UserError("data.results.provider_unknown", file=path.name, provider=wanted, providers=names)
    if len(meant) > 1:
        raise UserError("data.results.provider_needed", file=path.name, providers=names)
    return [(number, record) for number, record in records if provider_of(record) in meant]


def _of_prompt(path: Path, records: Sequence[tuple[int, Record]], wanted: str | None) -> list[tuple[int, Record]]:
    """promptfoo numbers prompts through all providers; a label may serve several of them."""
    known = {as_text(record.get("promptIdx")): _prompt_label(record) for _, record in records}
    names = "; ".join(f"{number}: {label[:_SHOWN]}" for number, label in known.items())
    meant = [number for number, label in known.items() if wanted is None or wanted in (number, label)]
    if not meant and wanted is not None:
        raise UserError("data.results.prompt_unknown", file=path.name, prompt=wanted, prompts=names)
    if len(meant) > 1:
        raise UserError("data.results.prompt_needed", file=path.name, prompts=names)
    return [(number, record) for number, record in records if as_text(record.get("promptIdx")) in meant]


def _prompt_label(record: Record) -> str:
    prompt = record.get("prompt")
    return as_text(prompt.get("label") or prompt.get("raw")) if isinstance(prompt, dict) else as_text(prompt)


def _variables(record: Record) -> dict[str, Any]:
    variables = record.get("vars") or {}
    return variables if isinstance(variables, dict) else {}


def _input_variable(record: Record, target: str) -> str | None:
    """The variable that is the input: the one called so, or the only one; null where the whole prompt is."""
    names = [name for name in _variables(record) if name != target]
    if "input" in names:
        return "input"
    return names[0] if len(names) == 1 else None


def _row(path: Path, number: int, record: Record, shown: str | None, target: str) -> ResultRow:
    response = record.get("response")
    answered = isinstance(response, dict) and response.get("output") is not None
    failed = record.get("failureReason") == _REQUEST_FAILED if "failureReason" in record else not answered
    if failed:
        reason = " ".join(as_text(record.get("error")).split())[:200] or "–"
        raise UserError("data.results.request_failed", file=path.name, row=number, reason=reason)
    response = response if isinstance(response, dict) else {}
    variables = _variables(record)
    prompt = record.get("prompt")
    whole = prompt.get("raw") if isinstance(prompt, dict) else prompt
    cells = {
        "id": as_text(record.get("testIdx")),
        "input": _unstripped(as_text(whole if shown is None else variables.get(shown))),
        "target": as_text(variables.get(target)) or _expected(record, variables),
        "output": _unstripped(as_text(response.get("output"))),
        "score": as_text(record.get("score")) if _is_judged(record) else "",
        **_measured(record, response),
    }
    return ResultRow(number, cells, _fields(record, variables))


def _unstripped(text: str) -> str:
    return "" if _STRIPPED.fullmatch(text) else text


def _fields(record: Record, variables: dict[str, Any]) -> dict[str, Any]:
    named = record.get("namedScores") or {}
    return {**flattened(variables), **named, "success": record["success"], "cost": record.get("cost")}


def _assertions(record: Record) -> list[Any]:
    case = record.get("testCase")
    return (case.get("assert") or []) if isinstance(case, dict) else []


def _is_judged(record: Record) -> bool:
    """Whether anything was asserted: promptfoo scores 1 where nothing was."""
    grading = record.get("gradingResult")
    parts = grading.get("componentResults") if isinstance(grading, dict) else None
    return bool(parts) or bool(_assertions(record))


def _expected(record: Record, variables: dict[str, Any]) -> str:
    """The text that the answer was asserted to equal, its variables filled in."""
    known = flattened(variables)
    for assertion in _assertions(record):
        if isinstance(assertion, dict) and assertion.get("type") == "equals":
            value = as_text(assertion.get("value"))
            return _PLACEHOLDER.sub(lambda found: as_text(known.get(found[1], found[0])), value)
    return ""


def _measured(record: Record, response: Record) -> dict[str, str]:
    """Tokens, and the time that the answer took; what came from promptfoo's cache took none."""
    usage = response.get("tokenUsage") or {}
    cached = bool(response.get("cached"))
    return {
        "input_tokens": as_text(usage.get("prompt") or None),
        "output_tokens": as_text(usage.get("completion") or None),
        "latency_ms": "" if cached else as_text(record.get("latencyMs") or None),
    }
