"""What the jobs that ask, look and measure found: labels, checks, verdicts, load, passages, suites, the data itself."""

from __future__ import annotations

from core.jobs.results import (
    CheckResult,
    IndexResult,
    JudgeResult,
    LabelResult,
    LoadResult,
    ProfileResult,
    SuiteResult,
)
from gui.models.data_rows import noise_sentence
from gui.models.job_words import DASH, JobFigures, JobWords
from gui.models.table import Cell


class MeasuringWords(JobWords):
    """Mostly facts: the figures of candidates stand on the pages Decide and Report."""

    def labels(self, result: LabelResult) -> JobFigures:
        """How many answers were bought, and how they agree with the targets."""
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

    def checks(self, result: CheckResult) -> JobFigures:
        """How many answers failed each check, before and after they were asked for once more."""
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
        if result.second_unanswered:
            facts.append(tr("gui.result.checks_unanswered", count=formats.number(result.second_unanswered, 0)))
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
        """How the answers were judged, and what makes a judge doubtful."""
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
        """The best level that mostly answered."""
        tr, usable = self._translator.tr, [step for step in result.steps if not step.mostly_failed] or result.steps
        best, failed = max(usable, key=lambda step: step.requests_per_second), sum(step.failed for step in result.steps)
        rate = self._formats.number(float(f"{best.requests_per_second:.3g}"))
        facts = [tr("gui.result.load", rate=rate, clients=best.concurrency)]
        facts.append(tr("gui.result.load_requests", count=self._formats.number(result.requests, 0)))
        if failed:
            facts.append(tr("gui.result.load_failed", count=self._formats.number(failed, 0)))
        return JobFigures(tuple(facts))

    def index(self, result: IndexResult) -> JobFigures:
        """What was indexed, and what was left out."""
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
        """The figures of a standard suite."""
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
