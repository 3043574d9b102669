"""A decision as rows of cells: what stands in the tabs of the Decide page and in the report's preview."""

from __future__ import annotations

import math
from collections.abc import Mapping

from core.decide.assumptions import words_for
from core.decide.outcome import BreakEven, CandidateDecision, Decision, Flip, GateResult, Interval, Message
from core.decide.rule_words import rule_in_words
from core.domain import Choice, Gate, Role
from core.i18n import Value
from gui.formatting import Formats
from gui.i18n import Translator
from gui.models.table import Cell

DASH = "–"
STATES = {"pass": "good", "fail": "bad", "unknown": "warn"}
MARKS = {"pass": "✓", "fail": "✗", "unknown": "?"}
_CHOICE_TOKENS = {Choice.TEACHER: "teacher", Choice.STUDENT: "student", Choice.HYBRID: "hybrid"}


class DecisionRows:
    """Rows of one decision in the language in force."""

    def __init__(self, decision: Decision, translator: Translator) -> None:
        self.decision = decision
        self._translator = translator

    @property
    def formats(self) -> Formats:
        """How figures are written."""
        return self._translator.formats

    def tr(self, code: str, **values: Value) -> str:
        """The text of a code."""
        return self._translator.tr(code, **values)

    def words(self, message: Message) -> str:
        """A message of core in the language in force."""
        return self._translator.stored(message.code, message.values, message.text)

    def rule(self, code: str | None) -> str | None:
        """What the rule of a gate is called, null where it has none."""
        found = rule_in_words(code)
        return None if found is None else self.words(found)

    def titles(self, *codes: str) -> list[str]:
        """Column titles."""
        return [self.tr(f"gui_decide.column.{code}") for code in codes]

    def role(self, name: str | None) -> Role | None:
        """The role of the candidate of that name, null where there is none."""
        return next((candidate.role for candidate in self.decision.candidates if candidate.name == name), None)

    def role_in(self, values: Mapping[str, Value]) -> Role | None:
        """The role of the first candidate that a message's values name."""
        names = [name for value in values.values() if isinstance(value, str) for name in value.split(", ")]
        return next((role for name in names if (role := self.role(name)) is not None), None)

    def flips(self) -> list[list[Cell]]:
        """Assumption, its value, where it flips, to what, and a tornado bar where net benefit is known."""
        spread = [
            end
            for flip in self.decision.flips
            for end in (flip.net_benefit_low, flip.net_benefit_high)
            if end is not None
        ]
        chosen = self.decision.chosen
        origin = chosen.net_benefit.value if chosen is not None and chosen.net_benefit is not None else None
        if origin is not None:
            spread.append(origin)
        return [self._flip(flip, origin, spread) for flip in self.decision.flips]

    def break_even(self) -> list[list[Cell]]:
        """Against whom, after how many requests, after how long."""
        return [self._break_even(row) for row in self.decision.break_even]

    def compliance(self) -> list[list[Cell]]:
        """Candidate, rule, verdict in a mark and a word, and the sentence."""
        return [
            [
                Cell(candidate.name, candidate.name, role=candidate.role, bold=True),
                Cell(self.rule(gate.rule) or DASH, gate.rule),
                self.verdict(gate),
                Cell(self.words(gate.message), gate.message.text, color="muted"),
            ]
            for candidate in self.decision.candidates
            for gate in candidate.gates
            if gate.gate is Gate.COMPLIANCE
        ]

    def assumptions(self) -> list[list[Cell]]:
        """Name, value with unit, where it is from, as of when."""
        rows = []
        for item in self.decision.assumptions:
            origin = self.tr(f"gui_decide.origin.{item.origin}")
            source = f"{origin}: {item.source}" if item.source else origin
            rows.append(
                [
                    Cell(self.assumption(item.name), item.name),
                    Cell(self.value_with_unit(item.value, item.unit), item.value, number=True, bold=True),
                    Cell(source, item.source, color="muted"),
                    Cell(self.formats.day(item.as_of) if item.as_of else DASH, color="muted"),
                ]
            )
        return rows

    def verdict(self, gate: GateResult) -> Cell:
        """A gate's state as mark and word."""
        word = self.tr(f"gui_decide.verdict.{gate.state}")
        return Cell(f"{MARKS[gate.state]} {word}", gate.state, color=STATES[gate.state], bold=True)

    def assumption(self, path: str) -> str:
        """The words for the assumption at a path of the study file."""
        return self.words(words_for(path))

    def value_with_unit(self, value: float, unit: str) -> str:
        """A stated value with its unit: money with its currency, shares as percentages, counts in words."""
        currency = self.decision.currency
        if unit == currency or unit.startswith((f"{currency} ", f"{currency}/")):
            rest = unit.removeprefix(currency).strip(" /").removeprefix("per ")
            money = self.formats.stated_money(float(f"{value:.4g}"), currency)
            return money if not rest else f"{money} / {self._unit(rest)}"
        if unit in ("share", "probability"):
            return self.formats.percent(value)
        if unit == "ms":
            return self.formats.milliseconds(value)
        if unit == "requests/month":
            return self.formats.count(value)
        text = self.formats.number(float(f"{value:.4g}"))
        return text if unit in ("", "ratio") else f"{text}\u00a0{self._unit(unit)}"

    def quality(self, candidate: CandidateDecision) -> tuple[str, str]:
        """A candidate's quality and its interval as texts; dashes where it was not measured."""
        quality = candidate.quality
        if quality is None:
            return DASH, ""
        ends = [self.formats.percent(end, quality.low, quality.high) for end in (quality.low, quality.high)]
        return self.formats.percent(quality.value, quality.low, quality.high), self.formats.interval(*ends)

    def money(self, figure: Interval | None, times: float = 1.0) -> tuple[str, str]:
        """Money and its interval as texts; dashes where there is none."""
        if figure is None:
            return DASH, ""
        low = None if figure.low is None else figure.low * times
        high = None if figure.high is None else figure.high * times
        currency = self.decision.currency
        value = figure.value * times
        if low is None or high is None or high <= low:
            return self.formats.money(value, currency, low, high), ""
        return self.formats.money_with_interval(value, currency, low, high)

    def probability(self, share: float | None) -> str:
        """A probability as a whole percentage, never a bare 100 %."""
        if share is None:
            return DASH
        if share >= 0.995:
            return self.tr("gui_decide.above", value=self.formats.percent(0.99))
        if share < 0.005:
            return self.tr("gui_decide.below", value=self.formats.percent(0.01))
        return self.formats.percent(round(share, 2))

    def _flip(self, flip: Flip, origin: float | None, spread: list[float]) -> list[Cell]:
        token = _CHOICE_TOKENS.get(flip.to, "warn") if flip.to is not None else "muted"
        return [
            Cell(self.assumption(flip.path), flip.path),
            Cell(self.value_with_unit(flip.value, flip.unit), flip.value, bold=True),
            Cell(self._flips_at(flip), flip.flips_at, color="muted"),
            Cell(self._flips_to(flip), flip.to, color=token, bold=True, role=self.role(flip.to_candidate)),
            Cell("", bar=_bar(flip, origin, spread), tip=self._benefit(flip)),
        ]

    def _flips_at(self, flip: Flip) -> str:
        if flip.flips_at is None:
            return self.tr("gui_decide.flip.never")
        side = "below" if flip.flips_at < flip.value else "above"
        return self.tr(f"gui_decide.flip.{side}", value=self.value_with_unit(float(f"{flip.flips_at:.2g}"), flip.unit))

    def _flips_to(self, flip: Flip) -> str:
        if flip.to is None:
            return ""
        return self.tr("gui_decide.flip.to", to=flip.to_candidate or self.tr(f"gui_decide.choice.{flip.to.value}"))

    def _benefit(self, flip: Flip) -> str:
        if flip.net_benefit_low is None or flip.net_benefit_high is None:
            return self.tr("gui_decide.flip.no_benefit")
        ends = [
            self.formats.money(end, self.decision.currency) for end in (flip.net_benefit_low, flip.net_benefit_high)
        ]
        return self.tr("gui_decide.flip.benefit", low=ends[0], high=ends[1])

    def _break_even(self, row: BreakEven) -> list[Cell]:
        against = Cell(row.against, row.against, role=self.role(row.against), bold=True)
        if row.requests is None:
            return [against, Cell(self.tr("gui_decide.break_even.never"), None, color="muted"), Cell(DASH, number=True)]
        at_once = row.requests <= 0
        months = DASH if row.months is None else self.formats.months(row.months)
        text = (
            self.tr("gui_decide.break_even.at_once")
            if at_once
            else self.tr("gui_decide.break_even.requests", requests=self.formats.count(math.ceil(row.requests)))
        )
        return [against, Cell(text, row.requests), Cell(DASH if at_once else months, row.months, number=True)]

    def _unit(self, unit: str) -> str:
        return self._translator.stored(f"gui_decide.unit.{unit}", {}, unit)


def _bar(flip: Flip, origin: float | None, spread: list[float]) -> tuple[float, float, float] | None:
    if origin is None or flip.net_benefit_low is None or flip.net_benefit_high is None:
        return None
    least, most = min(spread), max(spread)
    width = (most - least) or 1.0
    return tuple((end - least) / width for end in (flip.net_benefit_low, origin, flip.net_benefit_high))  # type: ignore[return-value]  # three of three
