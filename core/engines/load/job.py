"""The handler of a load job: closed loop up to the saturation point, then open loop."""

from __future__ import annotations

from core.data.examples import read_examples
from core.domain import Split
from core.engines.load.causes import check_usable
from core.engines.load.kept_levels import drop_levels
from core.engines.load.local import load_local
from core.engines.load.remote import load_endpoint
from core.errors import UserError
from core.i18n import Value, english
from core.jobs.results import LoadResult, LoadStep
from core.jobs.specs import LoadParameters
from core.spec import EndpointModel
from core.worker.context import JobContext


def run(parameters: LoadParameters, context: JobContext) -> LoadResult:
    """Test a candidate with its test rows. Raises Stopped, and UserError where no level has figures too."""
    examples = read_examples(context.input_folder("data"))
    if not any(example.split is Split.TEST for example in examples):
        raise UserError("benchmark.no_rows")
    if isinstance(parameters.loadable, EndpointModel):
        found = load_endpoint(parameters.loadable, parameters, examples, context)
    else:
        found = load_local(parameters, examples, context)
    for step in found.steps:
        context.log(_line(step), "warning" if step.failed else "info")
        if step.noisy and step.foreign_share is not None:
            context.log(english("benchmark.log.busy", foreign=f"{step.foreign_share:.0%}"), "warning")
    try:
        check_usable(found.steps)
    except UserError:
        # The sentence says to run it again, and so it must be asked again.
        drop_levels(context.folder)
        raise
    return found


def _line(step: LoadStep) -> str:
    values: dict[str, Value] = {
        "rate": f"{step.requests_per_second:.3g}",
        "clients": step.concurrency,
        "failed": step.failed,
        "count": len(step.latency_ms),
    }
    if step.rate is None:
        return english("load.log.closed", **values)
    return english("load.log.open", arriving=f"{step.rate:.3g}", cut_off=len(step.cut_off_ms), **values)
