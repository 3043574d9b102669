"""What is checked before a plan is made: what this version runs, in which combinations, and the libraries for it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from core.domain import Role
from core.errors import UserError
from core.jobs.judging import check_judging
from core.jobs.learning_curve import check_curve
from core.jobs.libraries import ENGINE_LIBRARIES, needed_libraries
from core.jobs.llama_cpp_checks import check_llama_cpp, llama_cpp_source
from core.jobs.load_checks import check_load
from core.jobs.model_checks import check_model_fits, check_weights
from core.jobs.model_sources import answers_in_text, is_gguf_model, source_model
from core.jobs.retrieval_jobs import check_retrieval
from core.jobs.search_checks import IN_TEXT, SOFT_LABELS, TECHNIQUES, check_text_search
from core.jobs.shape_checks import check_sizes
from core.jobs.suite_jobs import check_suites
from core.keys import check_secrets_there
from core.lazy import is_installed, missing_library
from core.metrics.plugins import plugin_identity
from core.spec import (
    BaselineModel,
    Candidate,
    CandidateModel,
    Data,
    EndpointModel,
    GgufModel,
    PredictionsModel,
    Quantize,
    SplitPlan,
    Study,
    SweepModel,
    TeacherLayers,
    Train,
)
from core.study_checks import check_secrets, endpoints_of

# Steps before these two may stand in any order; weights that are quantised cannot be changed any more.
QUANTISE = "quantize"


def check_supported(study: Study, base: Path) -> None:
    """Raises UserError for what the study file may say but this version does not run, and for missing libraries."""
    check_secrets(study)  # a stored study may hold what no study file may
    if study.task.plugin is not None:
        plugin_identity(study.task.plugin)  # a metric that is not installed is told before anything is started
    _check_asking(study)
    check_judging(study)
    for index, candidate in enumerate(study.candidates):
        if candidate.role is Role.HYBRID:
            continue
        field = f"candidates[{index}]"
        _check_source(study, candidate, field)
        if study.task.kind == "multi_label":
            _check_multi_label(study, candidate, field, base)
        _check_training(study, candidate, field)
        _check_steps(study, candidate, field)
        _check_parents(study, candidate, field)
    check_llama_cpp(study)
    check_load(study)
    check_curve(study)
    for library in needed_libraries(study):
        if not is_installed(library):
            raise missing_library(library)
    check_retrieval(study, base, ENGINE_LIBRARIES)
    check_suites(study, base)
    for _, model in endpoints_of(study):
        check_secrets_there(model)
    for index, candidate in enumerate(study.candidates):
        if candidate.role is not Role.HYBRID:
            check_weights(study, candidate, f"candidates[{index}]", base)
            _check_teacher(study, candidate, f"candidates[{index}]", base)
            check_model_fits(study, candidate, f"candidates[{index}]", base)
            check_sizes(study, candidate, f"candidates[{index}]", base)


def _check_asking(study: Study) -> None:
    """Examples are there to be shown, and there is somebody who can be asked about pictures."""
    if study.task.few_shot is not None and study.data.files is not None and study.data.files.train is None:
        raise UserError("study.few_shot_train", field="task.few_shot")
    if not any(study.takes_inputs(candidate) for candidate in study.candidates):
        raise UserError("study.nobody_takes_pictures", field="data.columns.image")


def _check_source(study: Study, candidate: Candidate, field: str) -> None:
    model, training = candidate.model, study.training_of(candidate)
    generation = study.task.writes
    if isinstance(model, BaselineModel) and training.method == "none":
        raise UserError("study.baseline_untrained", field=f"{field}.train.method")
    if isinstance(model, BaselineModel) and generation:
        raise UserError("study.classification_only", field=f"{field}.model.source", what=model.source)
    if isinstance(model, SweepModel) and generation:
        check_text_search(study, model, training, field)
    if isinstance(model, EndpointModel) and (training.method != "none" or candidate.compress):
        raise UserError("study.endpoint_has_no_weights", field=f"{field}.model.source")
    gguf = isinstance(model, GgufModel) and bool(candidate.compress)
    if not generation and (gguf or (training.method != "none" and is_gguf_model(source_model(study, candidate)))):
        raise UserError("study.gguf_classifier", field=f"{field}.model.source")
    unasked = study.task.prompt is None and study.task.json_schema is None
    if study.task.kind == "extraction" and unasked and not isinstance(model, PredictionsModel):
        raise UserError("study.extraction_unasked", field="task.prompt")
    if isinstance(model, SweepModel) and training.method != "distill":
        raise UserError("study.sweep_untrained", field=f"{field}.train.method")


def _check_multi_label(study: Study, candidate: Candidate, field: str, base: Path) -> None:
    """Rows with several labels: what was measured elsewhere, language models as they are, encoders that are trained
    here with what is made of them, and the floor on terms."""
    model, training = candidate.model, study.training_of(candidate)
    if isinstance(model, PredictionsModel):
        return
    if isinstance(model, BaselineModel):
        fits = training.method == "fine_tune" and model.kind != "embedding_linear" and not candidate.compress
    else:
        in_text = answers_in_text(study, candidate, base)
        trained = training.method != "none" and not isinstance(model, SweepModel) and training.dynamic is None
        made_of_one = isinstance(model, CandidateModel) and not in_text
        fits = trained or made_of_one or (in_text and not candidate.compress)
    if not fits:
        raise UserError("study.multi_label_unfit", field=field, name=candidate.name)


def _check_training(study: Study, candidate: Candidate, field: str) -> None:
    """Options that do not fit the task, the model or each other."""
    training, generation = study.training_of(candidate), study.task.writes
    unfit = {
        "technique: on_policy": training.technique == "on_policy" and not generation,
        "technique: sequence": training.technique == "sequence" and not generation,
    }
    for what, wrong in unfit.items():
        if wrong:
            raise UserError("study.generation_only", field=f"{field}.train.technique", what=what)
    if training.technique == "on_policy" and training.alpha == 0.0:
        values = {"what": "alpha: 0", "technique": training.technique}
        raise UserError("study.option_unfit_technique", field=f"{field}.train.alpha", **values)
    if generation and training.dynamic is not None:
        raise UserError("study.classification_only", field=f"{field}.train.dynamic", what="dynamic")
    if generation and training.hidden_weight > 0.0 and training.technique in (*IN_TEXT, "on_policy"):
        values = {"what": "hidden_weight", "technique": training.technique}
        raise UserError("study.option_unfit_technique", field=f"{field}.train.hidden_weight", **values)
    _check_stages(candidate, training, field)
    if isinstance(candidate.model, BaselineModel | SweepModel):
        searches_texts = generation and isinstance(candidate.model, SweepModel)
        _check_plain_training(training, field, candidate.model.source, TECHNIQUES if searches_texts else SOFT_LABELS)
    if isinstance(candidate.model, SweepModel):
        _check_ranges(candidate.model, training, field)
    if isinstance(candidate.model, TeacherLayers) and candidate.model.trim_vocabulary and generation:
        raise UserError("study.classification_only", field=f"{field}.model.trim_vocabulary", what="trim_vocabulary")


def _check_stages(candidate: Candidate, training: Train, field: str) -> None:
    """Each stage takes layers of the one before it, which must have them; the first one takes its teacher's."""
    steps = [(f"{field}.train.stages[{place}].layers", stage.layers) for place, stage in enumerate(training.stages)]
    if isinstance(candidate.model, TeacherLayers):
        steps.append((f"{field}.model.layers", candidate.model.layers))
    for (_, before), (name, layers) in itertools.pairwise(steps):
        available = before if isinstance(before, int) else len(before)
        asked = layers if isinstance(layers, int) else max(layers) + 1
        if asked > available:
            raise UserError("study.layers_of_assistant", field=name, asked=asked, available=available)


def _check_ranges(model: SweepModel, training: Train, field: str) -> None:
    """The search begins with the study's own settings, which must be among those that it may try."""
    for name, (low, high), own in (
        ("temperature", model.temperature, training.temperature),
        ("alpha", model.alpha, training.alpha),
    ):
        if own != Train.model_fields[name].default and not low <= own <= high:
            raise UserError("study.sweep_range", field=f"{field}.train.{name}", own=own, name=name, low=low, high=high)


def _check_plain_training(training: Train, field: str, source: str, techniques: Sequence[str]) -> None:
    """A floor and a search know neither adapters nor stages nor streams, and a search no weights."""
    for name, given in (
        ("lora", training.lora is not None),
        ("stages", bool(training.stages)),
        ("dynamic", training.dynamic is not None),
        ("hidden_weight", training.hidden_weight > 0.0),
        ("hard_label_baseline", training.hard_label_baseline),
        ("weighted", training.weighted and source == "sweep"),
        ("technique", training.technique not in techniques),
    ):
        if given:
            raise UserError("study.option_unfit", field=f"{field}.train.{name}", what=name, source=source)


def _check_steps(study: Study, candidate: Candidate, field: str) -> None:
    names = [next(iter(step.model_dump())) for step in candidate.compress]
    doubled = len(set(names)) < len(names)
    if doubled or QUANTISE in names[:-1]:
        raise UserError("study.step_order", field=f"{field}.compress", steps=", ".join(names))
    if not study.task.writes:
        return
    for position, step in enumerate(candidate.compress):
        # In 4 bits a language model runs on an NVIDIA GPU, which `machine_checks` looks for.
        if isinstance(step, Quantize) and step.quantize == "int8_static":
            raise UserError(
                "study.classification_only", field=f"{field}.compress[{position}]", what=f"quantize: {step.quantize}"
            )


def _check_parents(study: Study, candidate: Candidate, field: str) -> None:
    """A quantised model and the floor are ends of the line: they give no layers, no logits, no weights to change."""
    training = study.training_of(candidate)
    if training.method == "distill" or isinstance(candidate.model, TeacherLayers):
        teacher = study.teacher_of(candidate)
        if teacher is not None and _is_end_of_line(study, teacher):
            raise UserError("study.teacher_not_torch", field=f"{field}.train.teacher", name=teacher)
    changes = training.method != "none" or bool(candidate.compress)
    if isinstance(candidate.model, CandidateModel) and changes and _is_end_of_line(study, candidate.model.name):
        raise UserError("study.quantised_parent", field=f"{field}.model.name", name=candidate.model.name)
    if isinstance(candidate.model, BaselineModel) and candidate.compress:
        raise UserError("study.quantised_parent", field=f"{field}.compress", name=candidate.name)
    if isinstance(candidate.model, SweepModel) and candidate.compress:
        raise UserError("study.quantised_parent", field=f"{field}.compress", name=candidate.name)


def _is_end_of_line(study: Study, name: str) -> bool:
    candidate = study.candidate(name)
    quantised = any(isinstance(step, Quantize) for step in candidate.compress)
    if quantised or isinstance(candidate.model, BaselineModel | PredictionsModel | SweepModel):
        return True
    return isinstance(candidate.model, CandidateModel) and _is_end_of_line(study, candidate.model.name)


def _check_teacher(study: Study, candidate: Candidate, field: str, base: Path) -> None:
    """A teacher that answers in text has no layers to give, and no logits over the classes."""
    training, named = study.training_of(candidate), study.teacher_of(candidate)
    layers = isinstance(candidate.model, TeacherLayers)
    if named is None or not (training.method == "distill" or layers):
        return
    teacher = study.candidate(named)
    remote = isinstance(teacher.model, EndpointModel) or llama_cpp_source(study, named) is not None
    if not (remote or (not study.task.writes and answers_in_text(study, teacher, base))):
        return
    needs = {
        "model.layers": layers,
        "train.stages": bool(training.stages),
        "train.hidden_weight": training.hidden_weight > 0.0,
        "train.dynamic": training.dynamic is not None,
        "train.technique": training.technique == "on_policy",
        "model.source": isinstance(candidate.model, SweepModel),
    }
    for part, given in needs.items():
        if given:
            raise UserError("study.teacher_in_text", field=f"{field}.{part}", name=named)


def needs_test_rows_of_its_own(data: Data) -> SplitPlan | None:
    """How rows are split: as the study says; by the defaults where one file has no split; null where none is needed."""
    if data.split is None and data.file is not None:
        return SplitPlan()
    return data.split
