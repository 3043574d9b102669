"""How a candidate is made, in words."""

from __future__ import annotations

from core.domain import Role
from core.i18n import listed
from core.spec import (
    BaselineModel,
    Candidate,
    CandidateModel,
    EndpointModel,
    GgufModel,
    HubModel,
    LayerChoice,
    LocalModel,
    PredictionsModel,
    Prune,
    Quantize,
    SampleModel,
    Study,
    SweepModel,
    TeacherLayers,
    Train,
    TrimVocabulary,
    runs_under_llama_cpp,
)
from gui.i18n import Translator


def candidate_text(translator: Translator, study: Study, candidate: Candidate) -> str:
    """How a candidate is made, in words: `2 layers of teacher, distilled over 10 epochs, 8-bit weights`."""
    tr = translator.tr
    if candidate.role is Role.HYBRID:
        return tr("gui.candidate.hybrid", teacher=candidate.teacher, student=candidate.student)
    parts = [_model_text(translator, study, candidate) or tr("gui.candidate.unnamed_model")]
    if runs_under_llama_cpp(candidate.model):
        parts.append(tr("gui.candidate.llama_cpp"))
    training = study.training_of(candidate)
    if training.method != "none" and not isinstance(candidate.model, BaselineModel):
        parts += _training_texts(translator, study, candidate, training)
    parts += [_step_text(translator, step) for step in candidate.compress]
    if candidate.retrieval:
        parts.append(tr("gui.candidate.retrieval"))
    return tr("gui.list_separator").join(parts)


def _training_texts(translator: Translator, study: Study, candidate: Candidate, training: Train) -> list[str]:
    tr = translator.tr
    parts = [
        tr(f"gui.candidate.stage.{_layers(stage.layers)[0]}", **_layers(stage.layers)[1]) for stage in training.stages
    ]
    parts.append(tr(f"gui.candidate.{training.method}", count=training.epochs))
    if training.method == "distill" and not isinstance(candidate.model, TeacherLayers | SweepModel):
        parts[-1] = tr("gui.candidate.taught", what=parts[-1], teacher=study.teacher_of(candidate) or "–")
    if training.technique != "auto":
        parts.append(tr(f"gui.candidate.technique.{training.technique}"))
    if training.hidden_weight > 0.0:
        parts.append(tr("gui.candidate.hidden"))
    if training.lora is not None:
        parts.append(tr("gui.candidate.lora", rank=training.lora.rank))
    if training.reasoning == "keep":
        parts.append(tr("gui.candidate.reasoning"))
    if training.dynamic is not None:
        parts.append(tr("gui.candidate.dynamic", file=training.dynamic.stream))
    if training.seeds is not None:
        parts.append(tr("gui.candidate.seeds", count=len(training.seeds)))
    if training.hard_label_baseline:
        parts.append(tr("gui.candidate.hard_label_baseline"))
    return parts


def _step_text(translator: Translator, step: Prune | TrimVocabulary | Quantize) -> str:
    match step:
        case Quantize():
            return translator.tr(f"gui.candidate.{step.quantize}")
        case Prune():
            share = translator.formats.percent(step.prune)
            if step.rungs is None:
                return translator.tr("gui.candidate.prune", share=share)
            return translator.tr("gui.candidate.prune_rungs", share=share, count=step.rungs)
        case TrimVocabulary():
            return translator.tr("gui.candidate.trim")


def _model_text(translator: Translator, study: Study, candidate: Candidate) -> str:
    tr, model = translator.tr, candidate.model
    match model:
        case HubModel() | SampleModel():
            return model.id
        case LocalModel():
            return model.path
        case GgufModel() | PredictionsModel():
            return tr(f"gui.candidate.{model.source}", file=model.file)
        case EndpointModel():
            return tr("gui.candidate.endpoint", model=model.model, address=model.base_url)
        case BaselineModel():
            return _floor_text(translator, study, candidate, model)
        case TeacherLayers():
            return _layers_text(translator, model, study.teacher_of(candidate) or "–")
        case SweepModel():
            return tr("gui.candidate.sweep", count=model.trials, teacher=study.teacher_of(candidate) or "–")
        case CandidateModel():
            return tr("gui.candidate.from", name=model.name)
    return ""


def _floor_text(translator: Translator, study: Study, candidate: Candidate, model: BaselineModel) -> str:
    kind = translator.tr(f"gui.candidate.floor.{model.kind}")
    if study.training_of(candidate).method != "distill":
        return kind
    return translator.tr("gui.candidate.taught", what=kind, teacher=study.teacher_of(candidate) or "–")


def _layers_text(translator: Translator, model: TeacherLayers, teacher: str) -> str:
    tr = translator.tr
    code, values = _layers(model.layers)
    parts = [tr(f"gui.candidate.layers.{code}", teacher=teacher, **values)]
    if model.chosen_by == "influence":
        parts.append(tr("gui.candidate.by_influence"))
    if model.feed_forward is not None:
        parts.append(tr("gui.candidate.feed_forward", count=model.feed_forward))
    if model.heads is not None:
        parts.append(tr("gui.candidate.heads", count=model.heads))
    if model.trim_vocabulary:
        parts.append(tr("gui.candidate.trim_first"))
    return tr("gui.list_separator").join(parts)


def _layers(layers: LayerChoice) -> tuple[str, dict[str, str | int]]:
    """Whether layers are counted or listed, and the values of the sentence."""
    if isinstance(layers, int):
        return "count", {"count": layers}
    return "named", {"layers": listed(str(layer) for layer in layers)}
