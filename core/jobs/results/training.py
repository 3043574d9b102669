"""What jobs that make models hand back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.jobs.results.base import ResultModel


class RoundRecord(ResultModel):
    """One round of dynamic distillation: new rows trained on, held-out quality of old and new rows before and after
    (0 to 1), the teacher's on the new rows, and whether the round was kept.

    `held_out_new` is on how many new rows the round and those before it were judged, `held_out_new_told` how many of
    them have a target of their own: on the others quality is agreement with the teacher. Null in older studies."""

    round: int
    rows_new: int
    rows_replayed: int
    quality_old_before: float
    quality_old_after: float
    quality_new_before: float
    quality_new_after: float
    teacher_quality_new: float | None
    promoted: bool
    held_out_new: int | None = None
    held_out_new_told: int | None = None

    @property
    def graded_by_teacher(self) -> int:
        """How many of the new rows that judged it have their target from the teacher."""
        return (self.held_out_new or 0) - (self.held_out_new_told or 0)


class TrainResult(ResultModel):
    """A trained model; its files stand in `model/` of the job's folder.

    `device` is where it was trained. `resumed_steps` lists the steps at which a checkpoint was taken up again.
    `examples_per_second` excludes downtime. `truncated_share` is the share of train inputs cut at `max_length`.
    `technique` is how a teacher was used, `reason` the message code that says why (`train.reason.…`).
    """

    method: Literal["fine_tune", "distill"]
    device: str
    steps: int
    epochs: int
    final_loss: float | None
    parameters: int
    examples: int
    examples_per_second: float | None
    seconds: float
    resumed_steps: tuple[int, ...] = ()
    truncated_share: float = 0.0
    technique: str | None = None
    reason: str | None = None
    rounds: tuple[RoundRecord, ...] = ()
    details: dict[str, str | int | float | bool | None] = Field(default_factory=dict)


class LabelResult(ResultModel):
    """What a language model said of the train rows; the answers stand in `answers.jsonl` of the job's folder.

    `bought` counts requests that this job sent, `kept` those that had been answered before. `unusable` rows got no
    complete answer or none of the labels. `soft_rows` have a distribution over the labels beside the answer.
    """

    rows: int
    bought: int
    kept: int
    unusable: int
    soft_rows: int
    input_tokens: int
    output_tokens: int
    agreement_with_targets: float | None
    seconds: float


class TrialRecord(ResultModel):
    """One trial of a sweep: its settings, and its figures on held-out train rows; null where it was stopped early.

    Requests a second are the median over short timings of all trials of its shape and form, `_low` and `_high` their
    quartiles; null where an older version timed once.
    """

    number: int
    state: Literal["complete", "stopped early", "failed"]
    settings: dict[str, str | int | float | bool | None]
    quality: float | None
    requests_per_second: float | None
    p95_latency_ms: float | None
    model_size_mib: float | None
    feasible: bool
    seconds: float
    requests_per_second_low: float | None = None
    requests_per_second_high: float | None = None


class SweepResult(ResultModel):
    """A finished search; the chosen student stands in `model/` of the job's folder.

    Qualities are in `metric`, on the train rows that were held out of every trial. `chosen` is the number of a trial,
    `as_fast` those of other shapes and forms that keep everything too and whose timings reach into the chosen one's.
    `teacher_knows_rows` says that the teacher has learnt those rows, so that `teacher_quality` flatters it.
    """

    trials: tuple[TrialRecord, ...]
    chosen: int
    teacher_quality: float
    rows_held_out: int
    metric: str = "accuracy"
    seconds: float
    as_fast: tuple[int, ...] = ()
    teacher_knows_rows: bool = False


class RungRecord(ResultModel):
    """One rung of a pruning ladder. Qualities are label agreement with the unpruned model, before and after recovery;
    `latency_ms` is the median of single requests."""

    removed_share: float
    parameters: int
    agreement_pruned: float
    agreement_recovered: float
    latency_ms: float


class CompressResult(ResultModel):
    """A compressed model; its files stand in `model/`. `label_agreement` is with the parent, on calibration rows."""

    steps: tuple[str, ...]
    parameters: int
    model_size_mib: float
    parent_size_mib: float
    label_agreement: float
    rows: int
    rungs: tuple[RungRecord, ...] = ()
    seconds: float
