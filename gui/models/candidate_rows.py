"""Every candidate as a row of cells: its figures, what it keeps of its teacher, and whether it may be chosen."""

from __future__ import annotations

from dataclasses import replace

from core.decide.gates import is_undecided
from core.decide.outcome import CandidateDecision
from core.i18n import Value
from gui.models.decision_rows import DASH, MARKS, STATES, DecisionRows
from gui.models.table import Cell


def candidate_rows(rows: DecisionRows) -> list[list[Cell]]:
    """Every candidate with its figures and what keeps it out: the report's main table."""
    return [_candidate(candidate, rows) for candidate in rows.decision.candidates]


def compared_rows(rows: DecisionRows) -> list[list[Cell]]:
    """Every candidate with what it keeps of its teacher, its speed and its size, under `COMPARED`."""
    return [_compared(candidate, rows) for candidate in rows.decision.candidates]


def retrieval_sentences(rows: DecisionRows) -> str:
    """A line for each candidate that is given passages: how often the right one is found, and what that takes."""
    lines = []
    for candidate in rows.decision.candidates:
        told = candidate.retrieval
        if told is None:
            continue
        took = DASH if told.search_ms.p50 is None else rows.formats.milliseconds(told.search_ms.p50)
        values: dict[str, Value] = {"candidate": candidate.name, "took": took, "count": told.top_k}
        values["passages"] = rows.formats.count(told.passages)
        if told.recall is None or told.right_by is None:
            lines.append(rows.tr("gui_decide.retrieval.unknown", **values))
            continue
        low, high = told.recall.low, told.recall.high
        recall = rows.formats.percent(told.recall.value, low, high)
        ends = rows.formats.interval(*(rows.formats.percent(end or 0.0, low, high) for end in (low, high)))
        code = f"gui_decide.retrieval.by_{told.right_by}"
        lines.append(rows.tr(code, recall=recall, interval=ends, **values))
    return "\n".join(lines)


def _candidate(candidate: CandidateDecision, rows: DecisionRows) -> list[Cell]:
    quality, quality_range = rows.quality(candidate)
    cost, cost_range = rows.money(candidate.cost.per_success if candidate.cost else None, 1000)
    monthly, _ = rows.money(candidate.cost.monthly if candidate.cost else None)
    latency = candidate.latency.p95 if candidate.latency else None
    faded = candidate.excluded_by is not None or candidate.ineligible is not None
    return [
        Cell(candidate.name, candidate.name, role=candidate.role, bold=True, faded=faded),
        Cell(quality, candidate.quality.value if candidate.quality else None, number=True, tip=quality_range),
        Cell(cost, number=True, tip=cost_range),
        Cell(monthly, number=True),
        Cell(
            DASH if latency is None else rows.formats.milliseconds(latency),
            latency,
            number=True,
            tip=_times(candidate, rows),
        ),
        _standing(candidate, rows),
    ]


def _times(candidate: CandidateDecision, rows: DecisionRows) -> str:
    """The medians of single requests and of their tokens, a line each."""
    tokens = candidate.token_latency
    known = {
        "latency": candidate.latency,
        "time_to_first_token": None if tokens is None else tokens.time_to_first_token,
        "time_to_first_output_token": None if tokens is None else tokens.time_to_first_output_token,
        "time_per_output_token": None if tokens is None else tokens.time_per_output_token,
    }
    return "\n".join(
        rows.tr(f"gui_decide.times.{name}", p50=rows.formats.milliseconds(times.p50))
        for name, times in known.items()
        if times is not None and times.p50 is not None
    )


def _compared(candidate: CandidateDecision, rows: DecisionRows) -> list[Cell]:
    name, quality, cost, _, latency, standing = _candidate(candidate, rows)
    speed, size = candidate.requests_per_second, candidate.model_size_mib
    return [
        name,
        replace(quality, tip="\n".join(part for part in (quality.tip, _by_seed(candidate, rows)) if part)),
        _kept(candidate, rows),
        Cell(DASH if speed is None else rows.formats.number(float(f"{speed:.3g}")), speed, number=True),
        Cell(DASH if size is None else _mebibytes(size, rows), size, number=True),
        latency,
        cost,
        standing,
    ]


def _kept(candidate: CandidateDecision, rows: DecisionRows) -> Cell:
    """The share of its teacher's or parent's quality that a candidate keeps, with of whom and how sure on hover."""
    kept = candidate.retained
    if kept is None:
        return Cell(DASH, number=True)
    low, high = kept.share.low, kept.share.high
    tip = rows.tr("gui_decide.kept.of", name=kept.of)
    if low is not None and high is not None:
        ends = (rows.formats.percent(end, low, high) for end in (low, high))
        tip = f"{tip}\n{rows.formats.interval(*ends)}"
    added = candidate.distillation_added
    if added is not None:
        points = rows.formats.points(added.value, added.low, added.high)
        tip = f"{tip}\n{rows.tr('gui_decide.kept.added', points=points)}"
    return Cell(rows.formats.percent(kept.share.value, low, high), kept.share.value, number=True, tip=tip)


def _by_seed(candidate: CandidateDecision, rows: DecisionRows) -> str:
    return rows.tr("gui.list_separator").join(
        rows.tr("gui_decide.by_seed", seed=one.seed, quality=rows.formats.percent(round(one.quality, 3)))
        for one in candidate.by_seed
    )


def _mebibytes(size: float, rows: DecisionRows) -> str:
    return f"{rows.formats.number(float(f'{size:.3g}'))}\u00a0MiB"


def _standing(candidate: CandidateDecision, rows: DecisionRows) -> Cell:
    """Whether a candidate may be chosen, else the first reason why not."""
    if candidate.state == "not measured":
        return Cell(rows.tr("gui_decide.standing.not_measured"), color="muted")
    gate = candidate.excluded_by
    if gate is not None:
        # What the data leave undecided is shown as what is not known yet, and not as a failure.
        unsure = is_undecided(gate)
        state = "unknown" if unsure else gate.state
        word = rows.tr(f"gui_decide.gate.{gate.gate.value}")
        text = rows.tr(f"gui_decide.standing.{'unsure' if unsure else 'excluded'}", mark=MARKS[state], gate=word)
        return Cell(text, gate.gate, color=STATES[state], tip=rows.words(gate.message))
    if candidate.ineligible is not None:
        text = rows.tr("gui_decide.standing.ineligible")
        return Cell(text, color="muted", tip=rows.words(candidate.ineligible))
    if candidate.dominated_by is not None and candidate.name != rows.decision.candidate:
        text = rows.tr("gui_decide.standing.dominated", by=candidate.dominated_by)
        return Cell(text, candidate.dominated_by, color="muted", tip=text)
    chosen = candidate.name == rows.decision.candidate
    text = rows.tr(f"gui_decide.standing.{'chosen' if chosen else 'meets'}")
    return Cell(text, color="good", bold=chosen)
