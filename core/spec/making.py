"""How a candidate is trained and compressed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from core.spec.base import NonNegativeFloat, OpenShare, PositiveFloat, Seed, Share, SpecModel
from core.spec.models import LayerChoice


class Lora(SpecModel):
    """A low-rank adapter (peft): only it is trained, and it is merged into the weights at the end.

    `targets` null means every linear layer but the head.
    """

    rank: PositiveInt = 8
    alpha: PositiveFloat = 16.0
    dropout: OpenShare = 0.0
    targets: Annotated[list[str], Field(min_length=1)] | None = None


class Stage(SpecModel):
    """An assistant between teacher and student: layers of the teacher, which then teaches the next stage.

    Layers of the next stage, and of a student of source `teacher`, are layers of this assistant.
    """

    layers: LayerChoice
    feed_forward: PositiveInt | None = None
    epochs: PositiveInt | None = None


class Dynamic(SpecModel):
    """Learning on from new examples in the order of `stream`'s rows, `round_rows` at a time.

    Each round trains on new rows and replayed old ones (`replay` is their share) and averages the weights
    (`ema_decay` a step). The round is kept only where neither the held-out old rows nor the held-out new rows
    (`held_out` of the round) lose more than `margin` of quality, else it is rolled back. After `stop_after_rollbacks`
    in a row, or where the teacher's own quality on new rows is more than `drift_margin` below that on calibration rows,
    which it has not learnt either (with fewer than ten of them, on old rows), the job stops.
    `refresh_teacher` trains the teacher on the targets of the new rows first; it never gets the student's weights.
    """

    stream: str
    round_rows: Annotated[int, Field(ge=4)] = 200
    replay: OpenShare = 0.5
    held_out: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    ema_decay: OpenShare = 0.99
    margin: Share = 0.01
    stop_after_rollbacks: PositiveInt = 3
    drift_margin: Share = 0.15
    refresh_teacher: bool = False


class Train(SpecModel):
    """How a candidate is trained. Loss = alpha · T² · KL(teacher ‖ student) + (1 − alpha) · cross-entropy.

    `learning_rate` null means 2e-4 for `fine_tune`, 4e-4 for `distill` and its baseline on hard labels, and on-policy
    1e-5, or 1e-4 with an adapter: the peak of a one-cycle schedule.
    `teacher` null means the study's only teacher. `technique` says how `distill` uses the teacher; auto chooses by
    what the teacher gives, and says why. `seeds` trains and measures one model for each. `stages` are assistants
    between teacher and student, in order. `hidden_weight` adds the mean squared distance of hidden states, of language
    models of states that are scaled to one size; it needs a teacher whose weights are here, of the same tokenizer.
    `reasoning` says whether a teacher's reasoning is part of the text to learn. `hard_label_baseline` trains and
    measures the same student on the targets alone, beside it. `weighted` weighs each train row's loss by
    `data.columns.weight`, its mean over the train rows at 1.
    """

    method: Literal["fine_tune", "distill", "none"]
    technique: Literal["auto", "soft_labels", "labels", "sequence", "on_policy"] = "auto"
    teacher: str | None = None
    epochs: PositiveInt = 6
    learning_rate: PositiveFloat | None = None
    batch_size: PositiveInt = 32
    accumulate: PositiveInt = 1
    max_length: Annotated[int, Field(ge=2)] = 128
    seed: Seed = 1
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=20)] | None = None
    temperature: PositiveFloat = 2.0
    alpha: Share = 0.9
    hidden_weight: NonNegativeFloat = 0.0
    stages: list[Stage] = Field(default=[])
    lora: Lora | None = None
    dynamic: Dynamic | None = None
    reasoning: Literal["keep", "strip"] = "strip"
    top_k: Annotated[int, Field(ge=1, le=32)] = 24
    gradient_checkpointing: bool = False
    hard_label_baseline: bool = False
    weighted: bool = False

    @model_validator(mode="after")
    def _parts_fit_method(self) -> Train:
        distil_only = {
            "technique": self.technique != "auto",
            "stages": bool(self.stages),
            "dynamic": self.dynamic is not None,
            "hidden_weight": self.hidden_weight > 0.0,
            "hard_label_baseline": self.hard_label_baseline,
        }
        wrong = [name for name, given in distil_only.items() if given]
        if self.method != "distill" and wrong:
            raise ValueError(f"{wrong[0]} belongs to method distill; remove it, or set method: distill")
        for name, given in (("stages", bool(self.stages)), ("dynamic", self.dynamic is not None)):
            if self.hard_label_baseline and given:
                raise ValueError(f"hard_label_baseline and {name} make two different students; remove one of them")
        of_training = {"seeds": self.seeds is not None, "lora": self.lora is not None, "weighted": self.weighted}
        for name, given in of_training.items():
            if self.method == "none" and given:
                raise ValueError(f"{name} belongs to a training; remove it, or set another method than none")
        if self.dynamic is not None and self.technique not in ("auto", "soft_labels"):
            raise ValueError(f"dynamic learns from soft labels; remove technique: {self.technique}, or dynamic")
        if self.weighted and (self.dynamic is not None or self.technique == "on_policy"):
            raise ValueError("weighted is for losses over the train rows alone; remove it, or dynamic and on_policy")
        if self.seeds is not None and len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds names one twice; each seed trains one model")
        return self


class Prune(SpecModel):
    """Structured pruning: the share of parameters removed, in `rungs`, each followed by `epochs` of distillation.

    `rungs` null means steps of at most 30 % of what is left; 1 is one shot. `epochs` 0 leaves out the recovery.
    """

    prune: OpenShare
    rungs: Annotated[int, Field(ge=1, le=20)] | None = None
    epochs: Annotated[int, Field(ge=0)] = 3
    learning_rate: PositiveFloat | None = None


class TrimVocabulary(SpecModel):
    """Dropping tokens that the task does not use."""

    trim_vocabulary: Literal[True]


class Quantize(SpecModel):
    """Fewer bits a weight."""

    quantize: Literal["int8_dynamic", "int8_static", "int4"]
