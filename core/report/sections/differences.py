"""The test rows on which teacher and student differ most, with what each said.

They are rows of the user's data, so that a report has them only where they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.decide.outcome import message
from core.domain import RIGHT_FROM, FloatArray, Role
from core.evidence import ScoredRows, TestRows
from core.report import figures
from core.report.model import Block, Cell, Column, Paragraph, Section, Table
from core.report.sections.material import Material, words

MOST_ROWS = 20
MOST_CHARACTERS = 240


@dataclass(frozen=True, eq=False)
class _Side:
    """A candidate and its answers to the test rows, in their order."""

    name: str
    rows: ScoredRows

    @property
    def sureness(self) -> FloatArray:
        """How sure it was of each row; -1 where that is not known."""
        known = self.rows.confidence
        return np.full(len(self.rows.scores), -1.0) if known is None else np.nan_to_num(known, nan=-1.0)


def differences(material: Material) -> Section:
    """Up to `MOST_ROWS` rows, the widest difference of scores first; among equals the surest of the worse answers."""
    title = message("report.section.differences")
    pair = _pair(material)
    test = material.evidence.test
    if pair is None or test is None:
        return Section("differences", title, (Paragraph(message("report.differences.no_pair"), "muted"),))
    first, second = pair
    gap = np.abs(first.rows.scores - second.rows.scores)
    differing = np.flatnonzero(gap > 0)
    if not differing.size:
        rows = figures.count(len(gap))
        said = message("report.differences.none", rows=rows, teacher=first.name, student=second.name)
        return Section("differences", title, (Paragraph(said),))
    worse = np.where(first.rows.scores < second.rows.scores, first.sureness, second.sureness)[differing]
    chosen = differing[np.lexsort((differing, -worse, -gap[differing]))][:MOST_ROWS].tolist()
    said = message(
        "report.differences.counted",
        shown=len(chosen),
        count=len(differing),
        rows=figures.count(len(gap)),
        teacher=first.name,
        student=second.name,
    )
    return Section(
        "differences", title, (Paragraph(said), _table(test, first, second, chosen), *_cut(chosen, test, pair))
    )


def _table(test: TestRows, first: _Side, second: _Side, chosen: list[int]) -> Table:
    rows = tuple(
        (
            Cell(_short(test.inputs[row]), test.example_ids[row]),
            Cell(_short(test.targets[row]) or "–"),
            _answer(first, row),
            _answer(second, row),
        )
        for row in chosen
    )
    titles = (*words("input", "target"), Column(first.name), Column(second.name))
    return Table(message("report.table.differences"), titles, rows)


def _answer(side: _Side, row: int) -> Cell:
    """What was said, with what it is worth under it."""
    output, score = side.rows.outputs[row], float(side.rows.scores[row])
    right = score >= RIGHT_FROM
    code = ("right" if right else "wrong") if score in (0.0, 1.0) else "score"
    note = message(f"report.differences.{code}", score=figures.number(score))
    said = message("report.differences.unknown") if output is None else _short(output)
    return Cell(said, note, tone="plain" if right else "bad")


def _cut(chosen: list[int], test: TestRows, pair: tuple[_Side, _Side]) -> list[Block]:
    """How many of the texts shown are not whole."""
    texts = [
        text
        for row in chosen
        for text in (test.inputs[row], test.targets[row], *(side.rows.outputs[row] or "" for side in pair))
    ]
    count = sum(len(_one_line(text)) > MOST_CHARACTERS for text in texts)
    if not count:
        return []
    return [Paragraph(message("report.differences.cut", count=count, characters=MOST_CHARACTERS), "muted")]


def _pair(material: Material) -> tuple[_Side, _Side] | None:
    """The teacher and the student that the answer is about: a hybrid's two; or the chosen student, else the best one,
    with the teacher that quality is held against. Null where one of them is not measured."""
    decision, study = material.decision, material.evidence.study
    named = decision.candidate or decision.leading
    teacher, student = decision.reference, named if named != decision.reference else None
    if named is not None and study.candidate(named).role is Role.HYBRID:
        teacher, student = study.candidate(named).teacher, study.candidate(named).student
    student = student or _best_student(material)
    sides = [_side(material, name) for name in (teacher, student) if name is not None]
    known = [side for side in sides if side is not None]
    return (known[0], known[1]) if len(known) == 2 else None


def _best_student(material: Material) -> str | None:
    """The student with the highest quality; null where none is measured."""
    measured = [row for row in material.candidates if row["role"] == Role.STUDENT and row["quality"] is not None]
    known = [row for row in measured if row["quality"]["value"] is not None]
    return max(known, key=lambda row: row["quality"]["value"])["name"] if known else None


def _side(material: Material, name: str) -> _Side | None:
    entry = next(one for one in material.evidence.candidates if one.name == name)
    return None if entry.test is None else _Side(name, entry.test)


def _short(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS].rstrip()}…"


def _one_line(text: str) -> str:
    return " ".join(text.split())
