"""What a model's own files say that it cannot do, told before any job."""

from __future__ import annotations

from pathlib import Path

from core.errors import UserError
from core.jobs.model_sources import answers_in_text, source_model
from core.jobs.search_checks import IN_TEXT
from core.jobs.shape_checks import config_of, path_of
from core.model_files import check_model_folder, is_language_model_folder, is_onnx_folder, matrix_names
from core.spec import Candidate, LocalModel, Model, Study, SweepModel, TeacherLayers, Train
from core.study_file import resolve_path

# Families whose models read both ways, by transformers' `model_type`.
_ENCODERS = frozenset(
    {
        "albert",
        "bert",
        "camembert",
        "deberta",
        "deberta-v2",
        "distilbert",
        "electra",
        "modernbert",
        "mpnet",
        "nomic_bert",
        "roberta",
        "xlm-roberta",
    }
)
# Parts of the names that transformers' families give the layers of a head over classes.
_HEADS = ("classif", "score")


def check_model_fits(study: Study, candidate: Candidate, field: str, base: Path) -> None:
    """Raises UserError where a candidate's own folder holds an encoder that is to write, or its teacher's one that is
    to say classes and has learnt none.

    A model of the hub, whose files are not here yet, and files that do not say are left to the job that opens them.
    """
    if study.task.writes:
        path, family = _encoder(candidate, base)
        if path is not None:
            raise UserError("study.encoder_writes", field=f"{field}.model", path=str(path), family=family)
        return
    named = study.teacher_of(candidate) if study.training_of(candidate).method == "distill" else None
    teacher = None if named is None else study.candidate(named)
    if teacher is None or study.training_of(teacher).method != "none" or answers_in_text(study, teacher, base):
        return
    path, _ = _encoder(teacher, base)
    if path is not None and not _has_head(path):
        raise UserError("model.folder.no_classifier", path=str(path))


def check_weights(study: Study, candidate: Candidate, field: str, base: Path) -> None:
    """Raises UserError where the weights of an ONNX model would be trained, cut or looked into: it answers, and teaches
    by its answers."""
    model, training = candidate.model, study.training_of(candidate)
    taken = source_model(study, candidate) if training.method != "none" or candidate.compress else None
    named = study.teacher_of(candidate)
    teacher = None if named is None else source_model(study, study.candidate(named))
    if isinstance(model, TeacherLayers | SweepModel):
        taken = teacher
    if (path := _onnx_folder(taken, base)) is not None:
        raise UserError("study.onnx_only_answers", field=f"{field}.model", path=path)
    option = _read_of_teacher(study, training)
    if option is not None and (path := _onnx_folder(teacher, base)) is not None:
        raise UserError("study.onnx_teacher", field=f"{field}.train.{option}", path=path, name=named)


def _onnx_folder(model: Model | None, base: Path) -> str | None:
    if isinstance(model, LocalModel) and is_onnx_folder(resolve_path(base, model.path)):
        return model.path
    return None


def _read_of_teacher(study: Study, training: Train) -> str | None:
    """The option that wants more of a teacher than the answers of an ONNX model; null where there is none.

    Of a language model these are texts: ONNX Runtime's decoder goes from token to token.
    """
    if training.method != "distill":
        return None
    dynamic = training.dynamic
    wanted = {
        "hidden_weight": training.hidden_weight > 0.0,
        "stages": bool(training.stages),
        "dynamic.refresh_teacher": dynamic is not None and dynamic.refresh_teacher,
        "technique": study.task.writes and training.technique not in IN_TEXT and training.alpha > 0.0,
    }
    return next((option for option, given in wanted.items() if given), None)


def _encoder(candidate: Candidate, base: Path) -> tuple[Path | None, str]:
    """The folder and family of a candidate's own encoder; no folder where it has none on this disk, or one whose
    config says that it writes."""
    path = path_of(candidate.model, base)
    if path is None or not path.is_dir() or is_onnx_folder(path) or is_language_model_folder(path):
        return None, ""
    family = str(config_of(path).get("model_type"))
    return (path if family in _ENCODERS else None), family


def _has_head(path: Path) -> bool:
    check_model_folder(path)
    return any(part in name for name in matrix_names(path) for part in _HEADS)
