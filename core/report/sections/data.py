"""The data: rows by split, what was dropped, duplicates, and the measured complexity beside the stated one."""

from __future__ import annotations

from collections.abc import Sequence

from core.decide.class_slices import FEWEST_ROWS
from core.decide.outcome import ComplexityProfile, Message, message
from core.i18n import listed
from core.jobs.results import Dropped
from core.report import figures
from core.report.model import Block, Bullets, Cell, Paragraph, Phrase, Section, Table
from core.report.sections.limits_of_data import label_noise, learning_curve
from core.report.sections.material import Material, bounded, figure, numbers, slice_name, words


def data(material: Material) -> Section:
    """Where the rows are from, how many stand in each split, and what was left out."""
    document, blocks = material.results["data"], list[Block]()
    counts = document["rows"]
    cells = tuple(figure(counts[split], figures.count) for split in ("train", "calibration", "test"))
    blocks.append(Paragraph(_sources(material)))
    blocks.append(Table(message("report.table.rows"), numbers("train", "calibration", "test"), (cells,)))
    dataset = material.evidence.dataset
    if dataset is not None and dataset.dropped:
        blocks.append(_dropped(dataset.dropped))
    else:
        blocks.append(Paragraph(message("report.data.nothing_dropped"), "muted"))
    blocks += [*_time(material), *_profile(material), *label_noise(material)]
    return Section("data", message("report.section.data"), tuple(blocks))


def _dropped(entries: Sequence[Dropped]) -> Table:
    rows = tuple((Cell(message(entry.reason)), figure(entry.rows, figures.count)) for entry in entries)
    return Table(message("report.table.dropped"), words("reason") + numbers("rows"), rows)


def _time(material: Material) -> list[Block]:
    """The dates at the borders of a split by time."""
    time = material.results["data"]["time"]
    if time is None:
        return []
    rows = tuple(
        (
            Cell(message(f"report.split.{split}")),
            Cell(time[split]["from"]),
            Cell(time[split]["to"]),
            figure(time[split]["older_rows"], figures.count),
        )
        for split in ("train", "calibration", "test")
        if time[split] is not None
    )
    titles = words("split", "first", "last") + numbers("older_rows")
    return [
        Table(message("report.table.time", column=time["column"]), titles, rows),
        Paragraph(message("report.data.time"), "muted"),
    ]


def _sources(material: Material) -> Message:
    source = material.evidence.study.data
    if source.file is not None:
        return message("report.data.from_file", file=source.file)
    if source.files is not None:
        named = [path for path in source.files.model_dump().values() if path]
        return message("report.data.from_files", files=listed(named))
    return message("report.data.from_predictions")


def _profile(material: Material) -> list[Block]:
    dataset = material.evidence.dataset
    if dataset is None:
        return []
    items: list[Phrase] = [
        message(
            "report.data.duplicates", rows=figures.count(dataset.duplicate_rows), groups=figures.count(dataset.groups)
        ),
        message(
            "report.data.lengths",
            p50=figures.count(dataset.input_length_p50),
            p95=figures.count(dataset.input_length_p95),
            longest=figures.count(dataset.input_length_max),
        ),
    ]
    if dataset.labels:
        bits = material.decision.complexity.label_entropy_bits
        entropy = "–" if bits is None else figures.number(bits)
        items.append(message("report.data.labels", classes=len(dataset.labels), bits=entropy))
    return [Bullets(tuple(items))]


def complexity(material: Material) -> Section:
    """The stated complexity, the measured profile, and what contradicts it."""
    profile = material.decision.complexity
    stated = message(f"report.level.{profile.stated}")
    measured = message(f"report.level.{profile.measured}") if profile.measured else message("report.not_measured")
    blocks: list[Block] = [
        Table(
            message("report.table.complexity"),
            words("stated", "measured"),
            ((Cell(stated), Cell(measured)),),
        )
    ]
    if profile.contradiction is not None:
        blocks.append(Paragraph(profile.contradiction, "warn"))
    blocks += [*_measures(profile), *learning_curve(material)]
    if profile.slices:
        blocks.append(_slices(profile))
    if profile.student is not None and material.decision.small_slices:
        small = len(material.decision.small_slices)
        blocks.append(Paragraph(message("decide.slices.not_compared", count=small, fewest=FEWEST_ROWS), "muted"))
    return Section("complexity", message("report.section.complexity"), tuple(blocks))


def _measures(profile: ComplexityProfile) -> list[Block]:
    rows: list[tuple[Cell, ...]] = []
    if profile.disagreement is not None:
        rows.append((Cell(message("report.complexity.disagreement")), figure(profile.disagreement, figures.percent)))
    for code, gap in (("gap", profile.gap), ("floor_gap", profile.floor_gap)):
        if gap is not None:
            name = Cell(message(f"report.complexity.{code}"))
            rows.append((name, bounded(gap.value, gap.low, gap.high, figures.points)))
    if profile.headroom is not None:
        rows.append((Cell(message("report.complexity.headroom")), figure(profile.headroom, figures.points)))
    known = profile.usable_information
    if known is not None:
        name = Cell(message("report.complexity.usable_information", bits=figures.number(known.label_bits)))
        rows.append((name, bounded(known.bits, known.low, known.high, figures.number)))
    return [Table(message("report.table.profile"), words("measure") + numbers("value"), tuple(rows))] if rows else []


def _slices(profile: ComplexityProfile) -> Table:
    rows = tuple(
        (
            slice_name(entry.column, entry.value),
            figure(entry.rows, figures.count),
            figure(entry.teacher, figures.percent),
            figure(entry.student, figures.percent),
            bounded(entry.gap.value, entry.gap.low, entry.gap.high, figures.points),
        )
        for entry in profile.slices
    )
    names = {"teacher": profile.teacher or "–", "student": profile.student or "–"}
    titles = words("slice") + numbers("rows", "teacher_quality", "student_quality", "gap")
    return Table(message("report.table.slices", **names), titles, rows)
