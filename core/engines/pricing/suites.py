"""Requests of a task of lm-eval, whose rows are known to lm-eval alone: bounded by the limit that the study sets."""

from __future__ import annotations

from pathlib import Path

from core.engines.language.answer_store import known_answers
from core.engines.language.token_guess import filler
from core.engines.pricing.asking import Asking, Bound, asked_of
from core.engines.suites.endpoint_model import MOST_TOKENS
from core.jobs.specs import SuiteParameters
from core.spec import EndpointModel

# A row of a usual task, question and answer together; and how many answered ones usual tasks show before it.
_ROW_TOKENS = 250
_USUAL_SHOTS = 5


def suite_asking(parameters: SuiteParameters, answers: Path) -> Asking | None:
    """What a suite job will ask an endpoint, whose answers lie in the folder `answers`; null for another model.

    Without a limit nothing bounds its rows.
    """
    model = parameters.loadable
    if not isinstance(model, EndpointModel):
        return None
    rows = parameters.limit or 0
    shots = _USUAL_SHOTS if parameters.num_fewshot is None else parameters.num_fewshot
    if parameters.limit is None:
        bound = Bound("cli.dry_run.bound.suite_unknown", {"task": parameters.task}, counted=False)
    else:
        tokens = _ROW_TOKENS * (1 + shots)
        bound = Bound("cli.dry_run.bound.suite", {"rows": rows, "tokens": tokens, "limit": MOST_TOKENS})
    asked = asked_of(model, MOST_TOKENS)
    message = filler(_ROW_TOKENS * (1 + shots))
    return Asking(
        model, (message,), (asked.key(message),), MOST_TOKENS, False, known_answers(answers, asked), rows, bound
    )
