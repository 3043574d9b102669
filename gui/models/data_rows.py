"""What the data itself allows as rows of cells: wrong labels, and what more labels would bring."""

from __future__ import annotations

from core.decide.data_limits import accuracy_ceiling
from core.decide.learning_curve import curve_notes, expected_of_double
from core.decide.outcome import ExpectedStudent, Interval, StudentCurve, SuspectedRow
from core.jobs.results import HeldOutQuality, LabelNoise, LearningCurve
from core.metrics.learning_curve import HeldOutSize
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
    own = profile.student_curve
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
    table += [] if curve is None else _family_lines(rows, curve)
    table += [] if own is None else _own_lines(rows, own)
    table += [] if student is None else _expected_lines(rows, student)
    if curve is not None:
        table.append(_error_line(rows, rows.tr("gui_decide.complexity.curve_error"), curve.held_out))
    if own is not None and own.held_out is not None:
        name = rows.tr("gui_decide.complexity.own_error", student=own.student)
        table.append(_error_line(rows, name, own.held_out))
    return table


def expected_sentence(rows: DecisionRows) -> str:
    """What the student is expected at with twice as many labelled examples; empty where nothing is expected."""
    own, formats = rows.decision.complexity.student_curve, rows.formats
    told = None if own is None else expected_of_double(own)
    if own is None or told is None:
        return ""
    more, one = told
    low, high = one.low, one.high
    texts = [formats.percent(end, low, high) for end in (one.value, low or 0.0, high or 0.0)]
    return rows.tr(
        "decide.learning_curve.expected",
        student=own.student,
        more=formats.count(more),
        **dict(zip(("quality", "low", "high"), texts, strict=True)),
        rows=formats.count(own.sizes[-1].rows),
        now=formats.percent(own.sizes[-1].quality.value, low, high),
    )


def curve_sentences(rows: DecisionRows) -> str:
    """How the student's own learning curve was measured, one line for each thing to know; empty without one."""
    own = rows.decision.complexity.student_curve
    return "" if own is None else "\n".join(rows.words(note) for note in curve_notes(own))


def _family_lines(rows: DecisionRows, curve: LearningCurve) -> list[list[Cell]]:
    formats, table, now = rows.formats, [], curve.sizes[-1]
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
    return table


def _own_lines(rows: DecisionRows, own: StudentCurve) -> list[list[Cell]]:
    formats = rows.formats
    return [
        _line(
            rows.tr("gui_decide.complexity.own_size", student=own.student, rows=formats.count(one.rows)),
            _with_half(rows, one.quality),
            rows.tr("gui_decide.complexity.own_size.meaning", count=one.seeds),
        )
        for one in own.sizes
    ]


def _expected_lines(rows: DecisionRows, student: ExpectedStudent) -> list[list[Cell]]:
    formats = rows.formats
    code = "own_curve" if student.own else "student_curve"
    now = {"now": formats.percent(round(student.quality, 3)), "rows": formats.count(student.rows)}
    return [
        _line(
            rows.tr(
                "gui_decide.complexity.student_curve", student=student.student, more=formats.count(count - student.rows)
            ),
            _with_half(rows, interval),
            rows.tr(f"gui_decide.complexity.{code}.meaning", **now),
        )
        for count, interval in student.points
    ]


def _with_half(rows: DecisionRows, interval: Interval) -> str:
    """A quality with half of its interval."""
    value = rows.formats.percent(round(interval.value, 3))
    if interval.low is None or interval.high is None:
        return value
    half = rows.formats.points((interval.high - interval.low) / 2).removeprefix("+")
    return rows.tr("gui_decide.complexity.expected", value=value, half=half)


def _error_line(rows: DecisionRows, name: str, checked: HeldOutQuality | HeldOutSize) -> list[Cell]:
    return _line(
        name,
        rows.formats.points(checked.predicted - checked.measured),
        rows.tr("gui_decide.complexity.curve_error.meaning", rows=rows.formats.count(checked.rows)),
    )


def _line(name: str, value: str, meaning: str) -> list[Cell]:
    return [Cell(name), Cell(value, bold=True), Cell(meaning, color="muted")]
