"""Checks across the parts of a study: names, references, circles, and what belongs together."""

from __future__ import annotations

from collections.abc import Iterator

from core.domain import Role
from core.errors import UserError
from core.i18n import listed
from core.spec import Candidate, CandidateModel, EndpointModel, PredictionsModel, Study, TeacherLayers
from core.spec.secrets import has_odd_port, writes_password, writes_secret


def check_study(study: Study) -> None:
    """Raises UserError naming the first field that does not fit the others."""
    check_secrets(study)
    _check_names(study)
    for index, candidate in enumerate(study.candidates):
        _check_references(study, candidate, f"candidates[{index}]")
    _check_circles(study)
    _check_data(study)
    _check_judge(study)


def endpoints_of(study: Study) -> Iterator[tuple[str, EndpointModel]]:
    """Field and model of each endpoint that the study names: the candidates' and the judge's."""
    for index, candidate in enumerate(study.candidates):
        if isinstance(candidate.model, EndpointModel):
            yield f"candidates[{index}].model", candidate.model
    judge = None if study.task.judge is None else study.task.judge.model
    if isinstance(judge, EndpointModel):
        yield "task.judge.model", judge


def check_secrets(study: Study) -> None:
    """Raises UserError for an address with a password or a header with a key, which every file of the study would hold
    in plain text; also for one that is being typed, which is stored as it grows."""
    for field, model in endpoints_of(study):
        if writes_password(model.proxy):
            raise UserError("study.proxy_password", field=f"{field}.proxy")
        if has_odd_port(model.proxy):
            raise UserError("study.proxy_port", field=f"{field}.proxy")
        if writes_password(model.base_url):
            raise UserError("study.address_password", field=f"{field}.base_url")
        for name, value in model.headers.items():
            if writes_secret(name, value):
                raise UserError("study.header_secret", field=f"{field}.headers", name=name)


def _check_names(study: Study) -> None:
    seen: set[str] = set()
    for candidate in study.candidates:
        if candidate.name in seen:
            raise UserError("study.name_twice", name=candidate.name)
        seen.add(candidate.name)


def _references(study: Study, candidate: Candidate) -> Iterator[tuple[str, str]]:
    """Field and name of each other candidate that this one needs."""
    if candidate.role is Role.HYBRID:
        yield "teacher", candidate.teacher or ""
        yield "student", candidate.student or ""
        return
    training = study.training_of(candidate)
    if isinstance(candidate.model, CandidateModel):
        yield "model.name", candidate.model.name
    # Named, it may also lend its token embeddings to a floor, or teach the recovery after pruning.
    named = candidate.train is not None and candidate.train.teacher is not None
    if named or training.method == "distill" or isinstance(candidate.model, TeacherLayers):
        teacher = study.teacher_of(candidate)
        if teacher is not None:
            yield "train.teacher", teacher


def _check_references(study: Study, candidate: Candidate, field: str) -> None:
    names = {other.name: other for other in study.candidates}
    for part, name in _references(study, candidate):
        if name not in names:
            raise UserError("study.candidate_unknown", field=f"{field}.{part}", name=name, names=listed(names))
        if names[name].role is Role.HYBRID:
            raise UserError("study.hybrid_as_part", field=f"{field}.{part}", name=name)
        if part == "train.teacher" and isinstance(names[name].model, PredictionsModel):
            raise UserError("study.teacher_without_weights", field=f"{field}.{part}", name=name)
    if candidate.role is Role.HYBRID:
        if candidate.teacher == candidate.student:
            raise UserError("study.hybrid_of_one", field=field, name=candidate.teacher)
        return
    if candidate.retrieval and study.retrieval is None:
        raise UserError("study.retrieval_missing", field=f"{field}.retrieval")
    _check_own_parts(study, candidate, field)


def _check_own_parts(study: Study, candidate: Candidate, field: str) -> None:
    training = study.training_of(candidate)
    _check_profile(study, candidate, f"{field}.profile")
    if training.weighted and study.data.columns.weight is None:
        raise UserError("study.weighted_without_column", field=f"{field}.train.weighted")
    needs_teacher = training.method == "distill" or isinstance(candidate.model, TeacherLayers)
    if needs_teacher and study.teacher_of(candidate) is None:
        raise UserError("study.teacher_missing", field=f"{field}.train.teacher")
    if isinstance(candidate.model, TeacherLayers) and training.method == "none":
        raise UserError("study.layers_untrained", field=f"{field}.train.method")
    if isinstance(candidate.model, PredictionsModel) and (training.method != "none" or candidate.compress):
        raise UserError("study.predictions_trained", field=field)


def _check_profile(study: Study, candidate: Candidate, field: str) -> None:
    names = listed(study.profiles)
    if candidate.profile is None and len(study.profiles) != 1:
        raise UserError("study.profile_unnamed", field=field, names=names)
    if candidate.profile is not None and candidate.profile not in study.profiles:
        raise UserError("study.profile_unknown", field=field, name=candidate.profile, names=names)


def _check_circles(study: Study) -> None:
    """Depth-first search over the references between candidates."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = [*path[path.index(name) :], name]
            raise UserError("study.candidate_circle", circle=" → ".join(circle))
        if name in done:
            return
        for _, other in _references(study, study.candidate(name)):
            visit(other, (*path, name))
        done.add(name)

    for candidate in study.candidates:
        visit(candidate.name, ())


def _check_data(study: Study) -> None:
    imported = [isinstance(candidate.model, PredictionsModel) for candidate in study.candidates]
    if study.data.columns.document is not None and study.retrieval is None:
        raise UserError("study.document_unused", field="data.columns.document")
    given = study.data.file is not None or study.data.files is not None
    own = [
        candidate
        for candidate, is_imported in zip(study.candidates, imported, strict=True)
        if not is_imported and candidate.role is not Role.HYBRID
    ]
    if not given and (own or not any(imported)):
        raise UserError("study.data_missing")
    files = study.data.files
    if files is None or files.train is not None:
        return
    if any(study.training_of(candidate).method != "none" or study.prunes(candidate) for candidate in own):
        raise UserError("study.train_file_missing")
    if files.calibration is None and any(candidate.compress for candidate in own):
        raise UserError("study.compared_file_missing")


def _check_judge(study: Study) -> None:
    """What its verdicts cost must be known before they are bought."""
    if study.task.judge is None:
        return
    profile = study.judge_profile()
    if profile is None or profile not in study.profiles:
        raise UserError("study.judge_profile", field="task.judge.profile", names=listed(study.profiles))
