"""The report as one HTML page that needs nothing else: no script, no network, every value escaped."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

import jinja2
from markupsafe import Markup

from core.charts import ChartSpec, chart_table
from core.decide.outcome import Message
from core.domain import Role
from core.i18n import translate
from core.report.figures import number
from core.report.model import (
    SYMBOLS,
    Bullets,
    Cell,
    Chart,
    Column,
    KeyFigures,
    Paragraph,
    Phrase,
    Report,
    Table,
    text_of,
)
from core.report.svg import draw
from core.report.theme import style_sheet

_SHORT = 8  # Chinese may break between any two characters, and a word of two or four must not


def render_html(report: Report, language: str = "en") -> str:
    """The page, in one of `core.i18n.LANGUAGES`. Its policy forbids scripts and every style but its own."""
    style = style_sheet()
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    template = _environment().from_string(
        files("resources").joinpath("templates", "report.html.j2").read_text(encoding="utf-8")
    )
    return template.render(
        report=report,
        lang=language.replace("_", "-"),
        style=Markup(style),  # noqa: S704  # our own rules and colours, nothing of the user's
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        say=_Words(language),
        draw=lambda spec: Markup(draw(spec, language)),  # noqa: S704  # `draw` escapes every word itself
        as_table=_as_table,
    )


class _Words:
    """Says phrases in one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def __call__(self, phrase: Phrase) -> str:
        return text_of(phrase, self._language)

    def is_short(self, phrase: Phrase) -> bool:
        """Whether a cell's text is so short that it must not be broken."""
        return len(self(phrase)) <= _SHORT

    def word(self, code: str) -> str:
        """A message without values."""
        return translate(self._language, code)

    def role(self, role: Role) -> str:
        """The word for a role."""
        return translate(self._language, f"report.role.{role.value}")

    def symbol(self, role: Role) -> str:
        """The mark that stands for a role everywhere."""
        return SYMBOLS[role]


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    kinds = {"paragraph": Paragraph, "bullets": Bullets, "key_figures": KeyFigures, "chart": Chart}
    for name, kind in kinds.items():
        environment.tests[name] = lambda block, kind=kind: isinstance(block, kind)
    return environment


def _as_table(spec: ChartSpec) -> Table:
    """The chart's rows as a table, for those who do not see it."""
    table = chart_table(spec)
    numeric = [
        bool(table.rows) and all(isinstance(row[place], float | int | None) for row in table.rows)
        for place in range(len(table.columns))
    ]
    columns = tuple(Column(title, own) for title, own in zip(table.columns, numeric, strict=True))
    return Table(spec.title, columns, tuple(tuple(_chart_cell(cell) for cell in row) for row in table.rows))


def _chart_cell(value: Message | str | float | None) -> Cell:
    if value is None:
        return Cell("–", tone="muted")
    return Cell(value if isinstance(value, str | Message) else number(value))
