"""What a job found, for its page: sentences, a table, and a chart where one says more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.charts import ChartSpec, trials_chart
from core.charts.live_trials import live_trials_chart, trials_so_far
from core.domain import JobKind, JobRow, MetricPoint
from core.jobs.results import (
    CheckResult,
    CompressResult,
    IndexResult,
    JudgeResult,
    LabelResult,
    LoadResult,
    ProfileResult,
    RoundRecord,
    RungRecord,
    SuiteResult,
    SweepResult,
    TrainResult,
    TrialRecord,
)
from gui.i18n import Translator
from gui.models.data_rows import noise_sentence
from gui.models.table import Cell

DASH = "–"


@dataclass(frozen=True)
class JobFigures:
    """`facts` are short words; rows stand under `titles`; `name` is the table's. `retain` is no part of it."""

    facts: tuple[str, ...] = ()
    name: str = ""
    titles: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    chart: ChartSpec | None = None


def job_figures(
    translator: Translator,
    row: JobRow,
    result: Mapping[str, Any] | None,
    spec: Mapping[str, Any] | None = None,
    trials: tuple[Sequence[MetricPoint], Sequence[MetricPoint]] = ((), ()),
) -> JobFigures:
    """What to show of a job: of its result where it has one, of a running search's trials so far."""
    words = _Words(translator)
    candidate = row.candidates[0] if row.candidates else ""
    if result is None:
        return words.search_so_far(candidate, *trials) if row.kind is JobKind.SWEEP else JobFigures()
    match row.kind:
        case JobKind.FINE_TUNE | JobKind.DISTILL:
            return words.training(TrainResult.model_validate(result))
        case JobKind.LABEL:
            return words.labels(LabelResult.model_validate(result))
        case JobKind.CHECK:
            return words.checks(CheckResult.model_validate(result))
        case JobKind.JUDGE:
            return words.verdicts(JudgeResult.model_validate(result))
        case JobKind.SWEEP:
            space = (spec or {}).get("parameters", {}).get("space", {})
            return words.search(candidate, SweepResult.model_validate(result), space.get("retain"))
        case JobKind.LOAD:
            return words.load(LoadResult.model_validate(result))
        case JobKind.COMPRESS:
            return words.compression(CompressResult.model_validate(result))
        case JobKind.INDEX:
            return words.index(IndexResult.model_validate(result))
        case JobKind.SUITE:
            return words.suite(SuiteResult.model_validate(result))
        case JobKind.PROFILE:
            return words.profile(ProfileResult.model_validate(result))
        case _:
            return JobFigures()


class _Words:
    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self._formats = translator.formats

    def training(self, result: TrainResult) -> JobFigures:
        tr, facts = self._translator.tr, []
        if result.technique is not None:
            technique = self._translator.stored(f"gui.result.technique.{result.technique}", {}, result.technique)
            reason = self._translator.stored(result.reason, {}, result.reason) if result.reason else ""
            facts.append(f"{technique}: {reason}" if reason else technique)
        if result.final_loss is not None:
            facts.append(tr("gui.result.loss", loss=self._formats.number(float(f"{result.final_loss:.3g}"))))
        facts.append(tr("gui.result.parameters", count=self._formats.count(result.parameters)))
        if result.truncated_share > 0.0:
            facts.append(tr("gui.result.truncated", share=self._formats.percent(round(result.truncated_share, 3))))
        kept = sum(record.promoted for record in result.rounds)
        if result.rounds:
            facts.append(tr("gui.result.rounds_kept", kept=kept, count=len(result.rounds)))
        return self._table(facts, "rounds", [self._round(record) for record in result.rounds])

    def labels(self, result: LabelResult) -> JobFigures:
        tr, formats = self._translator.tr, self._formats
        facts = [
            tr("gui.result.labels", rows=formats.number(result.rows, 0), bought=formats.number(result.bought, 0)),
            tr("gui.result.labels_kept", kept=formats.number(result.kept, 0)),
            tr(
                "gui.result.label_tokens",
                input=formats.count(result.input_tokens),
                output=formats.count(result.output_tokens),
            ),
        ]
        if result.unusable:
            facts.append(tr("gui.result.unusable", count=result.unusable))
        if result.agreement_with_targets is not None:
            share = formats.percent(round(result.agreement_with_targets, 3))
            facts.append(tr("gui.result.agreement_with_targets", share=share))
        return JobFigures(tuple(facts))

    def index(self, result: IndexResult) -> JobFigures:
        tr, formats = self._translator.tr, self._formats
        facts = [
            tr(
                "gui.result.index",
                documents=formats.count(result.documents),
                passages=formats.count(result.passages),
                size=self._mib(result.index_mib),
            )
        ]
        if result.cut_passages:
            facts.append(tr("gui.result.index_cut", count=result.cut_passages))
        if result.skipped_files:
            facts.append(tr("gui.result.index_skipped", count=result.skipped_files))
        return JobFigures(tuple(facts))

    def suite(self, result: SuiteResult) -> JobFigures:
        tr, formats, facts = self._translator.tr, self._formats, []
        for figure in result.metrics:
            value = formats.number(float(f"{figure.value:.3g}"))
            if figure.standard_error is None:
                facts.append(tr("gui.result.suite", task=figure.task, metric=figure.metric, value=value))
                continue
            error = formats.number(float(f"{figure.standard_error:.2g}"))
            words = tr("gui.result.suite_error", task=figure.task, metric=figure.metric, value=value, error=error)
            facts.append(words)
        return JobFigures(tuple(facts))

    def profile(self, result: ProfileResult) -> JobFigures:
        """What the data allows; a profile of too few rows says so."""
        facts = []
        if result.label_noise is not None:
            facts.append(noise_sentence(self._translator, result.label_noise))
        if result.learning_curve is not None:
            best = result.learning_curve.expected[-1]
            share = self._formats.percent(round(best.quality, 3))
            facts.append(self._translator.tr("gui.result.curve", rows=self._formats.count(best.rows), share=share))
        return JobFigures(tuple(facts or [self._translator.tr("gui.result.profile_none")]))

    def checks(self, result: CheckResult) -> JobFigures:
        tr, formats = self._translator.tr, self._formats
        share = formats.percent(round(result.failed / result.rows, 3)) if result.rows else DASH
        facts = [tr("gui.result.checks_failed", share=share, rows=formats.number(result.rows, 0))]
        if result.re_asked:
            facts += [
                tr(
                    "gui.result.checks_corrected",
                    corrected=formats.number(result.corrected, 0),
                    asked=formats.number(result.re_asked, 0),
                ),
                tr(
                    "gui.result.label_tokens",
                    input=formats.count(result.second_input_tokens),
                    output=formats.count(result.second_output_tokens),
                ),
            ]
        rows = [
            (
                Cell(tr(f"gui.result.check.{one.check}"), one.check),
                self._number(one.failed),
                self._number(one.remaining),
            )
            for one in result.by_check
        ]
        return self._table(facts, "checks", rows)

    def verdicts(self, result: JudgeResult) -> JobFigures:
        tr, formats = self._translator.tr, self._formats
        facts = [tr(f"gui.result.judged.{result.method}", rows=formats.number(result.rows, 0))]
        if result.judge is not None:
            facts += [
                tr("gui.result.judge", judge=result.judge),
                tr(
                    "gui.result.verdicts",
                    bought=formats.number(result.bought, 0),
                    kept=formats.number(result.kept, 0),
                ),
            ]
        if result.both_orders:
            share = formats.percent(round(result.disagreements / result.both_orders, 3))
            facts.append(tr("gui.result.order_disagreements", share=share))
        if result.by_verdict:
            share = formats.percent(round(result.by_verdict[0].count / sum(one.count for one in result.by_verdict), 3))
            verdict, distinct = result.by_verdict[0].verdict, len(result.by_verdict)
            facts.append(tr("gui.result.distinct_verdicts", count=distinct, verdict=verdict, share=share))
        if (kappa := result.kappa) is not None:
            facts.append(tr("gui.result.kappa", kappa=formats.number(kappa, 2), rows=result.exact_rows))
        if result.unreadable:
            facts.append(tr("gui.result.unreadable", count=result.unreadable))
        return JobFigures(tuple(facts))

    def load(self, result: LoadResult) -> JobFigures:
        tr, usable = self._translator.tr, [step for step in result.steps if not step.mostly_failed] or result.steps
        best, failed = max(usable, key=lambda step: step.requests_per_second), sum(step.failed for step in result.steps)
        rate = self._formats.number(float(f"{best.requests_per_second:.3g}"))
        facts = [tr("gui.result.load", rate=rate, clients=best.concurrency)]
        facts.append(tr("gui.result.load_requests", count=self._formats.number(result.requests, 0)))
        if failed:
            facts.append(tr("gui.result.load_failed", count=self._formats.number(failed, 0)))
        return JobFigures(tuple(facts))

    def compression(self, result: CompressResult) -> JobFigures:
        facts = [
            self._translator.tr(
                "gui.result.size", before=self._mib(result.parent_size_mib), after=self._mib(result.model_size_mib)
            ),
            self._translator.tr("gui.result.agreement", share=self._formats.percent(round(result.label_agreement, 3))),
        ]
        return self._table(facts, "rungs", [self._rung(number, one) for number, one in enumerate(result.rungs, 1)])

    def search(self, candidate: str, result: SweepResult, retain: float | None) -> JobFigures:
        tr, formats = self._translator.tr, self._formats
        chosen = next(trial for trial in result.trials if trial.number == result.chosen)
        facts = [
            tr("gui.result.chosen", number=result.chosen, settings=self._settings(chosen)),
            tr(
                "gui.result.teacher_quality",
                share=formats.percent(round(result.teacher_quality, 3)),
                count=result.rows_held_out,
            ),
        ]
        rows = [self._trial(trial, result.chosen) for trial in result.trials]
        return self._table(facts, "trials", rows, trials_chart(candidate, result, retain))

    def search_so_far(self, candidate: str, quality: Sequence[MetricPoint], speed: Sequence[MetricPoint]) -> JobFigures:
        trials = trials_so_far(quality, speed)
        if not trials:
            return JobFigures()
        facts = [self._translator.tr("gui.result.trials_so_far", count=len(trials))]
        rows = [(self._number(trial.number), *self._measured(trial)[:2]) for trial in trials]
        return self._table(facts, "live_trials", rows, live_trials_chart(candidate, quality, speed))

    def _table(
        self, facts: Sequence[str], code: str, rows: Sequence[tuple[Cell, ...]], chart: ChartSpec | None = None
    ) -> JobFigures:
        if not rows:
            return JobFigures(tuple(facts), chart=chart)
        tr = self._translator.tr
        titles = tuple(tr(f"gui.result.column.{name}") for name in _COLUMNS[code])
        return JobFigures(tuple(facts), tr(f"gui.result.table.{code}"), titles, tuple(rows), chart)

    def _round(self, record: RoundRecord) -> tuple[Cell, ...]:
        verdict = "kept" if record.promoted else "rolled_back"
        return (
            self._number(record.round),
            self._number(record.rows_new),
            Cell(self._from_to(record.quality_old_before, record.quality_old_after), number=True),
            Cell(self._from_to(record.quality_new_before, record.quality_new_after), number=True),
            self._share(record.teacher_quality_new),
            Cell(self._translator.tr(f"gui.result.{verdict}"), color="good" if record.promoted else "warn", bold=True),
        )

    def _rung(self, number: int, record: RungRecord) -> tuple[Cell, ...]:
        return (
            self._number(number),
            self._share(record.removed_share),
            Cell(self._formats.count(record.parameters), record.parameters, number=True),
            self._share(record.agreement_pruned),
            self._share(record.agreement_recovered),
            Cell(self._formats.milliseconds(record.latency_ms), record.latency_ms, number=True),
        )

    def _trial(self, trial: TrialRecord, chosen: int) -> tuple[Cell, ...]:
        mark = "chosen" if trial.number == chosen else trial.state.replace(" ", "_")
        state = self._translator.tr(f"gui.result.trial.{mark}")
        if mark == "complete" and not trial.feasible:
            state = self._translator.tr("gui.result.trial.misses")
        settings = self._settings(trial)
        return (
            self._number(trial.number),
            *self._measured(trial),
            Cell(state, mark, color="good" if mark == "chosen" else "muted", bold=mark == "chosen"),
            Cell(settings, settings, color="muted", tip=settings),
        )

    def _measured(self, trial: TrialRecord) -> tuple[Cell, ...]:
        formats = self._formats
        return (
            self._share(trial.quality),
            self._figure(trial.requests_per_second, lambda value: formats.number(float(f"{value:.3g}"))),
            self._figure(trial.p95_latency_ms, formats.milliseconds),
            self._figure(trial.model_size_mib, self._mib),
        )

    def _settings(self, trial: TrialRecord) -> str:
        translator, parts = self._translator, []
        for name, value in trial.settings.items():
            words = translator.stored(f"gui.result.setting.{name}", {}, name)
            parts.append(f"{words}\u00a0{self._setting(value)}")
        return translator.tr("gui.list_separator").join(parts)

    def _setting(self, value: str | float | bool | None) -> str:
        tr = self._translator.tr
        if value is None:
            return tr("gui.form.all")
        if isinstance(value, bool):
            return tr("gui.form.fact_yes" if value else "gui.form.fact_no")
        if isinstance(value, str):
            return self._translator.stored(f"field.candidate.model.sweep.quantize.{value}", {}, value)
        return self._formats.number(float(f"{value:.3g}"))

    def _number(self, value: int) -> Cell:
        return Cell(self._formats.number(value, 0), value, number=True)

    def _share(self, value: float | None) -> Cell:
        return self._figure(value, lambda share: self._formats.percent(round(share, 3)))

    def _figure(self, value: float | None, write: Callable[[float], str]) -> Cell:
        return Cell(DASH if value is None else write(value), value, number=True)

    def _from_to(self, before: float, after: float) -> str:
        return " → ".join(self._formats.percent(round(share, 3)) for share in (before, after))

    def _mib(self, value: float) -> str:
        return f"{self._formats.number(float(f'{value:.3g}'))}\u00a0MiB"


_COLUMNS = {
    "checks": ("check", "failed", "remaining"),
    "rounds": ("round", "rows_new", "quality_old", "quality_new", "teacher", "verdict"),
    "rungs": ("rung", "removed", "parameters", "agreement_pruned", "agreement_recovered", "latency"),
    "trials": ("trial", "quality", "speed", "p95", "size", "state", "settings"),
    "live_trials": ("trial", "quality", "speed"),
}
