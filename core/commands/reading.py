"""`tercet recommend`: a question to a study file, which it never changes; and the evidence that others read."""

from __future__ import annotations

from pathlib import Path

from core.commands import console
from core.decide import decide
from core.decide.documents import recommendation_document
from core.decide.outcome import Decision
from core.decide.overrides import apply_overrides
from core.errors import UserError
from core.evidence import StudyEvidence
from core.i18n import english
from core.store import StudyStore


def read_evidence(path: Path) -> StudyEvidence:
    """All that a study file holds. Raises UserError for a file that is no study of ours."""
    with StudyStore.open(path, write=False) as store:
        return store.evidence()


def show_recommendation(path: Path, settings: list[str], *, as_json: bool) -> None:
    """Decide again on the stored rows, with criteria or prices changed by `settings`, and print the answer."""
    evidence = read_evidence(path)
    decision = decide_with(evidence, settings)
    if as_json:
        console.print_json(recommendation_document(decision))
        return
    print_decision(decision)


def decide_with(evidence: StudyEvidence, settings: list[str]) -> Decision:
    """The decision on `evidence`, with criteria or prices changed by `path=value` settings. Raises UserError."""
    if all(candidate.benchmark is None for candidate in evidence.candidates):
        raise UserError("cli.no_recommendation")
    return decide(evidence, apply_overrides(evidence.study, settings) if settings else None)


def print_decision(decision: Decision) -> None:
    """The answer in words: choice, reasons, what is excluded and by which rule, what is not measured, and the notes."""
    document = recommendation_document(decision)
    name = document["candidate"]
    console.say(english("cli.choice", choice=document["choice"]) + (f" ({name})" if name else ""))
    for reason in document["reasons"]:
        console.say(f"  - {reason['text']}")
    for excluded in document["excluded"]:
        console.say(english("cli.excluded", name=excluded["candidate"], gate=excluded["gate"]) + excluded["text"])
    if document["not_measured"]:
        console.say("  ! " + english("report.answer.not_measured", names=", ".join(document["not_measured"])))
    for note in document["notes"]:
        console.say(f"  ! {note['text']}")
