"""What jobs that check and score answers hand back."""

from __future__ import annotations

from typing import Literal

from core.jobs.results.base import ResultModel
from core.metrics.agreement import cohens_kappa


class CheckCount(ResultModel):
    """How many answers failed one check, and how many still do after the second request."""

    check: Literal["format", "citations", "groundedness"]
    failed: int
    remaining: int


class ReAskedRow(ResultModel):
    """A test row whose answer was asked for again, with the milliseconds of the second request, null where that was not
    timed."""

    example_id: str
    milliseconds: float | None = None


class CheckResult(ResultModel):
    """What the checks of a benchmark's answers found; they stand as they are afterwards in `predictions.jsonl` of the
    job's folder, and what was wrong in `checks.jsonl`.

    `rows` are the test rows with an answer: `failed` ones do not pass every check, `re_asked` ones were asked again,
    and `corrected` ones pass then, so that the second answer stands. Second requests are of all rows measured,
    `second_unanswered` those of them that got no answer which can be used, so that the first one stands; `second_ms`
    are the milliseconds of those of test rows. `re_asked_rows` names these rows, and is empty in results from before
    they were told. Scores are means over `rows`, before and after, null where a job of its own scores later.
    """

    rows: int
    failed: int
    re_asked: int
    corrected: int
    by_check: tuple[CheckCount, ...]
    second_requests: int = 0
    second_unanswered: int = 0
    second_input_tokens: int = 0
    second_output_tokens: int = 0
    second_ms: tuple[float, ...] = ()
    re_asked_rows: tuple[ReAskedRow, ...] = ()
    score_before: float | None = None
    score_after: float | None = None
    seconds: float


class VerdictCount(ResultModel):
    """How often a judge gave one verdict, by the word or number that it named."""

    verdict: str
    count: int


class ScoreCount(ResultModel):
    """How many rows got one score by a judge's verdicts."""

    score: float
    rows: int


class JudgeResult(ResultModel):
    """How the answers of a benchmark were scored; they stand with their scores in `predictions.jsonl` of the job's
    folder.

    `method`: `reference` and `pairwise` are a judge's, in both orders; `sentences` asks it about each sentence, and
    `words` asks nobody. `rows` were scored here; `given` have the score of their file, and `unanswered` have no answer
    and score 0. `disagreements` of `both_orders` rows got another verdict in the other order, whose means are
    `first_order` (the reference stands first) and `second_order`. Of `verdicts` so many are `unreadable`, and
    `unreadable_rows` have none at all and score 0. `bought` verdicts were asked for by this job, `kept` ones before;
    tokens are of both. `by_verdict` counts the verdicts, `by_score` the scores of rows that got one, the most frequent
    first. On `exact_rows` whose target is short the judge and an exact match say the same in `exact_agreements`: the
    match says yes to `exact_matches` of them, the judge (a score above one half, in a comparison one half too) to
    `exact_judged_right`. The last two are null, and the two lists empty, in results from before they were counted.
    """

    method: Literal["reference", "pairwise", "sentences", "words"]
    judge: str | None
    scale: int | None
    rows: int
    given: int
    unanswered: int
    both_orders: int = 0
    disagreements: int = 0
    first_order: float | None = None
    second_order: float | None = None
    verdicts: int = 0
    unreadable: int = 0
    unreadable_rows: int = 0
    bought: int = 0
    kept: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    exact_rows: int = 0
    exact_agreements: int = 0
    exact_matches: int | None = None
    exact_judged_right: int | None = None
    by_verdict: tuple[VerdictCount, ...] = ()
    by_score: tuple[ScoreCount, ...] = ()
    seconds: float

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa of the judge and the exact match; null where there is none."""
        if self.exact_matches is None or self.exact_judged_right is None:
            return None
        return cohens_kappa(self.exact_rows, self.exact_agreements, self.exact_judged_right, self.exact_matches)
