"""What every job's words are made of: facts, a table's cells, figures with their units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.charts import ChartSpec
from gui.i18n import Translator
from gui.models.table import Cell

DASH = "–"
_COLUMNS = {
    "checks": ("check", "failed", "remaining"),
    "rounds": ("round", "rows_new", "quality_old", "quality_new", "teacher", "verdict"),
    "rungs": ("rung", "removed", "parameters", "agreement_pruned", "agreement_recovered", "latency"),
    "trials": ("trial", "quality", "speed", "p95", "size", "state", "settings"),
    "live_trials": ("trial", "quality", "speed"),
}


@dataclass(frozen=True)
class JobFigures:
    """`facts` are short words; rows stand under `titles`; `name` is the table's."""

    facts: tuple[str, ...] = ()
    name: str = ""
    titles: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    chart: ChartSpec | None = None


class JobWords:
    """Words and cells in the language of a translator."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self._formats = translator.formats

    def _table(
        self, facts: Sequence[str], code: str, rows: Sequence[tuple[Cell, ...]], chart: ChartSpec | None = None
    ) -> JobFigures:
        if not rows:
            return JobFigures(tuple(facts), chart=chart)
        tr = self._translator.tr
        titles = tuple(tr(f"gui.result.column.{name}") for name in _COLUMNS[code])
        return JobFigures(tuple(facts), tr(f"gui.result.table.{code}"), titles, tuple(rows), chart)

    def _number(self, value: int) -> Cell:
        return Cell(self._formats.number(value, 0), value, number=True)

    def _share(self, value: float | None) -> Cell:
        return self._figure(value, lambda share: self._formats.percent(round(share, 3)))

    def _figure(self, value: float | None, write: Callable[[float], str]) -> Cell:
        return Cell(DASH if value is None else write(value), value, number=True)

    def _from_to(self, before: float, after: float) -> str:
        return " → ".join(self._formats.percent(round(share, 3)) for share in (before, after))

    def _mib(self, value: float) -> str:
        return f"{self._formats.number(float(f'{value:.3g}'))}\u00a0MiB"
