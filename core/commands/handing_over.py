"""`tercet export`: a candidate's model, written for use elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.data.examples import FILE_NAME, read_examples
from core.domain import Split
from core.errors import UserError
from core.i18n import english
from core.jobs.folder import read_spec
from core.lazy import load
from core.paths import artefacts_of, job_folder
from core.spec import (
    BaselineModel,
    Candidate,
    EndpointModel,
    GgufModel,
    HubModel,
    LocalModel,
    PredictionsModel,
    SampleModel,
)
from core.store import StudyStore

EXPORT_FORMATS = ("safetensors", "onnx", "gguf")
PRECISIONS = ("f16", "f32")
# Of the rows that a study holds out, enough to tell 99 % from 98 %.
_CHECKED_ROWS = 128


def export(path: Path, candidate_name: str, format_name: str, out: Path, precision: str = "f16") -> list[Path]:
    """Write a candidate's model in a format that other tools read; the files. Raises UserError.

    It is checked on inputs that the study did not train on. `precision` is of a GGUF file's matrices.
    """
    if format_name not in EXPORT_FORMATS:
        raise UserError("cli.format_unknown", name=format_name, allowed=", ".join(EXPORT_FORMATS))
    if precision not in PRECISIONS:
        raise UserError("cli.precision_unknown", name=precision, allowed=", ".join(PRECISIONS))
    with StudyStore.open(path, write=False) as store:
        names = {candidate.name: candidate for candidate in store.study().candidates}
        if candidate_name not in names:
            raise UserError("cli.candidate_unknown", name=candidate_name, names=", ".join(names))
        folder, data = _model_folder(store, names[candidate_name])
    inputs = _held_out_inputs(data)
    with _gone_if_refused(out):
        engine = load("core.engines.compress.export")
        return list(engine.export(folder, format_name, output_folder(out), inputs, precision))


def _held_out_inputs(data: Path) -> list[str]:
    """Inputs of rows that nothing was trained on, evenly spread; none where the prepared data are gone."""
    if not (data / FILE_NAME).is_file():
        return []
    inputs = [example.input for example in read_examples(data) if example.split is not Split.TRAIN]
    return inputs[:: max(1, -(-len(inputs) // _CHECKED_ROWS))]


def _model_folder(store: StudyStore, candidate: Candidate) -> tuple[Path, Path]:
    """The folder `model/` of the job whose model the candidate's benchmark measured, and that of the prepared data."""
    model = candidate.model
    if model is None or isinstance(model, PredictionsModel | BaselineModel):
        kind = "hybrid" if model is None else model.source
        raise UserError("cli.no_weights", name=candidate.name, reason=english(f"cli.no_weights.{kind}"))
    parts = store.candidate_jobs().get(candidate.name, {})
    done = {row.job_id for row in store.jobs() if row.progress >= 1.0}
    benchmark = parts.get("benchmark")
    if benchmark is None or benchmark not in done:
        raise UserError("job.not_done", name=candidate.name)
    inputs = read_spec(job_folder(artefacts_of(store.path), benchmark)).inputs
    maker = inputs.get("model")
    if maker is None:
        ready = isinstance(model, HubModel | LocalModel | SampleModel | GgufModel)
        elsewhere = "endpoint" if isinstance(model, EndpointModel) else "predictions"
        reason = english(f"cli.no_weights.{'ready' if ready else elsewhere}")
        raise UserError("cli.no_weights", name=candidate.name, reason=reason)
    artefacts = artefacts_of(store.path)
    return job_folder(artefacts, maker) / "model", job_folder(artefacts, inputs["data"])


@contextmanager
def _gone_if_refused(out: Path) -> Iterator[None]:
    """What happens here leaves no empty folder `out`, nor one above it, where it ends in an error and made them."""
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        yield
    except BaseException:
        for folder in missing:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def output_folder(out: Path) -> Path:
    """The folder `out`, made where it was missing. Raises UserError where it is a file or cannot be made."""
    if out.exists() and not out.is_dir():
        raise UserError("cli.out_not_folder", path=str(out))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("cli.unwritable", path=str(out), reason=error.strerror or "") from error
    return out
