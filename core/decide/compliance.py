"""Two plain rules about where data may go. A missing fact gives "unknown", and unknown never counts as pass.

ORG-ON-PREMISES: the criterion `on_premises` lets no request leave for a vendor. GDPR-28: personal data goes to a vendor
only under a data processing agreement (GDPR article 28(3)), the fact `contract.dpa`. A hybrid inherits the strictest
verdict of its two paths. The rules of `criteria.compliance.packs` are not evaluated in this version, and the decision
says so.
"""

from __future__ import annotations

from core.decide.outcome import GateResult, Message, message
from core.domain import Gate, Role
from core.i18n import listed
from core.spec import Api, Candidate, EndpointModel, Study

ON_PREMISES = "ORG-ON-PREMISES"
DATA_PROCESSING_AGREEMENT = "GDPR-28"
DPA_FACT = "contract.dpa"
PERSONAL = "personal"
_GDPR_PLACES = {"EU", "EEA", "UK", "GB"}
_EUROPEAN_UNION = {
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
    *("LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IS", "LI", "NO"),
}


def vendor_paths(study: Study, candidate: Candidate) -> list[str]:
    """The names of the models behind this candidate that a vendor serves: by an endpoint, or on a vendor's profile."""
    if candidate.role is Role.HYBRID:
        parts = [study.candidate(name) for name in (candidate.teacher, candidate.student) if name is not None]
        return [name for part in parts for name in vendor_paths(study, part)]
    vendor = isinstance(candidate.model, EndpointModel) or isinstance(study.profile_of(candidate), Api)
    return [candidate.name] if vendor else []


def compliance_gates(study: Study, candidate: Candidate) -> list[GateResult]:
    """The verdict of each rule that applies to this study, for one candidate."""
    criteria = study.criteria.compliance
    paths = vendor_paths(study, candidate)
    results = []
    if criteria.on_premises:
        results.append(_on_premises(candidate, paths))
    if PERSONAL in criteria.data_classes and _gdpr_applies(criteria.jurisdictions):
        results.append(_data_processing_agreement(study, candidate, paths))
    return results


def compliance_notes(study: Study) -> list[Message]:
    """What the decision must say about rule packs: that none was chosen, or that theirs were not evaluated."""
    packs = study.criteria.compliance.packs
    if not packs:
        return [message("decide.note.no_packs")]
    return [message("decide.note.packs_not_evaluated", packs=listed(packs))]


def open_questions(study: Study) -> list[Message]:
    """Facts whose answer decides a gate and which nobody has given."""
    asked = [
        gate.message
        for candidate in study.candidates
        for gate in compliance_gates(study, candidate)
        if gate.state == "unknown"
    ]
    return [message("decide.question.dpa", fact=DPA_FACT)] if asked else []


def _gdpr_applies(jurisdictions: list[str]) -> bool:
    """Where no jurisdiction is stated, the strict reading holds."""
    places = {place.upper() for place in jurisdictions}
    return not places or bool(places & (_GDPR_PLACES | _EUROPEAN_UNION))


def _on_premises(candidate: Candidate, paths: list[str]) -> GateResult:
    if not paths:
        text = message("decide.gate.on_premises.pass", candidate=candidate.name)
        return GateResult(Gate.COMPLIANCE, "pass", ON_PREMISES, text)
    text = message("decide.gate.on_premises.fail", candidate=candidate.name, path=listed(paths))
    return GateResult(Gate.COMPLIANCE, "fail", ON_PREMISES, text)


def _data_processing_agreement(study: Study, candidate: Candidate, paths: list[str]) -> GateResult:
    answer = study.criteria.compliance.facts.get(DPA_FACT)
    values = {"candidate": candidate.name, "path": listed(paths), "fact": DPA_FACT}
    if not paths:
        text = message("decide.gate.dpa.stays", candidate=candidate.name)
        return GateResult(Gate.COMPLIANCE, "pass", DATA_PROCESSING_AGREEMENT, text)
    if answer is True:
        return GateResult(Gate.COMPLIANCE, "pass", DATA_PROCESSING_AGREEMENT, message("decide.gate.dpa.pass", **values))
    if answer is False:
        return GateResult(Gate.COMPLIANCE, "fail", DATA_PROCESSING_AGREEMENT, message("decide.gate.dpa.fail", **values))
    return GateResult(
        Gate.COMPLIANCE, "unknown", DATA_PROCESSING_AGREEMENT, message("decide.gate.dpa.unknown", **values)
    )
