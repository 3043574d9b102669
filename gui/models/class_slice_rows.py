"""Each class, each field or label, and each slice as rows of cells, with the candidates side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.decide.class_slices import FEWEST_ROWS, side_by_side
from core.decide.outcome import CandidateDecision, ClassRecall, Interval, SliceGap, SliceQuality, SmallSlice
from core.metrics.fields import PartFigures
from gui.models.decision_rows import DASH, DecisionRows
from gui.models.table import Cell

MOST_CANDIDATES = 4
MOST_CLASSES = 40
MOST_SMALL_SLICES = 40


@dataclass(frozen=True)
class ClassSliceRows:
    """Titles and rows of the table, the sentence over it and the notes under it."""

    sentence: str
    titles: list[str]
    rows: list[list[Cell]]
    notes: str


def class_slice_rows(rows: DecisionRows) -> ClassSliceRows:
    """The recall of each class, the rarest first, or the F1 of each field or label; then the quality on each slice, and
    the slices with too few rows for one. A sentence where there is none of them."""
    shown = [rows.decision.of(name) for name in side_by_side(rows.decision, MOST_CANDIDATES)]
    classes, slices = (shown[0].by_class, shown[0].by_slice) if shown else ((), ())
    small = rows.decision.small_slices if shown else ()
    parts = list(dict.fromkeys(part.name for candidate in shown for part in candidate.parts))
    if not (classes or slices or small or parts):
        return ClassSliceRows(rows.tr("gui_decide.parts.none"), [], [], "")
    table = [_class_row(one, shown, place, rows) for place, one in enumerate(classes[:MOST_CLASSES])]
    table += [_part_row(name, shown, rows) for name in parts[:MOST_CLASSES]]
    table += [_slice_row(one, shown, place, rows) for place, one in enumerate(slices)]
    table += [_small_row(one, len(shown), rows) for one in small[:MOST_SMALL_SLICES]]
    titles = [*rows.titles("apart" if parts else "part", "rows"), *(candidate.name for candidate in shown)]
    apart = "apart_slices" if slices or small else "apart"
    told = "classes" if classes else apart if parts else "slices"
    return ClassSliceRows(rows.tr(f"gui_decide.parts.{told}"), titles, table, _notes(rows, shown, parts))


def slices_not_compared(rows: DecisionRows) -> str:
    """How many slices have too few rows for a gap of teacher and student; empty where none has, or nobody compares."""
    small = len(rows.decision.small_slices)
    if rows.decision.complexity.student is None or not small:
        return ""
    return rows.tr("decide.slices.not_compared", count=small, fewest=FEWEST_ROWS)


def _notes(rows: DecisionRows, shown: Sequence[CandidateDecision], parts: Sequence[str]) -> str:
    notes = []
    small = len(rows.decision.small_slices)
    if shown[0].by_class or shown[0].by_slice or small:
        notes.append(rows.tr("gui_decide.parts.intervals", fewest=FEWEST_ROWS))
    for code, count in (("more", len(shown[0].by_class)), ("more_apart", len(parts))):
        if count > MOST_CLASSES:
            notes.append(rows.tr(f"gui_decide.parts.{code}", shown=MOST_CLASSES, count=count - MOST_CLASSES))
    if small > MOST_SMALL_SLICES:
        notes.append(rows.tr("gui_decide.parts.more_small", shown=MOST_SMALL_SLICES, count=small - MOST_SMALL_SLICES))
    if len(shown) < sum(candidate.state == "measured" for candidate in rows.decision.candidates):
        notes.append(rows.tr("gui_decide.parts.other_candidates"))
    return "\n".join(notes)


def _class_row(one: ClassRecall, shown: Sequence[CandidateDecision], place: int, rows: DecisionRows) -> list[Cell]:
    found = [candidate.by_class[place].recall if candidate.by_class else None for candidate in shown]
    name = rows.tr("gui_decide.parts.few", label=one.label) if one.few else one.label
    return _row(name, one.rows, found, rows, faded=one.few)


def _part_row(name: str, shown: Sequence[CandidateDecision], rows: DecisionRows) -> list[Cell]:
    """A field or label; the times it was asked for are the same of all, for they are the targets'."""
    found = [next((part for part in candidate.parts if part.name == name), None) for candidate in shown]
    wanted = next(part.wanted for part in found if part is not None)
    cells = [_scores(part, rows) for part in found]
    return [Cell(name, name, bold=True), Cell(rows.formats.count(wanted), wanted, number=True), *cells]


def _scores(part: PartFigures | None, rows: DecisionRows) -> Cell:
    """F1, with precision and recall behind it."""
    if part is None or part.f1 is None:
        return Cell(DASH, number=True)
    precision, recall = (
        DASH if share is None else rows.formats.percent(share) for share in (part.precision, part.recall)
    )
    text = rows.tr("gui_decide.parts.scores", f1=rows.formats.percent(part.f1), precision=precision, recall=recall)
    counts = rows.tr("gui_decide.parts.counts", wanted=part.wanted, given=part.given, right=part.right)
    return Cell(text, part.f1, number=True, tip=counts)


def _slice_row(one: SliceQuality, shown: Sequence[CandidateDecision], place: int, rows: DecisionRows) -> list[Cell]:
    found = [candidate.by_slice[place].quality if candidate.by_slice else None for candidate in shown]
    name = slice_name(one, rows)
    return _row(name, one.rows, found, rows, faded=False)


def slice_name(one: SliceQuality | SliceGap | SmallSlice, rows: DecisionRows) -> str:
    """A slice as "column = value"; of rows whose cell is empty it says so."""
    value = one.value or rows.tr("gui_decide.parts.empty")
    return rows.tr("gui_decide.complexity.slice", column=one.column, value=value)


def _small_row(one: SmallSlice, candidates: int, rows: DecisionRows) -> list[Cell]:
    name = slice_name(one, rows)
    too_few = Cell(rows.tr("gui_decide.parts.too_few"), color="muted", number=True)
    count = Cell(rows.formats.count(one.rows), one.rows, number=True)
    return [Cell(name, name, bold=True), count, *[too_few] * candidates]


def _row(name: str, count: int, found: Sequence[Interval | None], rows: DecisionRows, *, faded: bool) -> list[Cell]:
    cells = [_figure(one, rows, faded=faded) for one in found]
    return [Cell(name, name, bold=True), Cell(rows.formats.count(count), count, number=True), *cells]


def _figure(found: Interval | None, rows: DecisionRows, *, faded: bool) -> Cell:
    """A share with its interval behind it; muted where the rows are few."""
    if found is None:
        return Cell(DASH, number=True)
    text = rows.formats.percent(found.value, found.low, found.high)
    if found.low is not None and found.high is not None:
        ends = (rows.formats.percent(end, found.low, found.high) for end in (found.low, found.high))
        text = f"{text} ({rows.formats.interval(*ends)})"
    return Cell(text, found.value, color="muted" if faded else "text", number=True)
