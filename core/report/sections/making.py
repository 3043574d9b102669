"""How the candidates were made: training and technique, assistants, labels, rounds, pruning, quantising, searches."""

from __future__ import annotations

from collections.abc import Iterator

from core.charts import trials_chart
from core.decide.outcome import message
from core.evidence import CandidateEvidence
from core.i18n import catalogue, english, listed
from core.jobs.results import RoundRecord, RungRecord, SweepResult, TrainResult, TrialRecord
from core.machine_words import device_words
from core.report import figures
from core.report.model import Block, Cell, Chart, Paragraph, Phrase, Table, not_measured
from core.report.sections.material import Material, figure, named, numbers, words, yes_or_no
from core.spec import SweepModel, Train
from core.sweep_words import settings_words


def making(material: Material) -> list[Block]:
    """A table for each kind of work that was done, none for what was not."""
    tables = (
        _training(material),
        _techniques(material),
        _stages(material),
        _labels(material),
        _rounds(material),
        _compression(material),
        _rungs(material),
    )
    blocks: list[Block] = [table for table in tables if table.rows]
    blocks += [Paragraph(note, "warn") for note in (*_ended_early(material), *_graded_by_teacher(material))]
    for entry in material.evidence.candidates:
        if entry.sweep is not None:
            blocks += _search(material, entry, entry.sweep)
    return blocks


def _trained(material: Material) -> Iterator[tuple[CandidateEvidence, TrainResult]]:
    return ((entry, entry.training) for entry in material.evidence.candidates if entry.training is not None)


def _training(material: Material) -> Table:
    rows = []
    for entry, done in _trained(material):
        asked = material.evidence.study.training_of(material.evidence.study.candidate(entry.name))
        # Layers of the teacher trained on the targets alone are distillation with alpha 0 inside.
        way = "fine_tune" if asked.method == "fine_tune" else done.method
        rows.append(
            (
                named(material, entry.name),
                Cell(message(f"report.training.{way}"), _resumed(done.resumed_steps)),
                Cell(_mixture(done, asked) if way == "distill" else "–"),
                Cell(device_words(done.device)),
                figure(done.epochs, figures.count),
                figure(done.steps, figures.count),
                figure(done.examples, figures.count),
                figure(done.final_loss, figures.number),
                Cell(figures.percent(done.truncated_share)),
                Cell(_seconds(done.seconds)),
            )
        )
    titles = words("candidate", "training", "mixture", "device")
    titles += numbers("epochs", "steps", "examples", "final_loss", "truncated", "duration")
    return Table(message("report.table.training"), titles, tuple(rows))


def _mixture(done: TrainResult, asked: Train) -> str:
    """The temperature and the teacher's share, as far as they had a part in what was learnt."""
    share = f"α {figures.number(asked.alpha)}"
    if done.technique in ("targets", "sequence"):
        return "–"
    return share if done.technique == "labels" else f"T {figures.number(asked.temperature)}, {share}"


def _resumed(steps: tuple[int, ...]) -> Phrase | None:
    return message("report.training.resumed", steps=listed(map(str, steps))) if steps else None


def _seconds(seconds: float) -> str:
    return f"{figures.number(seconds)} s"


def _techniques(material: Material) -> Table:
    """How each teacher was used, and why in this way."""
    rows = tuple(
        (named(material, entry.name), Cell(_technique(done.technique)), Cell(_reason(done)))
        for entry, done in _trained(material)
        if done.technique is not None
    )
    return Table(message("report.table.techniques"), words("candidate", "technique", "reason"), rows)


def _technique(technique: str) -> Phrase:
    """The words for a technique; its name where a newer version trained."""
    code = f"report.technique.{technique}"
    return message(code) if code in catalogue("en") else technique


def _reason(done: TrainResult) -> Phrase:
    if done.reason is None:
        return "–"
    return message(done.reason, **done.details) if done.reason in catalogue("en") else done.reason


def _stages(material: Material) -> Table:
    rows = tuple(
        (
            named(material, entry.name),
            figure(number, figures.count),
            figure(stage.parameters, figures.count),
            figure(stage.epochs, figures.count),
            figure(stage.final_loss, figures.number),
            Cell(_seconds(stage.seconds)),
        )
        for entry in material.evidence.candidates
        for number, stage in enumerate(entry.stages, 1)
    )
    titles = words("candidate") + numbers("stage", "parameters", "epochs", "final_loss", "duration")
    return Table(message("report.table.stages"), titles, rows)


def _labels(material: Material) -> Table:
    rows = []
    for entry in material.evidence.candidates:
        label = entry.label
        if label is None:
            continue
        counts = (label.rows, label.bought, label.kept, label.unusable, label.soft_rows)
        tokens = (label.input_tokens, label.output_tokens)
        teacher = material.evidence.study.teacher_of(material.evidence.study.candidate(entry.name))
        rows.append(
            (
                named(material, entry.name, None if teacher is None else message("report.labels.of", teacher=teacher)),
                *(figure(count, figures.count) for count in (*counts, *tokens)),
                figure(label.agreement_with_targets, figures.percent),
                Cell(_seconds(label.seconds)),
            )
        )
    titles = words("candidate") + numbers("rows", "bought", "kept_labels", "unusable", "soft_rows")
    titles += numbers("input_tokens", "output_tokens", "agreement_with_targets", "duration")
    return Table(message("report.table.labels"), titles, tuple(rows))


def _rounds(material: Material) -> Table:
    rows = tuple(
        (named(material, entry.name), *_round(record)) for entry, done in _trained(material) for record in done.rounds
    )
    titles = words("candidate") + numbers("round", "rows_new", "rows_replayed", "quality_old", "quality_new")
    titles += numbers("teacher_quality_new") + words("kept_round")
    return Table(message("report.table.rounds"), titles, rows)


def _ended_early(material: Material) -> Iterator[Phrase]:
    """Of whom the stream was not learnt to its end, and why."""
    for entry, done in _trained(material):
        reason = done.details.get("ended_by")
        if reason is not None:
            yield message(f"report.rounds.ended.{reason}", name=entry.name)


def _graded_by_teacher(material: Material) -> Iterator[Phrase]:
    """Whose quality on new rows is agreement with the teacher, on all of them or on some."""
    for entry, done in _trained(material):
        last = max(done.rounds, key=lambda record: record.round, default=None)
        if last is not None and last.graded_by_teacher:
            graded, judging = last.graded_by_teacher, last.held_out_new or 0
            yield message("report.rounds.graded_by_teacher", name=entry.name, rows=graded, count=judging)


def _round(record: RoundRecord) -> tuple[Cell, ...]:
    kept = message("report.rounds.kept" if record.promoted else "report.rounds.rolled_back")
    return (
        figure(record.round, figures.count),
        figure(record.rows_new, figures.count),
        figure(record.rows_replayed, figures.count),
        _from_to(record.quality_old_before, record.quality_old_after),
        _from_to(record.quality_new_before, record.quality_new_after),
        figure(record.teacher_quality_new, figures.percent),
        Cell(kept, tone="good" if record.promoted else "warn"),
    )


def _from_to(before: float, after: float) -> Cell:
    return Cell(english("words.from_to", before=figures.percent(before), after=figures.percent(after)))


def _compression(material: Material) -> Table:
    rows = tuple(
        (
            named(material, entry.name),
            Cell(", ".join(entry.compression.steps)),
            Cell(figures.mebibytes(entry.compression.parent_size_mib)),
            Cell(figures.mebibytes(entry.compression.model_size_mib)),
            Cell(figures.percent(entry.compression.label_agreement)),
        )
        for entry in material.evidence.candidates
        if entry.compression is not None
    )
    titles = words("candidate", "steps_taken") + numbers("size_before", "size_after", "label_agreement")
    return Table(message("report.table.compression"), titles, rows)


def _rungs(material: Material) -> Table:
    rows = tuple(
        (named(material, entry.name), figure(number, figures.count), *_rung(record))
        for entry in material.evidence.candidates
        if entry.compression is not None
        for number, record in enumerate(entry.compression.rungs, 1)
    )
    titles = words("candidate") + numbers("rung", "removed", "parameters", "agreement_pruned", "agreement_recovered")
    return Table(message("report.table.rungs"), titles + numbers("latency"), rows)


def _rung(record: RungRecord) -> tuple[Cell, ...]:
    return (
        figure(record.removed_share, figures.percent),
        figure(record.parameters, figures.count),
        figure(record.agreement_pruned, figures.percent),
        figure(record.agreement_recovered, figures.percent),
        figure(record.latency_ms, figures.milliseconds),
    )


def _search(material: Material, entry: CandidateEvidence, sweep: SweepResult) -> list[Block]:
    model = material.evidence.study.candidate(entry.name).model
    retain = model.retain if isinstance(model, SweepModel) else None
    titles = numbers("trial") + words("state", "settings")
    titles += numbers("quality", "requests_per_second", "p95", "model_size") + words("within_limits")
    table = Table(
        message(
            "report.table.trials", candidate=entry.name, rows=sweep.rows_held_out, duration=_seconds(sweep.seconds)
        ),
        titles + numbers("duration"),
        tuple(_trial(trial, sweep.chosen) for trial in sweep.trials),
    )
    told: list[Block] = []
    if sweep.teacher_knows_rows:
        told.append(Paragraph(message("sweep.teacher_knows_rows"), "warn"))
    if sweep.as_fast:
        others = listed(map(str, sweep.as_fast))
        told.append(Paragraph(message("sweep.as_fast", number=sweep.chosen, others=others)))
    return [Chart(trials_chart(entry.name, sweep, retain)), *told, table]


def _trial(trial: TrialRecord, chosen: int) -> tuple[Cell, ...]:
    unmeasured = not_measured() if trial.state == "complete" else Cell("–", tone="muted")
    measured = (
        (trial.quality, figures.percent),
        (trial.requests_per_second, figures.number),
        (trial.p95_latency_ms, figures.milliseconds),
        (trial.model_size_mib, figures.mebibytes),
    )
    fits = Cell(yes_or_no(trial.feasible)) if trial.state == "complete" else unmeasured
    return (
        Cell(str(trial.number)),
        _trial_state(trial, chosen),
        Cell(settings_words(trial.settings, figures.number)),
        *(unmeasured if value is None else figure(value, form) for value, form in measured),
        fits,
        Cell(_seconds(trial.seconds)),
    )


def _trial_state(trial: TrialRecord, chosen: int) -> Cell:
    if trial.number == chosen:
        return Cell(message("report.trial.chosen"), tone="good")
    return Cell(message(f"report.trial.{trial.state.replace(' ', '_')}"), tone="muted")
