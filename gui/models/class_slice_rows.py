"""Each class and each slice as rows of cells, with the candidates side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.decide.class_slices import FEWEST_ROWS, side_by_side
from core.decide.outcome import CandidateDecision, ClassRecall, Interval, SliceQuality
from gui.models.decision_rows import DASH, DecisionRows
from gui.models.table import Cell

MOST_CANDIDATES = 4
MOST_CLASSES = 40


@dataclass(frozen=True)
class ClassSliceRows:
    """Titles and rows of the table, the sentence over it and the notes under it."""

    sentence: str
    titles: list[str]
    rows: list[list[Cell]]
    notes: str


def class_slice_rows(rows: DecisionRows) -> ClassSliceRows:
    """The recall of each class, the rarest first, then the quality on each slice; a sentence where there is neither."""
    shown = [rows.decision.of(name) for name in side_by_side(rows.decision, MOST_CANDIDATES)]
    classes, slices = (shown[0].by_class, shown[0].by_slice) if shown else ((), ())
    if not classes and not slices:
        return ClassSliceRows(rows.tr("gui_decide.parts.none"), [], [], "")
    table = [_class_row(one, shown, place, rows) for place, one in enumerate(classes[:MOST_CLASSES])]
    table += [_slice_row(one, shown, place, rows) for place, one in enumerate(slices)]
    titles = [*rows.titles("part", "rows"), *(candidate.name for candidate in shown)]
    sentence = rows.tr("gui_decide.parts.classes" if classes else "gui_decide.parts.slices")
    return ClassSliceRows(sentence, titles, table, _notes(rows, shown, len(classes)))


def _notes(rows: DecisionRows, shown: Sequence[CandidateDecision], classes: int) -> str:
    notes = [rows.tr("gui_decide.parts.intervals", fewest=FEWEST_ROWS)]
    if classes > MOST_CLASSES:
        notes.append(rows.tr("gui_decide.parts.more", shown=MOST_CLASSES, count=classes - MOST_CLASSES))
    if len(shown) < sum(candidate.state == "measured" for candidate in rows.decision.candidates):
        notes.append(rows.tr("gui_decide.parts.other_candidates"))
    return "\n".join(notes)


def _class_row(one: ClassRecall, shown: Sequence[CandidateDecision], place: int, rows: DecisionRows) -> list[Cell]:
    found = [candidate.by_class[place].recall if candidate.by_class else None for candidate in shown]
    name = rows.tr("gui_decide.parts.few", label=one.label) if one.few else one.label
    return _row(name, one.rows, found, rows, faded=one.few)


def _slice_row(one: SliceQuality, shown: Sequence[CandidateDecision], place: int, rows: DecisionRows) -> list[Cell]:
    found = [candidate.by_slice[place].quality if candidate.by_slice else None for candidate in shown]
    name = rows.tr("gui_decide.complexity.slice", column=one.column, value=one.value)
    return _row(name, one.rows, found, rows, faded=False)


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
