"""What a study of another tool's result file would hold: who answered, what that cost, and which kind of task it is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data import lm_eval, promptfoo
from core.data.result_files import ResultFormat
from core.data.result_rows import ResultRow
from core.errors import UserError

_MOST_CLASSES = 400
_ROWS_PER_CLASS = 3
_MOST_SIGNS = 40
_NO_NAME = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Answerer:
    """One candidate to be. `cost` is the mean money of a request as the file tells it, in US dollars; null if not."""

    name: str
    role: str
    choice: dict[str, str]
    cost: float | None = None


@dataclass(frozen=True)
class GuessedResults:
    """Who answered, the dearest first; whether right answers repeat as classes do; what columns may be named."""

    candidates: tuple[Answerer, ...]
    classes: bool
    fields: tuple[str, ...]


def guess_results(path: Path, tool: ResultFormat) -> GuessedResults:
    """What a result file holds. Raises UserError where it is not whole or not of this tool."""
    return _of_samples(path) if tool == "lm_eval" else _of_promptfoo(path)


def _of_samples(path: Path) -> GuessedResults:
    try:
        rows, choice = lm_eval.lm_eval_rows(path, None, "accuracy"), {}
    except UserError as error:
        if error.code != "data.results.filter_needed":
            raise
        first = str(error.values["filters"]).split(", ")[0]
        rows, choice = lm_eval.lm_eval_rows(path, first, "accuracy"), {"filter": first}
    return GuessedResults((Answerer("teacher", "teacher", choice),), _has_classes(rows), _fields(rows))


def _of_promptfoo(path: Path) -> GuessedResults:
    records = promptfoo.promptfoo_records(path)
    if not records:
        raise UserError("data.results.none", file=path.name)
    providers = promptfoo.providers_of(records)
    found: list[tuple[str, dict[str, str], float | None]] = []
    for provider in providers:
        own = [record for _, record in records if promptfoo.provider_of(record) == provider]
        prompts = list(dict.fromkeys(str(record.get("promptIdx", "")) for record in own))
        for prompt in prompts:
            choice = {"provider": provider.name} if len(providers) > 1 else {}
            choice |= {"prompt": prompt} if len(prompts) > 1 else {}
            asked = [record for record in own if str(record.get("promptIdx", "")) == prompt]
            name = f"{provider.name}-{prompt}" if len(prompts) > 1 else provider.name
            found.append((name, choice, _mean_cost(asked)))
    found.sort(key=lambda one: -(one[2] or 0.0))
    names = _unlike(found)
    roles = ["teacher"] + ["student"] * (len(found) - 1)
    candidates = tuple(
        Answerer(name, role, choice, cost) for name, role, (_, choice, cost) in zip(names, roles, found, strict=True)
    )
    chosen = candidates[0].choice
    rows = promptfoo.promptfoo_rows(path, records, chosen.get("provider"), chosen.get("prompt"), "target")
    return GuessedResults(candidates, _has_classes(rows), _fields(rows))


def _unlike(found: Sequence[tuple[str, Any, Any]]) -> list[str]:
    """Names that a candidate may have, each once."""
    names: list[str] = []
    for own, _, _ in found:
        plain = _NO_NAME.sub("-", own).strip("-")[:_MOST_SIGNS] or "candidate"
        names.append(plain if plain not in names else f"{plain}-{len(names) + 1}")
    return names


def _mean_cost(records: Sequence[dict[str, Any]]) -> float | None:
    costs = [float(record["cost"]) for record in records if isinstance(record.get("cost"), int | float)]
    mean = sum(costs) / len(costs) if costs else 0.0
    return mean if mean > 0.0 else None  # promptfoo writes 0 where it knows no price


def _has_classes(rows: Sequence[ResultRow]) -> bool:
    targets = Counter(row.cells.get("target") or str(row.fields.get("target", "")) for row in rows)
    return 2 <= len(targets) <= min(_MOST_CLASSES, len(rows) // _ROWS_PER_CLASS) and "" not in targets


def _fields(rows: Sequence[ResultRow]) -> tuple[str, ...]:
    return tuple(rows[0].fields) if rows else ()


def profile_line(who: Answerer) -> str:
    """The profile that a candidate runs on: a price a request where the file tells costs, else a machine to be told."""
    if who.cost is None:
        machine = "capex: 3000, life_months: 36, power_kw: 0.2, tariff: 0.25, staff_month: 0"
        return f"{_quoted(who.name)}: {{kind: self_hosted, {machine}}} # CHECK: or {{kind: api, price: …}}"
    price = f"per_million_requests: {who.cost * 1e6:.6g}, source: mean cost of the result file"
    return f"{_quoted(who.name)}: {{kind: api, price: {{{price}}}}} # CHECK: in US dollars"


def candidate_line(who: Answerer, file: str) -> str:
    """One candidate of the study."""
    choice = "".join(f", {field}: {_quoted(value)}" for field, value in who.choice.items())
    name = _quoted(who.name)
    return (
        f"- {{name: {name}, role: {who.role}, model: {{source: predictions, file: {file}{choice}}}, profile: {name}}}"
    )


def hybrid_lines(candidates: Sequence[Answerer]) -> list[str]:
    """The hybrid of the dearest and the cheapest; none where there is one candidate."""
    if len(candidates) < 2:
        return []
    teacher, student = _quoted(candidates[0].name), _quoted(candidates[-1].name)
    return [f"- {{name: hybrid, role: hybrid, teacher: {teacher}, student: {student}, policies: [cascade, router]}}"]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)
