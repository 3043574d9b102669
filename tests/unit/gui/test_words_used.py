"""Every word of the catalogues is said somewhere: by a code as it stands, by one that is put together, or by a form."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import core
import gui
from core.i18n import LANGUAGES, catalogue
from gui.app import Application
from gui.widgets.candidate_editor import STAGES, STEPS
from gui.widgets.fields import FieldKind, FieldSpec
from gui.widgets.form import SHOWN_BY_EXAMPLE, FieldForm
from gui.widgets.part_card import OptionalPartCard, PartCard

TEMPLATES = Path(str(core.__file__)).parents[1] / "resources" / "templates"
IN_TEMPLATE = re.compile(r"""["']([a-z_]+(?:\.[a-z_]+)+)["']""")
COUNTED = re.compile(r"\.(one|other)$")
# Codes put together from nothing but these beginnings are those of forms and cards, which are asked themselves.
OF_FORMS = ("gui.", "field.", "setting.")


def source_nodes() -> Iterator[ast.AST]:
    for package in (core, gui):
        for path in Path(str(package.__file__)).parent.rglob("*.py"):
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


class Sources:
    """The texts of the sources, and the f-strings that begin or end as a code does."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.begun: set[re.Pattern[str]] = set()
        self.endings: set[str] = set()
        for node in source_nodes():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.texts.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                self._take([str(part.value) if isinstance(part, ast.Constant) else None for part in node.values])
        for template in TEMPLATES.rglob("*.j2"):
            self.texts |= set(IN_TEMPLATE.findall(template.read_text(encoding="utf-8")))

    def _take(self, parts: list[str | None]) -> None:
        match parts:
            case [None, str(ending)] if re.fullmatch(r"[._][a-z_]+", ending):
                self.endings.add(ending)
            case [str(begin), *_] if "." in begin and begin not in OF_FORMS:
                self.begun.add(re.compile("".join(".+" if part is None else re.escape(part) for part in parts)))

    def says(self, code: str) -> bool:
        if code in self.texts or any(pattern.fullmatch(code) for pattern in self.begun):
            return True
        return any(code.endswith(ending) and self.says(code.removesuffix(ending)) for ending in self.endings)


def codes_of_field(code: str, spec: FieldSpec) -> Iterator[str]:
    yield from (code, f"{code}.help", *([f"{code}.own"] if spec.kind is FieldKind.CHOICE else []))
    yield from (f"{code}.{choice}" for choice in (*spec.choices, *spec.presentation.suggestions))
    if spec.kind is FieldKind.FLAG:
        yield f"{code}.yes"
    if spec.optional or spec.kind in SHOWN_BY_EXAMPLE:
        yield f"{code}.empty"


def codes_of_forms(application: Application) -> Iterator[str]:
    window = application.window
    for form in window.findChildren(FieldForm):
        for path, row in form.rows.items():
            yield from codes_of_field(f"{form._code_prefix}.{path}", row.spec)
    # The choices of a candidate's source, which the judge's form narrows, are the candidate's.
    for parts in (STEPS, STAGES):
        yield f"field.{parts.code}.add"
        for kind, specs in parts.fields.items():
            yield f"field.{parts.code}.{kind}"
            for spec in specs:
                yield from codes_of_field(f"field.{spec.path}", spec)
    for card in window.findChildren(PartCard):
        verbs = ("title", "add", "remove") if isinstance(card, OptionalPartCard) else ("title",)
        yield from (f"{card._code}.{verb}" for verb in verbs)


def test_no_word_stands_in_the_catalogues_that_nothing_says(application: Application) -> None:
    sources, asked = Sources(), set(codes_of_forms(application))

    def is_said(code: str) -> bool:
        if code.startswith(("field.", "setting.")):
            return code in asked or code in sources.texts
        return code in asked or sources.says(code)

    written = {code for language in LANGUAGES for code in catalogue(language)}
    assert {code for code in written if not is_said(code) and not is_said(COUNTED.sub("", code))} == set()
