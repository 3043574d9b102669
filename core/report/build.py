"""The whole report: the answer first, then the evidence, then how it was made."""

from __future__ import annotations

from typing import Any

from core.decide.outcome import Decision, message
from core.evidence import StudyEvidence
from core.report.model import Report
from core.report.sections.answer import answer
from core.report.sections.candidates import candidates
from core.report.sections.change import change
from core.report.sections.criteria import assumptions, compliance, criteria
from core.report.sections.data import complexity, data
from core.report.sections.differences import differences
from core.report.sections.hybrid import hybrid
from core.report.sections.material import Material
from core.report.sections.method import environment, limits, method


def build_report(
    decision: Decision,
    evidence: StudyEvidence,
    results: dict[str, Any],
    recommendation: dict[str, Any],
    *,
    with_rows: bool = False,
) -> Report:
    """The report on one decision. Its figures come from the documents `results` and `recommendation`.

    `with_rows` adds the test rows on which teacher and student differ most: texts of the user's data.
    """
    material = Material(results, recommendation, decision, evidence)
    parts = (
        answer(material),
        candidates(material),
        hybrid(material),
        differences(material) if with_rows else None,
        change(material),
        complexity(material),
        data(material),
        criteria(material),
        compliance(material),
        assumptions(material),
        method(material),
        limits(material),
        environment(material),
    )
    dated = "report.subtitle" if decision.decided_on is not None else "report.subtitle_undated"
    on = "" if decision.decided_on is None else decision.decided_on.isoformat()
    return Report(
        title=decision.study,
        subtitle=message(dated, date=on),
        sections=tuple(part for part in parts if part is not None),
        footer=message("report.footer"),
    )
