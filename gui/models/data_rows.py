"""What the data itself allows as rows of cells: wrong labels, and what more labels would bring."""

from __future__ import annotations

from core.decide.data_limits import accuracy_ceiling
from core.decide.outcome import SuspectedRow
from core.jobs.results import LabelNoise
from gui.i18n import Translator
from gui.models.decision_rows import DecisionRows
from gui.models.table import Cell

MOST_ROWS = 50
_MOST_CHARACTERS = 90


def noise_sentence(translator: Translator, noise: LabelNoise) -> str:
    """How many labels are probably wrong, and the ceiling that they set."""
    formats, ceiling = translator.formats, accuracy_ceiling(noise)
    ends = (formats.percent(end, noise.low, noise.high) for end in (noise.low, noise.high))
    return translator.tr(
        "gui_decide.data.noise",
        rate=formats.percent(noise.rate, noise.low, noise.high),
        interval=formats.interval(*ends),
        ceiling=formats.percent(ceiling.value, ceiling.low, ceiling.high),
        rows=formats.count(noise.rows),
    )


def suspect_rows(rows: DecisionRows) -> list[list[Cell]]:
    """The rows that are probably labelled wrongly, the surest first."""
    return [_suspect(row, rows) for row in rows.decision.suspected[:MOST_ROWS]]


def suspect_notes(rows: DecisionRows, noise: LabelNoise) -> str:
    """How the rows were found, and how many are not shown."""
    notes = [rows.tr("decide.label_noise.method")]
    if noise.suspected > MOST_ROWS:
        notes.append(rows.tr("gui_decide.data.more", shown=MOST_ROWS, suspected=noise.suspected))
    return "\n".join(notes)


def _suspect(row: SuspectedRow, rows: DecisionRows) -> list[Cell]:
    line = " ".join(row.input.split())
    text = line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 1]}…"
    return [
        Cell(row.example_id, row.example_id, bold=True),
        Cell(text, line, tip=line if text != line else ""),
        Cell(row.target, row.target),
        Cell(row.suggested, row.suggested),
        Cell(rows.formats.percent(round(row.confidence, 2)), row.confidence, number=True),
        Cell(f"{len(row.answered_so_by)} / {row.asked}", tip="\n".join(row.answered_so_by), number=True),
    ]


def learning_rows(rows: DecisionRows) -> list[list[Cell]]:
    """Usable information, and what more labels would bring, for the table of the measured complexity."""
    profile, formats = rows.decision.complexity, rows.formats
    table = []
    known, curve, student = profile.usable_information, profile.learning_curve, profile.expected_student
    if known is not None:
        value = rows.tr(
            "gui_decide.complexity.bits",
            bits=formats.number(known.bits, 2),
            low=formats.number(known.low, 2),
            high=formats.number(known.high, 2),
        )
        meaning = rows.tr("gui_decide.complexity.usable.meaning", bits=formats.number(known.label_bits, 2))
        table.append(_line(rows.tr("gui_decide.complexity.usable"), value, meaning))
    if curve is None:
        return table
    now = curve.sizes[-1]
    for one in curve.expected:
        more = formats.count(one.rows - now.rows)
        half = formats.points((one.high - one.low) / 2).removeprefix("+")
        name = rows.tr("gui_decide.complexity.curve", more=more)
        value = rows.tr("gui_decide.complexity.expected", value=formats.percent(round(one.quality, 3)), half=half)
        meaning = rows.tr(
            "gui_decide.complexity.curve.meaning",
            now=formats.percent(round(now.quality, 3)),
            rows=formats.count(now.rows),
        )
        table.append(_line(name, value, meaning))
    if student is not None:
        for count, interval in student.points:
            if interval.low is None or interval.high is None:
                continue
            half = formats.points((interval.high - interval.low) / 2).removeprefix("+")
            name = rows.tr(
                "gui_decide.complexity.student_curve", student=student.student, more=formats.count(count - student.rows)
            )
            value = rows.tr(
                "gui_decide.complexity.expected", value=formats.percent(round(interval.value, 3)), half=half
            )
            meaning = rows.tr(
                "gui_decide.complexity.student_curve.meaning", now=formats.percent(round(student.quality, 3))
            )
            table.append(_line(name, value, meaning))
    checked = curve.held_out
    table.append(
        _line(
            rows.tr("gui_decide.complexity.curve_error"),
            formats.points(checked.predicted - checked.measured),
            rows.tr("gui_decide.complexity.curve_error.meaning", rows=formats.count(checked.rows)),
        )
    )
    return table


def _line(name: str, value: str, meaning: str) -> list[Cell]:
    return [Cell(name), Cell(value, bold=True), Cell(meaning, color="muted")]
