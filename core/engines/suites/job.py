"""The handler of a suite job: one task of lm-eval, asked of one candidate."""

from __future__ import annotations

import difflib
import time
import traceback
from collections.abc import Iterator
from typing import Any

from core.data.fingerprint import folder_sha256
from core.engines.language.answer_store import answers_folder
from core.engines.models.weights import resolve
from core.engines.suites.endpoint_model import EndpointAnswering, endpoint_model
from core.engines.suites.progress import RequestCount, count_requests
from core.engines.suites.reading import metrics_of
from core.errors import UserError
from core.jobs.results import SuiteResult
from core.jobs.specs import SuiteParameters
from core.lazy import load
from core.spec import EndpointModel
from core.worker.context import JobContext, Stopped

_SEED = 1234
# What a data set that cannot be fetched says for itself, by the library that says it.
_NETWORK_LIBRARIES = ("datasets", "huggingface_hub", "httpx", "httpcore", "requests", "urllib3", "aiohttp", "fsspec")


def run(parameters: SuiteParameters, context: JobContext) -> SuiteResult:
    """The figures of the task. Raises Stopped, and UserError where lm-eval does not know the task, its data cannot be
    fetched, or it cannot be run."""
    begun = time.monotonic()
    manager = _task_manager(parameters)
    model, device = _model(parameters, context)
    context.started(device)
    context.progress("phase.suite_data", 0, 1)
    results = _evaluated(parameters, model, manager)
    metrics = metrics_of(results)
    if not metrics:
        raise UserError("suites.nothing_measured", task=parameters.task)
    context.progress("phase.suite", 1, 1)
    return SuiteResult(
        task=parameters.task,
        metrics=metrics,
        limit=parameters.limit,
        library=parameters.library,
        device=device,
        seconds=time.monotonic() - begun,
    )


def _task_manager(parameters: SuiteParameters) -> Any:
    """lm-eval's index of tasks, the user's own among them. Raises UserError for a task that is in none."""
    own = parameters.include
    if own is not None and folder_sha256(own.path) != own.sha256:
        raise UserError("data.file.changed", path=own.path)
    try:
        manager = load("lm_eval.tasks").TaskManager(include_path=None if own is None else own.path)
        known = [str(name) for name in manager.all_tasks]
    except (UserError, Stopped):
        raise
    except Exception as error:  # whatever a task file of the user's own makes it say
        raise _told(parameters.task, error) from error
    if parameters.task not in known:
        near = difflib.get_close_matches(parameters.task, known, n=3)
        values = {"task": parameters.task, "near": ", ".join(near) or "–"}
        if own is not None:  # lm-eval passes over files that it cannot read
            raise UserError("suites.own_task_unknown", path=own.path, **values)
        raise UserError("suites.task_unknown", **values)
    return manager


def _model(parameters: SuiteParameters, context: JobContext) -> tuple[Any, str]:
    def stop_when_asked() -> None:
        if context.should_stop():
            raise Stopped

    def tell(done: int, total: int) -> None:
        context.progress("phase.suite", done, total)

    loadable = parameters.loadable
    if isinstance(loadable, EndpointModel):
        answering = EndpointAnswering(
            loadable,
            answers_folder(context.folder),
            context.spec.job_id,
            lambda text: context.log(text, "warning"),
            context.should_stop,
            RequestCount(tell),
            parameters.price,
        )
        return endpoint_model(answering), f"{loadable.model} @ {loadable.base_url}"
    source = context.input_folder("model") / "model" if loadable is None else resolve(loadable, parameters.model_sha256)
    model, device = load("core.engines.suites.local_model").local_model(source, stop_when_asked)
    count_requests(model, tell)
    return model, str(device)


def _evaluated(parameters: SuiteParameters, model: Any, manager: Any) -> dict[str, Any]:
    """lm-eval's result document. What it raises is its tasks' and the network's, so it is told and not reported."""
    try:
        results: dict[str, Any] | None = load("lm_eval").simple_evaluate(
            model=model,
            tasks=[parameters.task],
            num_fewshot=parameters.num_fewshot,
            limit=parameters.limit,
            apply_chat_template=parameters.chat_template,
            task_manager=manager,
            log_samples=False,
            random_seed=0,
            numpy_random_seed=_SEED,
            torch_random_seed=_SEED,
            fewshot_random_seed=_SEED,
        )
    except (UserError, Stopped, MemoryError):
        raise
    except Exception as error:  # lm-eval, its tasks and the data sets share no base
        raise _told(parameters.task, error) from error
    return results or {}


def _told(task: str, error: Exception) -> UserError:
    """The one sentence for what lm-eval raised; the whole of it stands in the worker's log."""
    traceback.print_exc()
    if isinstance(error, ModuleNotFoundError):
        return UserError("suites.library_missing", task=task, library=error.name or str(error))
    for one in _chain(error):
        module = type(one).__module__.partition(".")[0]
        if isinstance(one, ConnectionError | TimeoutError) or module in _NETWORK_LIBRARIES:
            return UserError("suites.data_unreachable", task=task)
    problem = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return UserError("suites.failed", task=task, problem=problem)


def _chain(error: BaseException) -> Iterator[BaseException]:
    here: BaseException | None = error
    while here is not None:
        yield here
        here = here.__cause__ or here.__context__
