"""What a student kept of its teacher, and what is compressed beside what it was."""

from __future__ import annotations

from typing import Any

from core.decide.baselines import is_distilled
from core.decide.outcome import message
from core.decide.variants import SAME_SPEED
from core.report import figures
from core.report.model import Block, Cell, Table, not_measured
from core.report.sections.material import Material, bounded, figure, named, numbers, words


def kept_blocks(material: Material) -> list[Block]:
    """Both tables, each where it has rows."""
    kept = _kept(material)
    compressed = [row for row in material.candidates if row["uncompressed"] is not None]
    blocks: list[Block] = [kept] if kept.rows else []
    return [*blocks, _compressed(material, compressed)] if compressed else blocks


def quality_cell(quality: dict[str, Any] | None) -> Cell:
    """A quality with its interval and, where there are several, the number of seeds."""
    if quality is None:
        return not_measured()
    cell = bounded(quality["value"], quality["low"], quality["high"], figures.percent)
    if quality["seeds"] is None or quality["seeds"] == 1 or not isinstance(cell.note, str):
        return cell
    return Cell(cell.phrase, message("report.quality.seeds", interval=cell.note, seeds=quality["seeds"]))


def _kept(material: Material) -> Table:
    """What each student kept of its teacher, beside what it learns from the targets alone."""
    study = material.evidence.study
    rows = []
    for row in material.candidates:
        distilled = row["quality"]["value"] is not None and is_distilled(study, study.candidate(row["name"]))
        if row["retained"] is not None or distilled:
            rows.append((named(material, row["name"]), _retained(row), *_against_hard_labels(row, distilled)))
    titles = words("candidate") + numbers("retained", "hard_labels", "distillation_added")
    return Table(message("report.table.kept"), titles, tuple(rows))


def _compressed(material: Material, rows: list[dict[str, Any]]) -> Table:
    """What was compressed within its own candidate, beside what it was before."""
    titles = words("candidate") + numbers("uncompressed", "change", "speed_factor", "size_share") + words("standing")
    return Table(message("report.table.compressed"), titles, tuple(_compressed_cells(material, row) for row in rows))


def _compressed_cells(material: Material, row: dict[str, Any]) -> tuple[Cell, ...]:
    whole = row["uncompressed"]
    change, now, before = whole["change"], row["throughput"]["requests_per_second"], whole["requests_per_second"]
    speed, size = _ratio(now, before), _ratio(row["model_size_mib"], whole["model_size_mib"])
    return (
        named(material, row["name"]),
        quality_cell(whole["quality"]),
        bounded(change["value"], change["low"], change["high"], figures.points),
        figure(speed, figures.number),
        figure(size, figures.percent),
        Cell(message(f"report.compressed.{_worth(whole, speed, size)}"), tone="warn" if whole["better"] else "plain"),
    )


def _worth(whole: dict[str, Any], speed: float | None, size: float | None) -> str:
    """What is gained, the first that is: speed, size, or a limit that only the compressed form keeps to."""
    if speed is None:
        return "unknown"
    if whole["better"]:
        return "better"
    if speed > 1.0 + SAME_SPEED:
        return "faster"
    return "smaller" if size is not None and size < 1.0 else "worth_it"


def _ratio(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else now / before


def _retained(row: dict[str, Any]) -> Cell:
    retained = row["retained"]
    if retained is None:
        return not_measured()
    share = figures.percent(retained["quality_share"])
    if retained["low"] is None:
        return Cell(share, message("report.kept.of", of=retained["of"]))
    ends = figures.interval(figures.percent(retained["low"]), figures.percent(retained["high"]))
    return Cell(share, message("report.kept.of_within", of=retained["of"], interval=ends))


def _against_hard_labels(row: dict[str, Any], distilled: bool) -> tuple[Cell, Cell]:
    """The baseline and what distillation added to it; dashes where no teacher taught."""
    quality, added = row["baseline"]["hard_labels"], row["baseline"]["added"]
    if quality is None:
        cell = not_measured() if distilled else Cell("–", tone="muted")
        return cell, cell
    return quality_cell(quality), bounded(added["value"], added["low"], added["high"], figures.points)
