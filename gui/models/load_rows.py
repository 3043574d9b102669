"""Load tests as the window shows them: each level of each candidate, and where it saturates."""

from __future__ import annotations

from core.decide.load import load_notes
from core.decide.outcome import CandidateDecision, LoadFigures, LoadLevel
from gui.models.decision_rows import DASH, DecisionRows
from gui.models.table import Cell

COLUMNS = ("candidate", "load_level", "speed", "goodput", "p50", "p95", "p99", "failed")
TOKENS = "output_tokens_per_second"
FIRST_TOKENS = ("first_token_p50", "first_token_p95")


def load_columns(rows: DecisionRows) -> tuple[str, ...]:
    """The codes of the columns; those of first tokens only where some answers were streamed, that of tokens a second
    only where some were counted."""
    levels = [level for _, level in _levels(rows)]
    tokens = (TOKENS,) if any(level.output_tokens_per_second is not None for level in levels) else ()
    firsts = FIRST_TOKENS if any(level.time_to_first_token is not None for level in levels) else ()
    return (*COLUMNS[:3], *tokens, *COLUMNS[3:-1], *firsts, COLUMNS[-1])


def load_rows(rows: DecisionRows) -> list[list[Cell]]:
    """One row for each level of each candidate that was tested, with a cell for each of `load_columns`."""
    columns = load_columns(rows)
    return [_cells(rows, candidate, level, columns) for candidate, level in _levels(rows)]


def _levels(rows: DecisionRows) -> list[tuple[CandidateDecision, LoadLevel]]:
    tested = [(one, one.load.levels) for one in rows.decision.candidates if one.load is not None]
    return [(candidate, level) for candidate, levels in tested for level in levels]


def saturation_sentences(rows: DecisionRows) -> str:
    """Where each tested candidate saturates, why requests failed, and which limits could not be held against it, one
    line for each."""
    tested = [(one.name, one.load) for one in rows.decision.candidates if one.load is not None]
    lines = [line for name, load in tested if (line := _saturation(rows, name, load))]
    lines += [rows.words(note) for name, load in tested for note in load_notes(name, load)]
    return "\n".join(lines)


def _saturation(rows: DecisionRows, name: str, load: LoadFigures) -> str:
    if load.most_clients is None:
        return ""
    if load.saturation_concurrency is None or load.saturation_requests_per_second is None:
        return rows.tr("report.load.unsaturated", name=name, count=load.most_clients)
    rate = _rate(rows, load.saturation_requests_per_second)
    return rows.tr("report.load.saturated", name=name, count=load.saturation_concurrency, rate=rate)


def _cells(rows: DecisionRows, candidate: CandidateDecision, level: LoadLevel, columns: tuple[str, ...]) -> list[Cell]:
    if level.rate is None:
        told = rows.tr("report.load.closed", count=level.concurrency)
    else:
        told = rows.tr(f"report.load.{level.loop}", rate=_rate(rows, level.rate))
    late = rows.tr("report.load.cut_off", count=level.cut_off) if level.cut_off else ""
    beside = late if level.usable else rows.tr("report.load.unusable")
    first = level.time_to_first_token
    firsts = (None, None) if first is None else (first.p50, first.p95)
    times = (level.latency.p50, level.latency.p95, level.latency.p99, *(firsts if FIRST_TOKENS[0] in columns else ()))
    tokens = (level.output_tokens_per_second,) if TOKENS in columns else ()
    rates = (level.requests_per_second, *tokens, level.goodput)
    return [
        Cell(candidate.name, candidate.name, role=candidate.role, bold=True),
        Cell(told, tip=beside),
        *(Cell(DASH if rate is None else _rate(rows, rate), rate, number=True) for rate in rates),
        *(Cell(DASH if time is None else rows.formats.milliseconds(time), time, number=True) for time in times),
        Cell(rows.formats.number(level.failed, 0), level.failed, number=True, color="warn" if level.failed else "text"),
    ]


def _rate(rows: DecisionRows, rate: float) -> str:
    return rows.formats.number(float(f"{rate:.3g}"))
