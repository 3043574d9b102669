"""How it was done, what the figures do not say, and the machine they were measured on."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import stdev
from typing import Any

from core import __version__
from core.decide.compliance import compliance_notes
from core.decide.outcome import message
from core.decide.unanswered import UNANSWERED_NOTE
from core.domain import Split
from core.evidence import CandidateEvidence
from core.i18n import english, listed
from core.jobs.results import BenchmarkResult, Environment
from core.machine_words import device_words, machine_words
from core.report import figures
from core.report.model import Block, Bullets, Cell, Paragraph, Phrase, Section, Table
from core.report.sections.making import making
from core.report.sections.material import Material, figure, named, numbers, words, yes_or_no
from core.spec import SplitPlan

_ROWS_FOR_P95, _ROWS_FOR_P99 = 59, 299


def method(material: Material) -> Section:
    """How the rows were split, the candidates trained, timed and compared, and what is left out."""
    items: list[Phrase] = [*_splitting(material), *_folds(material), message("report.method.intervals")]
    items.append(message("report.method.chances"))
    if any(entry.benchmark is not None and entry.benchmark.runtimes for entry in material.evidence.candidates):
        items.append(message("report.method.timing"))
    blocks: list[Block] = [Bullets(tuple(items))]
    blocks += [*_repeats(material), *making(material)]
    return Section("method", message("report.section.method"), tuple(blocks))


def _splitting(material: Material) -> list[Phrase]:
    source = material.evidence.study.data
    said: list[Phrase] = []
    if source.files is not None:
        said.append(message("report.method.given_splits"))
    elif source.file is None and source.split is None:
        said.append(message("report.method.all_test"))
    else:
        plan = source.split or SplitPlan()
        shares = {"test": figures.percent(plan.test), "calibration": figures.percent(plan.calibration)}
        if plan.time is not None:
            return [
                message("report.method.split_by_time", column=plan.time, **shares), message("report.method.groups"),
            ]  # fmt: skip
        code = "report.method.split" if source.split is not None else "report.method.split_default"
        said.append(message(code, seed=plan.seed, **shares))
    said.append(message("report.method.groups"))
    return said


def _folds(material: Material) -> list[Phrase]:
    said: list[Phrase] = []
    for entry in material.evidence.candidates:
        if entry.route is None:
            continue
        if entry.route.folds == 0:
            said.append(message("report.method.no_folds", candidate=entry.name))
        else:
            said.append(message("report.method.folds", candidate=entry.name, folds=entry.route.folds))
    return said


def _repeats(material: Material) -> list[Block]:
    """How often each training was repeated, and what the students are held against."""
    trained = [entry for entry in material.evidence.candidates if entry.training is not None or entry.sweep is not None]
    if not trained:
        return []
    several = [row for row in material.candidates if row["by_seed"]]
    if not several:
        said: list[Phrase] = [_hard_labels(material), message("report.method.one_seed")]
        return [Bullets(tuple(said))]
    named_several = {row["name"] for row in several}
    once = [entry.name for entry in trained if entry.name not in named_several]
    said = [_hard_labels(material), message("report.method.seeds")]
    if once:
        said.append(message("report.method.one_seed_for", names=listed(once)))
    return [Bullets(tuple(said)), _by_seed(material, several)]


def _hard_labels(material: Material) -> Phrase:
    measured = [row["name"] for row in material.candidates if row["baseline"]["hard_labels"] is not None]
    if not measured:
        return message("report.method.hard_labels")
    return message("report.method.hard_labels_measured", names=listed(measured))


def _by_seed(material: Material, rows: Sequence[dict[str, Any]]) -> Table:
    """The quality of each seed's model, and the standard deviation between them."""
    cells = []
    for row in rows:
        qualities = [one["quality"] for one in row["by_seed"]]
        each = listed(
            english("words.of_each", name=str(one["seed"]), figure=figures.percent(one["quality"]))
            for one in row["by_seed"]
        )
        deviation = figures.points(stdev(qualities)).removeprefix("+")
        mean = figure(row["quality"]["value"], figures.percent)
        cells.append((named(material, row["name"]), Cell(each), mean, Cell(deviation)))
    titles = words("candidate", "each_seed") + numbers("mean", "deviation")
    return Table(message("report.table.seeds"), titles, tuple(cells))


def limits(material: Material) -> Section:
    """What the figures do not say."""
    items: list[Phrase] = []
    rows = material.results["data"]["rows"][Split.TEST.value]
    if rows is not None:
        items.append(message("report.limits.rows", rows=figures.count(rows)))
    benchmarks = [entry for entry in material.evidence.candidates if entry.benchmark is not None]
    items += _timing_limits(benchmarks)
    if any(row["energy"]["source"] == "not measured" for row in material.candidates):
        items.append(message("report.limits.energy"))
    imported = [row["name"] for row in material.candidates if row["origin"] == "imported"]
    if imported:
        items.append(message("report.limits.imported", names=listed(imported)))
    said_before = {UNANSWERED_NOTE, *(note.code for note in compliance_notes(material.evidence.study))}
    items += [note for note in material.decision.notes if note.code not in said_before]
    return Section("limits", message("report.section.limits"), (Bullets(tuple(items)),))


def _timing_limits(benchmarks: list[CandidateEvidence]) -> list[Phrase]:
    said: list[Phrase] = []
    timed = [entry for entry in benchmarks if entry.benchmark is not None and entry.benchmark.runtimes]
    if timed:
        said.append(message("report.limits.this_machine"))
    short = [entry.name for entry in timed if _samples(entry.benchmark) < _ROWS_FOR_P99]
    if short:
        codes = {"p95": _ROWS_FOR_P95, "p99": _ROWS_FOR_P99}
        said.append(message("report.limits.few_samples", names=listed(short), **codes))
    noisy = [
        entry.name
        for entry in timed
        if entry.benchmark is not None and entry.benchmark.environment is not None and entry.benchmark.environment.noisy
    ]
    if noisy:
        said.append(message("report.limits.noisy", names=listed(noisy)))
    return said


def _samples(benchmark: BenchmarkResult | None) -> int:
    return 0 if benchmark is None or not benchmark.runtimes else len(benchmark.runtimes[0].latency.milliseconds)


def environment(material: Material) -> Section:
    """The machine and the state that each candidate was timed in, and the versions."""
    timed = [
        (entry.name, entry.benchmark.environment)
        for entry in material.evidence.candidates
        if entry.benchmark is not None and entry.benchmark.environment is not None
    ]
    blocks: list[Block] = []
    if timed:
        titles = (
            words("candidate", "machine", "device") + numbers("cores", "load_average", "variation") + words("noisy")
        )
        rows = tuple((named(material, name), *_machine(machine)) for name, machine in timed)
        blocks.append(Table(message("report.table.environment"), titles, rows))
    else:
        blocks.append(Paragraph(message("report.environment.nothing_timed"), "muted"))
    version = material.evidence.study.version
    blocks.append(Paragraph(message("report.environment.versions", tercet=__version__, format=version)))
    return Section("environment", message("report.section.environment"), tuple(blocks))


def _machine(machine: Environment) -> tuple[Cell, ...]:
    return (
        Cell(machine_words(machine.machine)),
        Cell(device_words(machine.device)),
        figure(machine.cores, figures.count),
        figure(machine.load_average, figures.number),
        figure(machine.timing_coefficient_of_variation, figures.percent),
        Cell(yes_or_no(machine.noisy), tone="warn" if machine.noisy else "plain"),
    )
