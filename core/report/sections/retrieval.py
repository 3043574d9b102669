"""Retrieval: how often the right passage was found, how long that took, and how large the index is."""

from __future__ import annotations

from typing import Any

from core.decide.outcome import message
from core.report import figures
from core.report.model import Cell, Table
from core.report.sections.material import Material, bounded, figure, named, numbers, words


def retrieval(material: Material) -> Table | None:
    """A row for each candidate that is given passages; null where there is none."""
    rows = [row for row in material.candidates if row["retrieval"] is not None]
    if not rows:
        return None
    titles = words("candidate", "search_method") + numbers("recall", "reciprocal_rank", "search_p50", "search_p95")
    titles += numbers("passages", "index_size", "search_memory")
    return Table(message("report.table.retrieval"), titles, tuple(_cells(material, row) for row in rows))


def _cells(material: Material, row: dict[str, Any]) -> tuple[Cell, ...]:
    told = row["retrieval"]
    method = message(f"report.retrieval.{told['method']}", top_k=told["top_k"])
    recall, mean_rank = told["recall"], told["reciprocal_rank"]
    by = None if told["right_by"] is None else message(f"report.retrieval.by_{told['right_by']}", rows=told["rows"])
    nothing = Cell("–", tone="muted")
    return (
        named(material, row["name"]),
        Cell(method, by),
        nothing if recall is None else bounded(recall["value"], recall["low"], recall["high"], figures.percent),
        nothing
        if mean_rank is None
        else bounded(mean_rank["value"], mean_rank["low"], mean_rank["high"], figures.number),
        figure(told["search_ms"]["p50"], figures.milliseconds),
        figure(told["search_ms"]["p95"], figures.milliseconds),
        Cell(figures.count(told["passages"]), message("report.retrieval.documents", count=told["documents"])),
        Cell(figures.mebibytes(told["index_mib"])),
        Cell(figures.mebibytes(told["embeddings_mib"] + told["encoder_mib"])),
    )
