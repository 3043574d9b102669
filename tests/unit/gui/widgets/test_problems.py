from __future__ import annotations

import re
from importlib.resources import files

import pytest

from core.i18n import catalogue
from gui.widgets.problems import SCHEMA_SENTENCES

# A sentence of the schema may run over several string literals; the first one is enough to know it by.
_RAISED = re.compile(r'raise ValueError\(\s*f?"([^"]+)"')


def schema_sentences() -> list[str]:
    modules = [part for part in files("core").joinpath("spec").iterdir() if part.name.endswith(".py")]
    text = "".join(part.read_text(encoding="utf-8") for part in sorted(modules, key=lambda part: part.name))
    return [re.sub(r"\{[^}]*\}", "name", sentence) for sentence in _RAISED.findall(text)]


def test_sentences_of_the_schema_are_found() -> None:
    assert len(schema_sentences()) > 12


@pytest.mark.parametrize("sentence", schema_sentences())
def test_every_sentence_of_the_schema_is_told_in_both_languages(sentence: str) -> None:
    codes = [f"gui.schema.{code}" for pattern, code in SCHEMA_SENTENCES if re.search(pattern, sentence)]
    assert len(codes) == 1
    for language in ("en", "zh_CN"):
        assert codes[0] in catalogue(language)
