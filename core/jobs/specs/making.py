"""What the jobs that make models are told."""

from __future__ import annotations

from typing import Literal

from core.domain import JobKind
from core.jobs.specs.parts import AnsweringModel, DataFile, LoadableModel, Part, SweepLimits, TrainPart, VendorPrice
from core.spec import BaselineModel, Columns, Prune, Quantize, SweepModel, Task, TeacherLayers, Train, TrimVocabulary

DISTILL_LEARNING_RATE = 4e-4
"""Of a distillation, and of the same student on the targets alone, where the study names none."""


class FineTuneParameters(Part):
    """Train on the targets. Inputs: `data`; `model` where the weights start from another job's result.

    `task` is given where a language model is trained. With `held_out_seed` the rows that a search of that seed judges
    its students by are not learnt, so that the teacher can be judged by them as well. A floor averages the token
    embeddings of the input `embeddings`, or of `embeddings_model` where no job made the teacher. `part` null means
    all train rows. `told_elsewhere` says that another job tells what of these options is not read.
    """

    kind: Literal[JobKind.FINE_TUNE] = JobKind.FINE_TUNE
    model: LoadableModel | BaselineModel | None
    model_sha256: str | None = None
    task: Task | None = None
    train: Train
    held_out_seed: int | None = None
    embeddings_model: LoadableModel | None = None
    embeddings_sha256: str | None = None
    part: TrainPart | None = None
    told_elsewhere: bool = False


class DistillParameters(Part):
    """Train a student on what its teacher says. Inputs: `data`; `teacher`, the job that made it, or `labels`, the job
    that asked it (a language model that labels); `model` where the student starts from another job's result.

    `model` null with no such input means: layers of the teacher, as `layers` says. `teacher_model` is given where the
    teacher is a ready model that no job made. `task` is given where a language model is trained. `stream` is the file
    of new examples of dynamic distillation, whose columns are `columns`; its rounds are judged by `metric`. `part` and
    `told_elsewhere` are as for a fine-tuning.
    """

    kind: Literal[JobKind.DISTILL] = JobKind.DISTILL
    model: LoadableModel | BaselineModel | None = None
    model_sha256: str | None = None
    layers: TeacherLayers | None = None
    teacher_model: LoadableModel | None = None
    teacher_sha256: str | None = None
    task: Task | None = None
    stream: DataFile | None = None
    columns: Columns | None = None
    metric: Literal["accuracy", "macro_f1"] = "accuracy"
    train: Train
    part: TrainPart | None = None
    told_elsewhere: bool = False


class LabelParameters(Part):
    """A language model answers the train rows. Inputs: `data`; `model` where it is another job's result.

    `reasoning` says whether the text to learn keeps what the model thought before its answer. `price` is an endpoint's.
    """

    kind: Literal[JobKind.LABEL] = JobKind.LABEL
    task: Task
    loadable: AnsweringModel | None = None
    model_sha256: str | None = None
    reasoning: Literal["keep", "strip"] = "strip"
    price: VendorPrice | None = None


class SweepParameters(Part):
    """Search for the best student. Inputs: `data`, `teacher`; `reference`, the teacher trained without the rows that
    students are judged by, where a training on the targets made the teacher. `train` holds what all trials share.

    A language model may teach as it is (`teacher_model`, with no input `teacher`), and be asked with examples before a
    message (`teacher_task`, null where it is asked as its students are). With the input `labels`, the job that asked
    it, students learn its text. With `teacher_knows_rows` the rows that students are judged by were learnt somewhere on
    the teacher's way, `reference` or not, and its quality on them flatters it.
    """

    kind: Literal[JobKind.SWEEP] = JobKind.SWEEP
    task: Task
    space: SweepModel
    limits: SweepLimits
    train: Train
    teacher_model: LoadableModel | None = None
    teacher_sha256: str | None = None
    teacher_task: Task | None = None
    teacher_knows_rows: bool = False


class CompressParameters(Part):
    """Apply `steps` in order to the model of the input `model`, or to `loadable`. Inputs: `data`, `model`; `teacher`,
    or a ready `teacher_model`, where another model than the unpruned one teaches the recovery after pruning.
    `teacher_in_text` says that the study names one that cannot, for the job to tell it."""

    kind: Literal[JobKind.COMPRESS] = JobKind.COMPRESS
    loadable: LoadableModel | None = None
    model_sha256: str | None = None
    task: Task | None = None
    steps: tuple[Prune | TrimVocabulary | Quantize, ...]
    teacher_model: LoadableModel | None = None
    teacher_sha256: str | None = None
    teacher_in_text: bool = False
