"""What a section is made from, and the cells that several sections use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.decide.outcome import Decision, Message, message
from core.domain import Role
from core.evidence import StudyEvidence
from core.report import figures
from core.report.model import Cell, Column, Phrase, not_measured


@dataclass(frozen=True, eq=False)
class Material:
    """The two documents that the report must agree with, and what they were made from."""

    results: dict[str, Any]
    recommendation: dict[str, Any]
    decision: Decision
    evidence: StudyEvidence

    @property
    def currency(self) -> str:
        """The currency of every amount."""
        return self.decision.currency

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """The candidates' rows of the results document, in study order."""
        rows: list[dict[str, Any]] = self.results["candidates"]
        return rows

    @property
    def policies(self) -> list[dict[str, Any]]:
        """The policies' rows of the results document."""
        rows: list[dict[str, Any]] = self.results["policies"]
        return rows

    def row(self, name: str) -> dict[str, Any]:
        """One candidate's row of the results document. Raises KeyError."""
        for row in self.candidates:
            if row["name"] == name:
                return row
        raise KeyError(name)

    def money(self, value: float) -> str:
        """An amount in the study's currency."""
        return figures.money(value, self.currency)

    def amount(self, value: float, unit: str) -> Phrase:
        """A stated figure with its unit in words: money with its currency's sign, shares as per cent."""
        kind, _, per = unit.partition("/")
        if kind == self.currency:
            amount = figures.money(value, self.currency)
            return message(f"report.amount.{per}", amount=amount) if per else amount
        if unit == "share":
            return figures.percent(value)
        if unit == "ms":
            return figures.milliseconds(value)
        if unit == "ratio":
            return figures.number(value)
        return message(f"report.amount.{kind}", amount=figures.number(value))

    def role_of(self, name: str) -> Role | None:
        """The role of a candidate, null for a name that is none."""
        return next((Role(row["role"]) for row in self.candidates if row["name"] == name), None)


def figure(value: float | None, form: Callable[[float], str], note: Phrase | None = None) -> Cell:
    """A figure in its format, or "not measured"."""
    return not_measured() if value is None else Cell(form(value), note)


def bounded(value: float | None, low: float | None, high: float | None, form: Callable[[float], str]) -> Cell:
    """A figure with its interval under it."""
    ends = None if low is None or high is None else figures.interval(form(low), form(high))
    return figure(value, form, ends)


def slice_name(column: str, value: str) -> Cell:
    """The cell that names a slice; of rows whose cell is empty it says so."""
    return Cell(f"{column}: {value}" if value else message("report.slices.empty", column=column))


def named(material: Material, name: str, note: Phrase | None = None) -> Cell:
    """A candidate's name with its role's symbol."""
    return Cell(name, note, role=material.role_of(name))


def words(*titles: str) -> tuple[Column, ...]:
    """Columns of words, titled by `report.column.…`."""
    return tuple(Column(message(f"report.column.{title}")) for title in titles)


def numbers(*titles: str) -> tuple[Column, ...]:
    """Columns of figures, titled by `report.column.…`."""
    return tuple(Column(message(f"report.column.{title}"), numeric=True) for title in titles)


def yes_or_no(value: bool) -> Message:
    """The word for a truth."""
    return message("report.yes" if value else "report.no")
