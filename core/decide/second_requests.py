"""Second requests for answers that failed their checks: which rows take one, and what it adds to time and machines.

One is made for an answer that is to stand. A router sends a request on before the student is asked, a cascade by the
confidence of the student's first answer, which a second one does not change: of what goes to the teacher nothing is
checked, and nothing asked again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.decide.latency import with_second_requests
from core.domain import FloatArray
from core.evidence import CandidateEvidence, ScoredRows, TestRows

MILLISECONDS = 1000.0


@dataclass(frozen=True, eq=False)
class SecondRequests:
    """Second requests of one model. `asked`, shape (rows,), is 1 where a test row's answer is asked for again, 0
    elsewhere; the share of all rows where only their number is known. `first` are the rows as they were answered before
    the checks, null where that is not known.

    `first_ms` are timed requests without second ones, null where nothing was timed. `second_ms` are the second ones:
    of each row, NaN where it has none or none was timed, or of all together where only their number is known.
    """

    asked: FloatArray
    first: ScoredRows | None
    first_ms: FloatArray | None
    second_ms: FloatArray
    measured_per_second: float | None

    @property
    def first_per_second(self) -> float | None:
        """First requests that one machine answers a second: as measured, else one after another."""
        if self.measured_per_second is not None or self.first_ms is None or float(self.first_ms.mean()) <= 0.0:
            return self.measured_per_second
        return MILLISECONDS / float(self.first_ms.mean())

    @property
    def seconds(self) -> FloatArray:
        """What the second requests of each row take of a machine, shape (rows,): as much as a first one by the measured
        throughput, else their own time, or the mean of the others where that is not known."""
        if self.measured_per_second is not None:
            return self.asked / self.measured_per_second
        known = np.isfinite(self.second_ms)
        usual = float(self.second_ms[known].mean()) if known.any() else 0.0
        own = np.where(known, self.second_ms, usual) if len(known) == len(self.asked) else usual
        return np.asarray(self.asked * own / MILLISECONDS)

    def share(self, standing: FloatArray) -> float:
        """The share of answers that are asked for again, of those that stand; `standing`, shape (rows,), is how much
        each row counts among these, 0 where the answer is another model's."""
        total = float(standing.sum())
        return float((standing * self.asked).sum()) / total if total > 0.0 else 0.0

    def whole_ms(self, standing: FloatArray) -> FloatArray | None:
        """Latency samples of the answers that stand, with their second requests; null where nothing was timed."""
        if self.first_ms is None:
            return None
        known = np.isfinite(self.second_ms)
        if len(self.second_ms) == len(standing):
            known &= standing > 0.0
        return with_second_requests(self.first_ms, self.share(standing), self.second_ms[known])


def second_requests(
    candidate: CandidateEvidence, test: TestRows, timed_ms: FloatArray | None, requests_per_second: float | None
) -> SecondRequests | None:
    """The second requests behind a candidate's answers, null where there are none. `timed_ms` and `requests_per_second`
    are of first requests, null where these were not measured."""
    found = candidate.checking
    if found is None or not found.re_asked:
        return None
    rows = len(test.example_ids)
    asked, second_ms = np.full(rows, found.re_asked / found.rows), np.array(found.second_ms, dtype=np.float64)
    if found.re_asked_rows:
        asked, second_ms = np.zeros(rows), np.full(rows, np.nan)
        place = {example_id: row for row, example_id in enumerate(test.example_ids)}
        for one in found.re_asked_rows:
            asked[place[one.example_id]] = 1.0
            second_ms[place[one.example_id]] = np.nan if one.milliseconds is None else one.milliseconds
    return SecondRequests(asked, candidate.first, timed_ms, second_ms, requests_per_second)
