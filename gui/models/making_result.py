"""What the jobs that make models found: trainings, compressions, searches."""

from __future__ import annotations

from collections.abc import Sequence

from core.charts import trials_chart
from core.charts.live_trials import live_trials_chart, trials_so_far
from core.decide.outcome import Message
from core.domain import MetricPoint
from core.i18n import listed
from core.jobs.results import CompressResult, RoundRecord, RungRecord, SweepResult, TrainResult, TrialRecord
from gui.models.job_words import JobFigures, JobWords
from gui.models.table import Cell


class MakingWords(JobWords):
    """A table of rounds, rungs or trials stands under the facts."""

    def training(self, result: TrainResult) -> JobFigures:
        """How a model was trained, and the rounds of learning on."""
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
            last = result.rounds[-1]
            if last.graded_by_teacher:
                rows, total = last.graded_by_teacher, last.held_out_new or 0
                facts.append(tr("gui.result.graded_by_teacher", rows=rows, total=total))
        ended = result.details.get("ended_by")
        if ended is not None:
            facts.append(tr(f"gui.result.ended.{ended}"))
        return self._table(facts, "rounds", [self._round(record) for record in result.rounds])

    def compression(self, result: CompressResult) -> JobFigures:
        """What became smaller, and the rungs of pruning."""
        facts = [
            self._translator.tr(
                "gui.result.size", before=self._mib(result.parent_size_mib), after=self._mib(result.model_size_mib)
            ),
            self._translator.tr("gui.result.agreement", share=self._formats.percent(round(result.label_agreement, 3))),
        ]
        return self._table(facts, "rungs", [self._rung(number, one) for number, one in enumerate(result.rungs, 1)])

    def search(self, candidate: str, result: SweepResult, retain: float | None) -> JobFigures:
        """The chosen student among its trials; `retain` is the share of the teacher's quality that was asked for."""
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
        if result.teacher_knows_rows:
            facts.append(tr("sweep.teacher_knows_rows"))
        if result.as_fast:
            others = listed(map(str, result.as_fast))
            facts.append(tr("sweep.as_fast", number=result.chosen, others=others))
        chart = trials_chart(candidate, result, retain)
        missed = {point.name: point.excluded for point in chart.points}
        rows = [self._trial(trial, result.chosen, missed.get(str(trial.number))) for trial in result.trials]
        return self._table(facts, "trials", rows, chart)

    def search_so_far(self, candidate: str, quality: Sequence[MetricPoint], speed: Sequence[MetricPoint]) -> JobFigures:
        """The trials of a search that runs."""
        trials = trials_so_far(quality, speed)
        if not trials:
            return JobFigures()
        facts = [self._translator.tr("gui.result.trials_so_far", count=len(trials))]
        rows = [(self._number(trial.number), *self._measured(trial)[:2]) for trial in trials]
        return self._table(facts, "live_trials", rows, live_trials_chart(candidate, quality, speed))

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

    def _trial(self, trial: TrialRecord, chosen: int, missed: Message | None) -> tuple[Cell, ...]:
        """A trial's row; `missed` says what the chart says of one that does not do."""
        mark = "chosen" if trial.number == chosen else trial.state.replace(" ", "_")
        state = self._translator.tr(f"gui.result.trial.{mark}")
        if mark == "complete" and missed is not None:
            state = self._translator.stored(missed.code, missed.values, missed.text)
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
