"""The prepare job: read the user's rows, group what is the same, split, check, and write `examples.jsonl`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from core.data.dataset import RawRows, group_values, read_data_files, time_column
from core.data.examples import write_examples
from core.data.grouping import link_rows, normalise, repeated_rows
from core.data.imported import import_predictions
from core.data.joined import join_predictions
from core.data.splitting import Separation, separate_files, split_rows
from core.data.splitting_by_time import spans_of, split_by_time
from core.domain import Example, Split
from core.errors import UserError
from core.i18n import english
from core.jobs.results import Dropped, PrepareResult, TimeSpan
from core.jobs.specs import PrepareParameters
from core.metrics.label_sets import classes_of
from core.metrics.scoring import kept_target
from core.spec import SplitPlan
from core.worker.context import JobContext, Stopped

CALIBRATION_SET_ASIDE = 0.1
MOST_OVERLAP = 0.02
_STEPS = 4


@dataclass(frozen=True)
class _Prepared:
    """The rows as they are split, and what was left out of them."""

    grouped: _Grouped
    splits: list[Split]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True)
class _Grouped:
    """The rows with the number of each one's group."""

    rows: RawRows
    groups: list[int]


def run(parameters: PrepareParameters, context: JobContext) -> PrepareResult:
    """The dataset's figures, once `examples.jsonl` stands in the job's folder. Raises UserError, Stopped."""
    started = time.monotonic()
    context.started("cpu")
    prepared = _prepared(parameters, lambda phase, step: _step(context, phase, step))
    _step(context, "phase.write_rows", 3)
    examples = _examples(parameters, prepared.grouped, prepared.splits)
    if _is_from_predictions(parameters):
        # A cell that cannot be is told now, before anything is measured or routed.
        for file, model in zip(parameters.predictions, parameters.prediction_columns, strict=True):
            import_predictions(file, model, examples, parameters.task, judged=parameters.judged)
    write_examples(context.folder, examples)
    context.progress("phase.write_rows", _STEPS, _STEPS)
    result = _result(parameters, prepared, time.monotonic() - started)
    _tell_missed_shares(parameters, result, context)
    return result


def _tell_missed_shares(parameters: PrepareParameters, result: PrepareResult, context: JobContext) -> None:
    plan = parameters.split or SplitPlan()
    for part, share in result.missed_shares(plan).items():
        wanted = getattr(plan, part)
        told = english(f"decide.note.time_share.{part}", column=plan.time or "", share=share, wanted=wanted)
        context.log(told, "warning")


def prepared_examples(parameters: PrepareParameters) -> list[Example]:
    """The examples that the job would write, without a trace. Raises UserError where the data are wrong."""
    prepared = _prepared(parameters, lambda phase, step: None)
    return _examples(parameters, prepared.grouped, prepared.splits)


def _prepared(parameters: PrepareParameters, on_step: Callable[[str, int], None]) -> _Prepared:
    on_step("phase.read", 0)
    from_predictions = _is_from_predictions(parameters)
    _refuse_unused_columns(parameters, from_predictions)
    rows = _with_kept_targets(
        parameters, join_predictions(parameters) if from_predictions else read_data_files(parameters)
    )
    on_step("phase.group", 1)
    grouped = _Grouped(rows, link_rows(_linking(rows)))
    on_step("phase.split", 2)
    grouped, splits, dropped = _split(parameters, grouped, from_predictions)
    if parameters.set_calibration_aside:
        splits = _with_calibration_set_aside(parameters, grouped, splits)
    _check(parameters, grouped.rows, splits, from_predictions)
    return _Prepared(grouped, splits, dropped)


def _is_from_predictions(parameters: PrepareParameters) -> bool:
    return parameters.file is None and not parameters.files


def _with_kept_targets(parameters: PrepareParameters, rows: RawRows) -> RawRows:
    """The rows with their targets as they are kept; rows of predictions may have scores instead of any."""
    named = zip(rows.ids, rows.targets, strict=True)
    return replace(rows, targets=[kept_target(parameters.task, text, name) if text else "" for name, text in named])


def _step(context: JobContext, phase: str, step: int) -> None:
    context.progress(phase, step, _STEPS)
    if context.should_stop():
        raise Stopped


def _linking(rows: RawRows) -> list[list[str | None]]:
    """What links rows: the same text, the same picture, the same group. A text beside a picture is a question that many
    pictures may be asked."""
    pairs = list(zip(rows.inputs, rows.pictures, strict=True))
    texts = [normalise(text) if picture is None else None for text, picture in pairs]
    shown = [None if picture is None else picture.identity for picture in rows.pictures]
    return [texts, shown, *rows.groups]


def _said(rows: RawRows) -> list[str]:
    """What each row says, its picture included."""
    pairs = zip(rows.inputs, rows.pictures, strict=True)
    return [text if picture is None else f"{text} {picture.identity}" for text, picture in pairs]


def _refuse_unused_columns(parameters: PrepareParameters, from_predictions: bool) -> None:
    unused = {"context": not parameters.keep_context, "image": from_predictions}
    for field in (field for field, is_unused in unused.items() if is_unused):
        if getattr(parameters.columns, field) is not None:
            raise UserError("data.column.not_used", field=f"data.columns.{field}")


def _split(
    parameters: PrepareParameters, grouped: _Grouped, from_predictions: bool
) -> tuple[_Grouped, list[Split], tuple[Dropped, ...]]:
    rows = grouped.rows
    if rows.splits is not None:
        separation = separate_files(grouped.groups, rows.splits)
        _refuse_overlap(parameters, rows.splits, separation)
        kept = _kept(grouped, separation.keep)
        return kept, list(kept.rows.splits or []), _dropped(separation)
    if from_predictions and parameters.split is None:
        return grouped, [Split.TEST] * len(rows.ids), ()
    plan = parameters.split or SplitPlan()
    if rows.moments is not None:
        return grouped, split_by_time(grouped.groups, rows.moments, plan.test, plan.calibration), ()
    targets = rows.targets if parameters.task.kind == "classification" else None
    return grouped, split_rows(grouped.groups, targets, plan.test, plan.calibration, plan.seed), ()


def _refuse_overlap(parameters: PrepareParameters, splits: Sequence[Split], separation: Separation) -> None:
    rows_test = splits.count(Split.TEST)
    overlapping = separation.overlapping_test_rows
    if parameters.overlap == "refuse" and overlapping > MOST_OVERLAP * rows_test:
        raise UserError("data.files.overlap", count=overlapping, rows=rows_test)


def _kept(grouped: _Grouped, keep: Sequence[bool]) -> _Grouped:
    places = [place for place, kept in enumerate(keep) if kept]
    rows = grouped.rows
    return _Grouped(
        replace(
            rows,
            ids=[rows.ids[place] for place in places],
            inputs=[rows.inputs[place] for place in places],
            targets=[rows.targets[place] for place in places],
            groups=[[keys[place] for place in places] for keys in rows.groups],
            slices=[rows.slices[place] for place in places],
            fields=[rows.fields[place] for place in places],
            pictures=[rows.pictures[place] for place in places],
            splits=[rows.splits[place] for place in places] if rows.splits is not None else None,
            weights=[rows.weights[place] for place in places] if rows.weights is not None else None,
        ),
        [grouped.groups[place] for place in places],
    )


def _dropped(separation: Separation) -> tuple[Dropped, ...]:
    reasons = ("train_in_test", "calibration_in_test", "train_in_calibration")
    counts = [(reason, int(getattr(separation, reason))) for reason in reasons]
    return tuple(Dropped(reason=f"data.dropped.{reason}", rows=count) for reason, count in counts if count)


def _with_calibration_set_aside(parameters: PrepareParameters, grouped: _Grouped, splits: list[Split]) -> list[Split]:
    """A tenth of train becomes calibration, groups kept whole, where there is no calibration part yet: the newest tenth
    of rows split by time."""
    train = [place for place, split in enumerate(splits) if split is Split.TRAIN]
    if Split.CALIBRATION in splits or not train:
        return splits
    groups, moments = [grouped.groups[place] for place in train], grouped.rows.moments
    if moments is not None:
        aside = split_by_time(groups, [moments[place] for place in train], CALIBRATION_SET_ASIDE, 0.0)
        if (parameters.needs_train or parameters.prunes) and Split.TRAIN not in aside:
            raise UserError("data.split.time_nothing_to_set_aside", column=time_column(parameters) or "")
    else:
        targets = [grouped.rows.targets[place] for place in train]
        seed = parameters.split.seed if parameters.split else SplitPlan().seed
        classification = parameters.task.kind == "classification"
        aside = split_rows(groups, targets if classification else None, CALIBRATION_SET_ASIDE, 0.0, seed)
    changed = list(splits)
    for place, part in zip(train, aside, strict=True):
        if part is Split.TEST:
            changed[place] = Split.CALIBRATION
    return changed


def _check(parameters: PrepareParameters, rows: RawRows, splits: Sequence[Split], from_predictions: bool) -> None:
    if Split.TEST not in splits:
        raise UserError("data.split.no_test_rows", count=len(splits))
    if (parameters.needs_train or parameters.prunes) and Split.TRAIN not in splits:
        raise _no_train_rows(parameters, rows)
    if parameters.task.kind == "classification":
        classes = set(rows.targets)
        if len(classes) == 1 and not (from_predictions and classes == {""}):  # scores need no targets
            raise UserError("data.target.one_class", column=parameters.columns.target, label=classes.pop())
        trained = {target for target, split in zip(rows.targets, splits, strict=True) if split is Split.TRAIN}
        if parameters.needs_train and len(trained) == 1:
            raise UserError("data.target.one_class_in_train", column=parameters.columns.target, label=trained.pop())
    elif parameters.task.kind == "multi_label" and not _labels_of(parameters, rows) and any(rows.targets):
        raise UserError("data.target.no_label_at_all", column=parameters.columns.target)


def _no_train_rows(parameters: PrepareParameters, rows: RawRows) -> UserError:
    if rows.moments is None:
        return UserError("data.split.no_train_rows")
    column, count = time_column(parameters) or "", len(set(rows.moments))
    return UserError("data.split.time_no_train_rows", column=column, count=count)


def _examples(parameters: PrepareParameters, grouped: _Grouped, splits: Sequence[Split]) -> list[Example]:
    rows = grouped.rows
    names = [f"g{group}" for group in grouped.groups]
    cells = (rows.inputs, rows.targets, rows.slices, rows.fields, rows.pictures)
    examples = map(Example, rows.ids, splits, names, *cells)
    values = group_values(parameters, rows)
    return [replace(example, group_values=own) for example, own in zip(examples, values, strict=True)]


def _labels_of(parameters: PrepareParameters, rows: RawRows) -> tuple[str, ...]:
    """Every label of a task that has some, sorted."""
    match parameters.task.kind:
        case "classification":
            return tuple(sorted({target for target in rows.targets if target}))
        case "multi_label":
            return tuple(classes_of([target or None for target in rows.targets]))
        case _:
            return ()


def _result(parameters: PrepareParameters, prepared: _Prepared, seconds: float) -> PrepareResult:
    rows = prepared.grouped.rows
    counts = Counter(prepared.splits)
    lengths = np.array([len(text) for text in rows.inputs])
    classes = Counter(target for target in rows.targets if target)
    classification = parameters.task.kind == "classification"
    return PrepareResult(
        rows_train=counts[Split.TRAIN],
        rows_calibration=counts[Split.CALIBRATION],
        rows_test=counts[Split.TEST],
        dropped=prepared.dropped,
        labels=_labels_of(parameters, rows),
        groups=len(set(prepared.grouped.groups)),
        duplicate_rows=repeated_rows(_said(rows)),
        input_length_p50=float(np.percentile(lengths, 50)),
        input_length_p95=float(np.percentile(lengths, 95)),
        input_length_max=int(lengths.max()),
        label_entropy_bits=_entropy_bits(classes) if classification and classes else None,
        seconds=seconds,
        weights=tuple(rows.weights or ()),
        spans=_spans(prepared.grouped, prepared.splits),
    )


def _spans(grouped: _Grouped, splits: Sequence[Split]) -> tuple[TimeSpan, ...]:
    moments = grouped.rows.moments
    if moments is None:
        return ()
    return tuple(
        TimeSpan(split=split.value, first=_written(span.first), last=_written(span.last), older_rows=span.older_rows)
        for split, span in spans_of(grouped.groups, moments, splits).items()
    )


def _written(moment: float) -> str:
    """A moment as a date, with its time in UTC where it has one."""
    found = datetime.fromtimestamp(moment, UTC)
    midnight = (found.hour, found.minute, found.second, found.microsecond) == (0, 0, 0, 0)
    return found.date().isoformat() if midnight else found.isoformat(timespec="seconds")


def _entropy_bits(classes: Counter[str]) -> float:
    """Shannon's entropy of the class shares, in bits."""
    shares = np.array(list(classes.values()), dtype=float) / sum(classes.values())
    return float(-(shares * np.log2(shares)).sum()) + 0.0
