"""`tercet results`: what was measured, one candidate a line, and what was measured beside that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from core.commands import console
from core.commands.reading import read_evidence
from core.commands.tables import print_table
from core.decide import decide
from core.decide.documents import results_document
from core.decide.load import load_notes
from core.decide.outcome import Decision, Message, message
from core.decide.unanswered import unanswered_notes
from core.i18n import english

_MEASURED = ("quality", "p50_ms", "p95_ms", "requests_per_second", "memory_mib", "size_mib", "cost")
_UNDER_LOAD = ("requests_per_second", "goodput", "p50_ms", "p95_ms", "p99_ms", "failed")
_OF_TRIALS = ("trial_quality", "requests_per_second", "p95_ms", "size_mib", "within_limits")
_OF_SUITES = ("suite_value", "standard_error", "rows", "few_shot")
_LEAST_WIDTH = {"candidate": 12, "quality": len("99.9% [99.9%, 99.9%]")}
_UNKNOWN = "–"


def show_results(path: Path, *, as_json: bool) -> None:
    """Print the measurements with their intervals, one candidate a line; then any load tests, standard suites and
    searches."""
    evidence = read_evidence(path)
    decision = decide(evidence)
    document = results_document(evidence, decision)
    if as_json:
        console.print_json(document)
    else:
        print_results(document, decision)


def print_results(document: dict[str, Any], decision: Decision) -> None:
    """The results document in tables, and the notes that belong beside their figures."""
    candidates = document["candidates"]
    _print(("candidate",), _MEASURED, map(_measured_cells, candidates))
    _say(unanswered_notes(decision.candidates))
    levels = [(one["name"], level) for one in candidates if one["load"] for level in one["load"]["levels"]]
    if levels:
        console.say("")
        _print(("candidate", "load_level"), _UNDER_LOAD, (_level_cells(name, level) for name, level in levels))
        loads = [(one.name, one.load) for one in decision.candidates if one.load is not None]
        _say([note for name, load in loads for note in load_notes(name, load)])
    measures = [(one["name"], figure) for one in candidates for figure in one["suites"]]
    if measures:
        console.say("")
        columns = ("candidate", "suite_task", "suite_measure")
        _print(columns, _OF_SUITES, (_suite_cells(name, figure) for name, figure in measures))
        _say([message("report.suites.beside")])
    for one in candidates:
        if one["search"] is not None:
            _print_search(one["name"], one["search"])


def _print_search(name: str, search: dict[str, Any]) -> None:
    """The trials of a search, the chosen one marked: their figures are of train rows, not of test."""
    rows, teacher = f"{search['rows_held_out']:,}", f"{search['teacher_quality']:.1%}"
    console.say("")
    console.say(english("cli.results.search", candidate=name, rows=rows, teacher=teacher))
    _print(
        ("trial", "state", "settings"),
        _OF_TRIALS,
        (_trial_cells(trial, search["chosen"]) for trial in search["trials"]),
    )
    if search["teacher_knows_rows"]:
        _say([message("sweep.teacher_knows_rows")])
    if search["as_fast"]:
        others = ", ".join(map(str, search["as_fast"]))
        _say([message("sweep.as_fast", number=search["chosen"], others=others)])


def _say(notes: Sequence[Message]) -> None:
    for note in notes:
        console.say(f"  ! {note.text}")


def _print(words: Sequence[str], figures: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in (*words, *figures):
        table.add_column(
            english(f"cli.column.{heading}"),
            justify="left" if heading in words else "right",
            overflow="fold",
            min_width=_LEAST_WIDTH.get(heading),
        )
    for row in rows:
        table.add_row(*row)
    print_table(table)


def _measured_cells(candidate: dict[str, Any]) -> list[str]:
    quality, latency, cost = candidate["quality"], candidate["latency_ms"], candidate["cost"]
    shown = _UNKNOWN if quality is None or quality["value"] is None else _quality(quality)
    return [
        candidate["name"],
        shown,
        _number(latency and latency["p50"], 1),
        _number(latency and latency["p95"], 1),
        _number((candidate["throughput"] or {}).get("requests_per_second"), 0),
        _number(candidate["peak_memory_mib"], 0),
        _number(candidate["model_size_mib"], 1),
        _number(cost and cost["per_million_requests"], 2),
    ]


def _level_cells(name: str, level: dict[str, Any]) -> list[str]:
    code, latency = f"report.load.{level['loop']}", level["latency_ms"]
    if level["rate"] is None:
        told = english(code, count=level["concurrency"])
    else:
        told = english(code, rate=f"{level['rate']:.3g}")
    rates = (level["requests_per_second"], level["goodput"])
    # Beside the times of what was answered stands how much was not, of how much.
    failed = f"{level['failed']:,}/{level['failed'] + level['answered']:,}"
    times = (latency[share] for share in ("p50", "p95", "p99"))
    return [name, told, *(_number(rate, 1) for rate in rates), *(_number(time, 1) for time in times), failed]


def _trial_cells(trial: dict[str, Any], chosen: int) -> list[str]:
    whole = trial["state"] == "complete"
    state = "chosen" if trial["trial"] == chosen else trial["state"].replace(" ", "_")
    settings = ", ".join(f"{name} {_setting(value)}" for name, value in trial["settings"].items())
    return [
        str(trial["trial"]),
        english(f"report.trial.{state}"),
        settings,
        _UNKNOWN if trial["quality"] is None else f"{trial['quality']:.1%}",
        _rate(trial),
        _number(trial["p95_latency_ms"], 1),
        _number(trial["model_size_mib"], 1),
        english(f"cli.results.{'yes' if trial['within_limits'] else 'no'}") if whole else _UNKNOWN,
    ]


def _rate(trial: dict[str, Any]) -> str:
    """Requests a second, and the quartiles of its timings."""
    low, high = trial["requests_per_second_low"], trial["requests_per_second_high"]
    rate = _number(trial["requests_per_second"], 0)
    return rate if low is None else f"{rate} [{_number(low, 0)}, {_number(high, 0)}]"


def _setting(value: object) -> str:
    """A setting as the study file writes it."""
    return f"{value:.3g}" if isinstance(value, float) else json.dumps(value).strip('"')


def _suite_cells(name: str, figure: dict[str, Any]) -> list[str]:
    # How answers were read is worth a word only where lm-eval offers several ways.
    read = "" if figure["filter"] in ("", "none") else f" ({figure['filter']})"
    return [
        name,
        figure["task"],
        f"{figure['metric']}{read}",
        _number(figure["value"], 4),
        _number(figure["standard_error"], 4),
        _number(figure["rows"], 0),
        _number(figure["num_fewshot"], 0),
    ]


def _quality(quality: dict[str, Any]) -> str:
    return f"{quality['value']:.1%} [{quality['low']:.1%}, {quality['high']:.1%}]"


def _number(value: float | None, digits: int) -> str:
    return _UNKNOWN if value is None else f"{value:,.{digits}f}"
