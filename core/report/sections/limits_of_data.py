"""What the data itself allows: rows that are probably labelled wrongly, and what more labels would bring."""

from __future__ import annotations

from typing import Any

from core.charts import learning_curve_chart
from core.decide.learning_curve import curve_notes, expected_of_double
from core.decide.outcome import StudentCurve, message
from core.report import figures
from core.report.model import Block, Cell, Chart, Paragraph, Table
from core.report.sections.material import Material, bounded, figure, numbers, words

MOST_ROWS = 25
_MOST_CHARACTERS = 120


def label_noise(material: Material) -> list[Block]:
    """The estimated share of wrong labels with the ceiling that it sets, and the rows to look at; empty where nobody
    looked."""
    noise = material.results["data"]["label_noise"]
    if noise is None:
        return []
    rate, ceiling = noise["rate"], noise["accuracy_ceiling"]
    said = message(
        "report.label_noise",
        rate=figures.percent(rate["value"]),
        interval=figures.interval(figures.percent(rate["low"]), figures.percent(rate["high"])),
        ceiling=figures.percent(ceiling["value"]),
        lowest=figures.percent(ceiling["low"]),
    )
    blocks: list[Block] = [Paragraph(said), Paragraph(message("decide.label_noise.method"), "muted")]
    if noise["suspects"]:
        blocks.append(_suspects(noise))
    return blocks


def _suspects(noise: dict[str, Any]) -> Table:
    rows = tuple(
        (
            Cell(row["id"], _short(row["input"])),
            Cell(row["target"]),
            Cell(row["suggested"]),
            figure(row["confidence"], figures.percent),
            Cell(f"{len(row['answered_so_by'])} / {row['models_asked']}"),
        )
        for row in noise["suspects"][:MOST_ROWS]
    )
    titles = words("row", "given_label", "suggested") + numbers("confidence", "models_agreeing")
    table = message("report.table.suspects", shown=len(rows), count=noise["suspected"])
    return Table(table, titles, rows)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 1]}…"


def learning_curve(material: Material) -> list[Block]:
    """Quality by train rows, measured and expected, with the error of the law where it can be checked: of the cheap
    family, and of the student that has a curve of its own."""
    return [*_of_family(material), *_of_student(material)]


def _of_student(material: Material) -> list[Block]:
    curve, found = material.results["complexity"]["measured"]["student_curve"], material.decision.complexity
    if curve is None or found.student_curve is None:
        return []
    rows = [
        (
            figure(one["rows"], figures.count),
            Cell(message("report.curve.measured")),
            figure(one["seeds"], figures.count),
            bounded(one["quality"], one["low"], one["high"], figures.percent),
        )
        for one in curve["sizes"]
    ]
    rows += [
        (
            figure(one["rows"], figures.count),
            Cell(message("report.curve.expected")),
            Cell("–", tone="muted"),
            bounded(one["quality"], one["low"], one["high"], figures.percent),
        )
        for one in curve["expected"]
    ]
    titles = numbers("train_rows") + words("known") + numbers("trainings", "student_quality")
    chart = learning_curve_chart(material.decision)
    blocks: list[Block] = _expected(found.student_curve)
    if chart is not None and rows:
        blocks.append(Chart(chart))
    if rows:
        blocks.append(Table(message("report.table.student_curve", student=curve["student"]), titles, tuple(rows)))
    if curve["held_out"] is not None:
        blocks.append(_error(curve["held_out"]))
    return [*blocks, *(Paragraph(note, "muted") for note in curve_notes(found.student_curve))]


def _expected(curve: StudentCurve) -> list[Block]:
    """What the student is expected at with twice as many labelled examples."""
    told = expected_of_double(curve)
    if told is None:
        return []
    more, one = told
    now = curve.sizes[-1]
    said = message(
        "decide.learning_curve.expected",
        student=curve.student,
        more=figures.count(more),
        quality=figures.percent(one.value),
        low=figures.percent(one.low or 0.0),
        high=figures.percent(one.high or 0.0),
        rows=figures.count(now.rows),
        now=figures.percent(now.quality.value),
    )
    return [Paragraph(said)]


def _error(checked: dict[str, Any]) -> Paragraph:
    """How wrong the law was where it can be checked."""
    error = message(
        "report.curve.error",
        rows=figures.count(checked["rows"]),
        predicted=figures.percent(checked["predicted"]),
        measured=figures.percent(checked["measured"]),
        error=figures.points(checked["error"]),
    )
    return Paragraph(error, "muted")


def _of_family(material: Material) -> list[Block]:
    curve = material.results["complexity"]["measured"]["learning_curve"]
    if curve is None:
        return []
    # A student with a curve of its own stands in that.
    told = curve["student"]
    student = None if told is None or told["basis"] == "own" else told
    of_student = {} if student is None else {one["rows"]: one for one in student["expected"]}
    titles = numbers("train_rows") + words("known") + numbers("family_quality")
    if student is not None:
        titles += numbers("student_quality")
    rows = [_point(one, "measured", None, with_student=student is not None) for one in curve["sizes"]]
    rows += [
        _point(one, "expected", of_student.get(one["rows"]), with_student=student is not None)
        for one in curve["expected"]
    ]
    blocks: list[Block] = [Table(message("report.table.curve"), titles, tuple(rows)), _error(curve["held_out"])]
    if told is not None and student is None:
        blocks.append(Paragraph(message("report.curve.student_own", student=told["name"]), "muted"))
    if student is not None:
        blocks.append(Paragraph(message("report.curve.student", student=student["name"]), "muted"))
    return blocks


def _point(
    one: dict[str, Any], known: str, of_student: dict[str, Any] | None, *, with_student: bool
) -> tuple[Cell, ...]:
    cells = [
        figure(one["rows"], figures.count),
        Cell(message(f"report.curve.{known}")),
        bounded(one["quality"], one["low"], one["high"], figures.percent),
    ]
    if with_student:
        cells.append(
            Cell("–", tone="muted")
            if of_student is None
            else bounded(of_student["quality"], of_student["low"], of_student["high"], figures.percent)
        )
    return tuple(cells)
