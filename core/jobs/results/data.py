"""What preparing the data, profiling it and indexing documents hand back."""

from __future__ import annotations

from typing import Literal

from core.jobs.results.base import ResultModel
from core.spec import SplitPlan

FAR = 0.25
"""Missing this part of the rows asked for is worth telling."""


class Dropped(ResultModel):
    """Rows left out, with the reason as a message code of the catalogues (`data.dropped.…`)."""

    reason: str
    rows: int


class TimeSpan(ResultModel):
    """From when to when the rows of a split are (ISO 8601, UTC). `older_rows` of them are older: they came along with a
    newer row of their group."""

    split: Literal["train", "calibration", "test"]
    first: str
    last: str
    older_rows: int


class PrepareResult(ResultModel):
    """The dataset as prepared; the examples stand in `examples.jsonl` of the job's folder.

    `labels` are the classes in sorted order (empty for generation). Lengths are in characters.
    `weights` are those of all examples, in the order of the file, empty where every row counts alike. `spans` are the
    times of the splits where the rows were split by time.
    """

    rows_train: int
    rows_calibration: int
    rows_test: int
    dropped: tuple[Dropped, ...]
    labels: tuple[str, ...]
    groups: int
    duplicate_rows: int
    input_length_p50: float
    input_length_p95: float
    input_length_max: int
    label_entropy_bits: float | None
    seconds: float
    weights: tuple[float, ...] = ()
    spans: tuple[TimeSpan, ...] = ()

    def missed_shares(self, plan: SplitPlan) -> dict[str, float]:
        """The parts of a split by time whose share of the rows is far from the one asked for, with the share that they
        have. Nearer than by a quarter or a row is near: whole moments allow no more."""
        total = self.rows_train + self.rows_calibration + self.rows_test
        parts = (("test", self.rows_test, plan.test), ("calibration", self.rows_calibration, plan.calibration))
        return {
            part: rows / total
            for part, rows, share in parts
            if plan.time is not None and share > 0 and abs(rows - share * total) > max(1.0, FAR * share * total)
        }


class SuspectRow(ResultModel):
    """A test row whose label is probably wrong: the label that it has and the one that the model would give, with the
    calibrated probabilities of both."""

    example_id: str
    target: str
    suggested: str
    confidence: float
    target_probability: float


class LabelNoise(ResultModel):
    """The estimated share of wrong labels among the test rows with its 95 % interval (`core.metrics.label_noise`).

    Of the `surest_rows`, `disagreeing_rows` carry another label than the model's. `suspected` rows are those that
    confident learning suspects, no more than the interval's upper end allows; `suspects` are the surest of them.
    """

    rate: float
    low: float
    high: float
    rows: int
    surest_rows: int
    disagreeing_rows: int
    suspected: int
    suspects: tuple[SuspectRow, ...]


class UsableInformation(ResultModel):
    """V-usable information of the text about the label on the test rows, in bits, with its 95 % interval; `label_bits`
    is what there is to know."""

    bits: float
    low: float
    high: float
    label_bits: float
    rows: int


class SizeQuality(ResultModel):
    """The quality of the family on the test rows after learning from so many train rows, with its 95 % interval."""

    rows: int
    quality: float
    low: float
    high: float


class ExpectedQuality(ResultModel):
    """The quality expected at so many train rows, with its 95 % interval."""

    rows: int
    quality: float
    low: float
    high: float


class HeldOutQuality(ResultModel):
    """The largest size as the law tells it from the smaller ones, and as it was measured."""

    rows: int
    predicted: float
    measured: float


class LearningCurve(ResultModel):
    """Quality by train rows, ascending, and what a power law lets expect of more (`core.metrics.learning_curve`)."""

    metric: Literal["accuracy", "macro_f1"]
    sizes: tuple[SizeQuality, ...]
    held_out: HeldOutQuality
    expected: tuple[ExpectedQuality, ...]


class ProfileResult(ResultModel):
    """What the data itself allows, found with a model of the cheap `family`; parts are null where rows are too few.

    `rows` were each answered by a model that had not seen them.
    """

    family: Literal["tfidf_logistic_regression"]
    rows: int
    rows_test: int
    label_noise: LabelNoise | None
    usable_information: UsableInformation | None
    learning_curve: LearningCurve | None
    seconds: float


class IndexResult(ResultModel):
    """An index over documents; its files stand in `index/` of the job's folder.

    Sizes are of files, in MiB: `index_mib` of the whole index, `embeddings_mib` of the embeddings in it, and
    `encoder_mib` of the encoder's weights. `cut_passages` are longer than the encoder reads. `skipped_files` of the
    folder are of no kind that is read.
    """

    documents: int
    passages: int
    words: int
    index_mib: float
    embeddings_mib: float
    encoder_mib: float
    cut_passages: int
    skipped_files: int
    resumed_passages: int = 0
    device: str
    seconds: float
