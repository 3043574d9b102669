"""`tercet run --dry-run`: what the run will ask of vendors and what that costs. Nothing is started or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

from core.commands import console
from core.commands.priced_jobs import PricedJob, priced_jobs
from core.commands.running import chosen_jobs
from core.commands.tables import print_table
from core.decide.assumptions import check_prices
from core.domain import JobKind, JobState
from core.engines.language.question import pictures_of
from core.engines.language.request_estimate import shown_money
from core.engines.language.token_guess import PICTURE_TOKENS
from core.i18n import Value, english
from core.jobs.learning_curve import CURVE, curve_runs
from core.jobs.machine_checks import LeftOut, check_machine, left_out
from core.jobs.plan import Plan, PlannedJob, build_plan
from core.spec import Study
from core.store import StudyStore
from core.study_file import load_study

_WORDS = ("candidates", "kind", "endpoint")
_COLUMNS = (*_WORDS, "requests", "input_tokens", "output_tokens", "money", "most_money")


def show_dry_run(study_file: Path, store_path: Path, only: str | None, *, as_json: bool) -> None:
    """Print each job that will ask an endpoint, with requests, tokens and money. Raises UserError as the run would."""
    loaded = load_study(study_file)
    priced, due, plan, left = _due(loaded.study, loaded.base, store_path, _states(store_path), only)
    for refusal in left.refusals:
        console.note(refusal.words)
    currency, others = loaded.study.criteria.cost.currency, len(due) - len(priced)
    trainings = _curve_trainings(loaded.study, plan, due)
    if as_json:
        document = _document(loaded.study.name, currency, priced, others)
        console.print_json(document | {"learning_curve": trainings})
    else:
        _print(priced, currency, others)
        if trainings is not None and trainings["trainings"]:
            sizes = ", ".join(f"{share:.3g} %" for share in sorted({100 * share for share in trainings["shares"]}))
            values = {"student": trainings["student"], "count": trainings["trainings"], "sizes": sizes}
            console.say(english("cli.dry_run.curve", whole=f"{sum(trainings['shares']):.3g}", **values))


def price_document(study: Study, base: Path, store_path: Path, states: Mapping[str, JobState]) -> dict[str, Any]:
    """What `tercet run --dry-run --json` prints of the jobs, where their states are known. Raises UserError."""
    priced, due, *_ = _due(study, base, store_path, states, None)
    return _document(study.name, study.criteria.cost.currency, priced, len(due) - len(priced))


def _due(
    study: Study, base: Path, store_path: Path, states: Mapping[str, JobState], only: str | None
) -> tuple[list[PricedJob], list[PlannedJob], Plan, LeftOut]:
    """The jobs that will ask an endpoint, all that are still to be done here, the plan, and what this machine leaves
    out of it."""
    plan = build_plan(study, base)
    check_prices(study)
    chosen = None if only is None else chosen_jobs(list(plan.jobs), only)
    due = [
        job
        for job in plan.jobs
        if states.get(job.job_id) is not JobState.SUCCEEDED and (chosen is None or job.job_id in chosen)
    ]
    done = {job_id for job_id, state in states.items() if state is JobState.SUCCEEDED}
    left = left_out(plan, done) if chosen is None else LeftOut()
    due = [job for job in due if job.job_id not in left.jobs]
    check_machine(due)
    return priced_jobs(plan, due, states, store_path), due, plan, left


def _curve_trainings(study: Study, plan: Plan, due: Sequence[PlannedJob]) -> dict[str, Any] | None:
    """The trainings of the learning curve that are still to be done, with the share of the train rows of each; null
    without a curve."""
    if study.learning_curve is None:
        return None
    waiting, student = {job.job_id for job in due}, study.learning_curve.student
    made = {part: job for owner, part, job in plan.parts if owner == student}
    shares = [run.share for run in curve_runs(study) if made.get(f"{CURVE}train{run.suffix}") in waiting]
    return {"student": student, "trainings": len(shares), "shares": shares}


def _states(store_path: Path) -> dict[str, JobState]:
    if not store_path.exists():
        return {}
    with StudyStore.open(store_path, write=False) as store:
        return {row.job_id: row.state for row in store.jobs(superseded=True)}


def _document(study: str, currency: str, priced: Sequence[PricedJob], others: int) -> dict[str, Any]:
    return {
        "study": study,
        "currency": currency,
        "jobs": [_job_document(job) for job in priced],
        "endpoints": _endpoints(priced),
        "other_jobs": others,
        **_sums(priced),
        "unpriced_jobs": sum(job.money is None for job in priced),
    }


def _sums(priced: Sequence[PricedJob]) -> dict[str, Any]:
    """Requests and money of jobs, without those that have no price or no bound."""
    return {
        "requests": sum(job.expected.requests for job in priced),
        "money": sum(job.money or 0.0 for job in priced),
        "most_money": sum(job.most_money or 0.0 for job in priced),
    }


def _endpoints(priced: Sequence[PricedJob]) -> list[dict[str, Any]]:
    """The jobs of each endpoint together, in the order in which they come."""
    named: dict[tuple[str, str], list[PricedJob]] = {}
    for job in priced:
        named.setdefault((job.asking.model.base_url, job.asking.model.model), []).append(job)
    return [
        {
            "base_url": url,
            "model": model,
            "jobs": len(own),
            **_sums(own),
            "input_tokens": round(sum(job.expected.input_tokens for job in own)),
            "output_tokens": round(sum(job.expected.output_tokens for job in own)),
            "unpriced_jobs": sum(job.money is None for job in own),
        }
        for (url, model), own in named.items()
    ]


def _job_document(priced: PricedJob) -> dict[str, Any]:
    model, expected, counted = priced.asking.model, priced.expected, priced.is_counted
    return {
        "id": priced.job.job_id,
        "kind": priced.job.kind.value,
        "candidates": list(priced.job.candidates),
        "model": model.model,
        "base_url": model.base_url,
        "requests": expected.requests if counted else None,
        "known_answers": priced.asking.known,
        "input_tokens": round(expected.input_tokens) if counted else None,
        "output_tokens": round(expected.output_tokens) if counted else None,
        "most_output_tokens": expected.most_output_tokens if counted else None,
        "money": priced.money,
        "most_money": priced.most_money,
        "measured_rows": expected.measured_rows,
        "bounded": priced.asking.bound is not None,
        "assumes": _assumes(priced),
        "max_requests": model.max_requests,
        "max_cost": model.max_cost,
        "refused_by": priced.refusal,
    }


def _assumes(priced: PricedJob) -> str:
    """What requests, tokens and money rest on, in a sentence."""
    bound = priced.asking.bound
    told = "" if bound is None else english(bound.code, **bound.values)
    if bound is not None and not bound.counted:
        return told
    return "; ".join(part for part in (told, _tokens_assumed(priced)) if part)


def _tokens_assumed(priced: PricedJob) -> str:
    rows, limit = priced.expected.measured_rows, priced.asking.max_output_tokens
    if rows:
        return english("cli.dry_run.measured", count=rows)
    code = "cli.dry_run.guessed_label" if priced.asking.names_labels else "cli.dry_run.guessed_text"
    told = english("cli.dry_run.guessed_verdict" if priced.job.kind is JobKind.JUDGE else code, limit=limit)
    pictured = any(pictures_of(message) for message in priced.asking.messages)
    return f"{told}; {english('cli.dry_run.guessed_pictures', tokens=round(PICTURE_TOKENS))}" if pictured else told


def _print(priced: Sequence[PricedJob], currency: str, others: int) -> None:
    if not priced:
        console.say(english("cli.dry_run.none", count=others))
        return
    table = Table(box=None, pad_edge=False)
    for heading in _COLUMNS:
        side: Literal["left", "right"] = "left" if heading in _WORDS else "right"
        table.add_column(english(f"cli.dry_run.column.{heading}", currency=currency), justify=side, overflow="fold")
    for job in priced:
        table.add_row(*_cells(job))
    print_table(table)
    console.say(english("cli.dry_run.total", currency=currency, **_shown_sums(_sums(priced))))
    endpoints = _endpoints(priced)
    for one in endpoints if len(endpoints) > 1 else ():
        sums = english("cli.dry_run.total", currency=currency, **_shown_sums(one))
        console.say(f"  {one['model']} @ {one['base_url']}: {sums}")
    for job in priced:
        _print_notes(job)
    console.say(english("cli.dry_run.others", count=others))


def _shown_sums(sums: Mapping[str, Any]) -> dict[str, Value]:
    money = {name: shown_money(sums[name]) for name in ("money", "most_money")}
    return {"requests": sums["requests"], **money}


def _print_notes(job: PricedJob) -> None:
    """What a job's figures rest on, and what stands against it."""
    told = f"  {', '.join(job.job.candidates)}, {job.job.kind.value}: "
    console.say(f"{told}{_assumes(job)}")
    if job.price is None:
        console.say(f"{told}{english('cli.dry_run.unpriced')}")
    if job.refusal is not None:
        code = "cli.dry_run.refused" if job.asking.bound is None else "cli.dry_run.may_be_refused"
        cap = f"{job.asking.model_field}.{job.refusal}"
        console.say(f"{told}{english(code, cap=cap, value=f'{getattr(job.asking.model, job.refusal):g}')}")


def _cells(job: PricedJob) -> list[str]:
    amounts = (job.expected.requests, job.expected.input_tokens, job.expected.output_tokens)
    money = ["–" if amount is None else shown_money(amount) for amount in (job.money, job.most_money)]
    return [
        ", ".join(job.job.candidates),
        job.job.kind.value,
        job.asking.model.model,
        *(f"{amount:,.0f}" if job.is_counted else "–" for amount in amounts),
        *money,
    ]
