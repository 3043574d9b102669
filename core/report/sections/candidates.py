"""The candidates side by side: quality, speed, size, energy and cost, each with its interval where it has one."""

from __future__ import annotations

from typing import Any

from core.charts import quality_cost_chart
from core.decide.outcome import Message, message
from core.decide.unanswered import unanswered_notes
from core.domain import Role
from core.report import figures
from core.report.model import Block, Cell, Chart, Paragraph, Section, Table, not_measured
from core.report.sections.checks import checks
from core.report.sections.class_slices import class_slices
from core.report.sections.judging import judging
from core.report.sections.kept import kept_blocks, quality_cell
from core.report.sections.load import load_blocks
from core.report.sections.material import Material, bounded, figure, named, numbers, words
from core.report.sections.retrieval import retrieval
from core.report.sections.suites import suites

_ENDPOINT = "endpoint"
_TOKEN_TIMES = ("time_to_first_token", "time_to_first_output_token", "time_per_output_token", "inter_token")
_PART_TITLES = {"fields": "field", "labels": "label"}


def candidates(material: Material) -> Section:
    """The chart of quality against cost and its tables, classes and slices; runtimes where a model was timed under
    several."""
    blocks: list[Block] = [Chart(quality_cost_chart(material.decision)), _speed(material)]
    blocks += [Paragraph(note, "warn") for note in unanswered_notes(material.decision.candidates)]
    tokens = _tokens(material)
    blocks += [tokens, _size(material)] if tokens.rows else [_size(material)]
    blocks += kept_blocks(material)
    blocks += [_parts(material, kind) for kind in ("fields", "labels") if any(row[kind] for row in material.candidates)]
    blocks += judging(material)
    blocks += checks(material)
    blocks += load_blocks(material)
    blocks.append(_costs(material))
    blocks += class_slices(material)
    if any(row["runtimes"] for row in material.candidates):
        blocks.append(_runtimes(material))
    found = retrieval(material)
    if found is not None:
        blocks.append(found)
    blocks += suites(material)
    if len(material.decision.frontier) > 1:
        blocks += [Paragraph(message("report.candidates.frontier")), _frontier(material)]
    return Section("candidates", message("report.section.candidates"), tuple(blocks))


def _name(row: dict[str, Any]) -> Cell:
    return Cell(row["name"], _made(row), role=Role(row["role"]))


def _made(row: dict[str, Any]) -> Message | None:
    """Where a model comes from and what served it; a hybrid's policy."""
    if row["origin"] == "imported":
        return message("report.origin.imported")
    if row["role"] == Role.HYBRID:
        return None if row["policy"] is None else message("report.made.hybrid", policy=row["policy"])
    if row["runtime"] is None:
        return message("report.made", source=row["source"])
    return message("report.made.served", source=row["source"], runtime=row["runtime"])


def _speed(material: Material) -> Table:
    titles = words("candidate") + numbers("quality", "p50", "p95", "p99", "requests_per_second")
    rows = []
    for row in material.candidates:
        latency, throughput = row["latency_ms"] or {}, row["throughput"] or {}
        percentiles = (figure(latency.get(key), figures.milliseconds) for key in ("p50", "p95", "p99"))
        each_second = figure(throughput.get("requests_per_second"), figures.number)
        rows.append((_name(row), quality_cell(row["quality"]), *percentiles, each_second))
    return Table(message("report.table.speed"), titles, tuple(rows))


def _tokens(material: Material) -> Table:
    """When the tokens of single answers come, of the candidates that write; p95 under the median."""
    rows = []
    for row in material.candidates:
        latency = row["latency_ms"] or {}
        parts = [latency.get(name) for name in _TOKEN_TIMES]
        if any(part is not None for part in parts):
            rate = (row["throughput"] or {}).get("output_tokens_per_second")
            cells = [_percentiles(part) for part in parts]
            if row["runtime"] == _ENDPOINT and parts[-1] is not None:
                cells[-1] = _between_chunks(parts[-1])
            rows.append((named(material, row["name"]), *cells, figure(rate, figures.number)))
    titles = words("candidate") + numbers(*_TOKEN_TIMES, "output_tokens_per_second")
    return Table(message("report.table.tokens"), titles, tuple(rows))


def _percentiles(part: dict[str, Any] | None) -> Cell:
    if part is None:
        return not_measured()
    note = None if part["p95"] is None else message("report.p95", value=figures.milliseconds(part["p95"]))
    return figure(part["p50"], figures.milliseconds, note)


def _between_chunks(part: dict[str, Any]) -> Cell:
    """The gaps of an endpoint, which sends several tokens at once where it likes."""
    if part["p95"] is None:
        return figure(part["p50"], figures.milliseconds, message("report.between_chunks"))
    note = message("report.between_chunks.p95", value=figures.milliseconds(part["p95"]))
    return figure(part["p50"], figures.milliseconds, note)


def _size(material: Material) -> Table:
    titles = words("candidate") + numbers("peak_memory", "model_size", "parameters", "energy")
    rows = tuple(
        (
            named(material, row["name"]),
            _memory(row),
            figure(row["model_size_mib"], figures.mebibytes),
            figure(row["parameters"], figures.count),
            _energy(row["energy"]),
        )
        for row in material.candidates
    )
    return Table(message("report.table.size"), titles, rows)


def _memory(row: dict[str, Any]) -> Cell:
    """The peak, with both phases where they are told apart; a hybrid's is the sum of its models'."""
    cell, memory = figure(row["peak_memory_mib"], figures.mebibytes), row["memory"]
    if memory["source"] == "estimate":
        return Cell(cell.phrase, message("report.memory.sum"))
    if memory["loading_mib"] is None:
        return cell
    loading, answering = (figures.mebibytes(memory[name]) for name in ("loading_mib", "answering_mib"))
    return Cell(cell.phrase, message("report.memory.phases", loading=loading, answering=answering))


def _energy(energy: dict[str, Any]) -> Cell:
    joules = figure(energy["joules_per_request"], lambda value: f"{figures.number(value)} J")
    if energy["joules_per_request"] is None:
        return joules
    return Cell(joules.phrase, message(f"report.energy.{energy['source']}"))


def _parts(material: Material, kind: str) -> Table:
    """Each field of an extraction, or each label where rows have several, for each candidate."""
    titles = words("candidate", _PART_TITLES[kind]) + numbers("precision", "part_recall", "f1", "rows")
    rows = [
        (
            named(material, row["name"]),
            Cell(part["name"]),
            _share(part["precision"], part["precision_interval"]),
            _share(part["recall"], part["recall_interval"]),
            _share(part["f1"]),
            Cell(figures.count(part["wanted"])),
        )
        for row in material.candidates
        for part in row[kind] or []
    ]
    return Table(message(f"report.table.{kind}_apart"), titles, tuple(rows))


def _share(value: float | None, interval: dict[str, float] | None = None) -> Cell:
    if value is None:
        return Cell("–", tone="muted")
    if interval is None:
        return Cell(figures.percent(value))
    return bounded(value, interval["low"], interval["high"], figures.percent)


def _costs(material: Material) -> Table:
    titles = words("candidate") + numbers("monthly", "per_million_requests", "per_success", "one_off", "cost_benefit")
    rows = []
    for row in material.candidates:
        cost, benefit = row["cost"] or {}, row["cost_benefit"] or {}
        amounts = (cost.get(key) for key in ("monthly", "per_million_requests", "per_success", "one_off"))
        cells = [_amount(material, row["name"], amount) for amount in amounts]
        for part in ("labels", "judging"):
            if cost.get("one_off") is not None and cost.get(f"one_off_{part}") is not None:
                note = message(f"report.one_off.{part}", amount=material.money(cost[f"one_off_{part}"]))
                cells[-1] = Cell(cells[-1].phrase, note)
        ratio = bounded(benefit.get("value"), benefit.get("low"), benefit.get("high"), figures.number)
        rows.append((named(material, row["name"]), *cells, ratio))
    return Table(message("report.table.costs", currency=material.currency), titles, tuple(rows))


def _amount(material: Material, name: str, amount: float | None) -> Cell:
    """An amount, or the reason why there is none."""
    if amount is not None:
        return Cell(material.money(amount))
    cost = material.decision.of(name).cost
    return Cell(cost.reason, tone="muted") if cost is not None and cost.reason is not None else not_measured()


def _runtimes(material: Material) -> Table:
    rows = tuple(
        (
            named(material, row["name"]),
            Cell(runtime["runtime"]),
            figure(runtime["p50_ms"], figures.milliseconds),
            figure(runtime["requests_per_second"], figures.number),
        )
        for row in material.candidates
        for runtime in row["runtimes"]
    )
    titles = words("candidate", "runtime") + numbers("p50", "requests_per_second")
    return Table(message("report.table.runtimes"), titles, rows)


def _frontier(material: Material) -> Table:
    rows = tuple(
        (
            named(material, step.candidate),
            figure(step.quality, figures.percent),
            Cell(material.money(step.per_request * 1_000_000)),
            Cell("–") if step.icer is None else Cell(material.money(step.icer)),
            Cell(material.money(step.value_from)),
            Cell(message("report.no_end")) if step.value_to is None else Cell(material.money(step.value_to)),
        )
        for step in material.decision.frontier
    )
    titles = words("candidate") + numbers("quality", "per_million_requests", "icer", "value_from", "value_to")
    return Table(message("report.table.frontier"), titles, rows)
