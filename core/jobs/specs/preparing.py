"""What the jobs that work on the data alone are told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.domain import JobKind
from core.jobs.specs.parts import DataFile, DocumentSource, Part
from core.spec import Columns, Encoder, PredictionsModel, SplitPlan, Task


class PrepareParameters(Part):
    """Read, group duplicates, split. Inputs: none.

    Either `files` (keys train, calibration, test) or `file` with `split`; with neither, the dataset is made of the
    rows of `predictions`, joined on id, else on input, and split by `split` (all rows are test where it is null).
    `judged` says that predictions without a score get one later, `keep_context` that the context's cells are needed,
    `weigh_train` that a train file of its own has weights as well. `pictures_sha256` is of what the column of pictures
    shows. `prunes` says that a model is pruned, which needs train rows where nothing is trained too; the rows are the
    same without it.
    """

    kind: Literal[JobKind.PREPARE] = JobKind.PREPARE
    task: Task
    file: DataFile | None = None
    files: dict[str, DataFile] = Field(default_factory=dict)
    predictions: tuple[DataFile, ...] = ()
    prediction_columns: tuple[PredictionsModel, ...] = ()
    columns: Columns
    split: SplitPlan | None
    overlap: Literal["refuse", "drop"]
    needs_train: bool
    prunes: bool = False
    set_calibration_aside: bool
    judged: bool = False
    keep_context: bool = False
    weigh_train: bool = False
    pictures_sha256: str | None = None


class ProfileParameters(Part):
    """Say what the rows themselves allow: wrong labels, usable information, a learning curve. Inputs: `data`.

    `weighted` says that the data have weights, by which its figures over test rows count.
    """

    kind: Literal[JobKind.PROFILE] = JobKind.PROFILE
    metric: Literal["accuracy", "macro_f1"]
    weighted: bool = False


class IndexParameters(Part):
    """Cut documents into passages and index them. Inputs: none. Without an `encoder` there are no embeddings."""

    kind: Literal[JobKind.INDEX] = JobKind.INDEX
    documents: DocumentSource
    chunk_words: int
    overlap_words: int
    encoder: Encoder | None = None
    encoder_sha256: str | None = None
    passage_prefix: str = ""
