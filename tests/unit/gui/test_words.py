from __future__ import annotations

import json
import re
import string
from importlib.resources import files
from pathlib import Path

import pytest

import gui
from core.i18n import catalogue
from gui.app import Application

CODE = re.compile(r"""\btr\(\s*"((?:gui|field|setting)\.[\w.]+)\"""")


def own_catalogue(language: str) -> dict[str, str]:
    text = files("resources").joinpath("i18n", language, "gui.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    return words


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_both_languages_have_the_same_codes() -> None:
    assert own_catalogue("en").keys() == own_catalogue("zh_CN").keys()


def test_a_translation_fills_no_placeholder_that_english_lacks() -> None:
    english, chinese = own_catalogue("en"), own_catalogue("zh_CN")
    extra = {code for code in english if placeholders(chinese[code]) - placeholders(english[code])}
    assert extra == {"gui.time.moment"}  # Chinese writes months as numbers, which the caller gives as well


def test_every_code_in_the_sources_is_in_the_catalogue() -> None:
    words = catalogue("en")
    used = {
        code
        for path in Path(gui.__file__).parent.rglob("*.py")
        for code in CODE.findall(path.read_text(encoding="utf-8"))
    }
    assert len(used) > 50
    assert {code for code in used if code not in words and f"{code}.other" not in words} == set()


def test_no_sentence_shouts() -> None:
    assert [code for code, text in own_catalogue("en").items() if "!" in text] == []


@pytest.mark.parametrize(("seconds", "words"), [(41, "41 s"), (120, "2 min"), (3 * 3600 + 600, "3 h 10 min")])
def test_spans_are_told_as_people_say_them(application: Application, seconds: float, words: str) -> None:
    assert application.context.translator.duration(seconds) == words


def test_the_language_switches_while_the_window_is_open(open_study: Application) -> None:
    window = open_study.window
    assert window.rail.buttons["runs"].text() == "Runs"
    open_study.context.preferences.change(language="zh_CN")
    assert window.rail.buttons["runs"].text() == "运行"
    assert window.pages["runs"].heading.text() == "运行"
    assert window.actions_table["study.open"].text() == "打开研究…"
    assert window.study_page.forms["cost"].rows["criteria.cost.monthly_budget"].label.text() == "预算"
