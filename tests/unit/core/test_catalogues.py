"""Every word exists in every language, with the same blanks to fill."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from core.i18n import LANGUAGES, catalogue, english, translate

PROJECT = Path(__file__).parents[3]
# A date names its month in one language and counts it in another.
DATES = {"gui.time.moment"}
_CODE = re.compile(r"""["']([a-z_0-9]+(?:\.[a-z_0-9]+)+)["']""")


def blanks(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_every_message_exists_in_every_language_with_the_same_blanks(language: str) -> None:
    reference, other = catalogue("en"), catalogue(language)
    singular = {code for code in reference if code.endswith(".one")}
    assert set(reference) - singular == {code for code in other if not code.endswith(".one")}
    shared = [code for code in other if code in reference and code not in DATES]
    different = [code for code in shared if blanks(other[code]) != blanks(reference[code])]
    assert not different


@pytest.mark.parametrize(("language", "other"), [("en", r"[0-9]%(?!\})"), ("zh_CN", r"[0-9}][ \u00a0]%")])
def test_a_share_is_written_in_one_way_in_each_language(language: str, other: str) -> None:
    written = {code: re.sub(r"\{[^}]*\}", "{}", template) for code, template in catalogue(language).items()}
    assert [code for code, template in written.items() if re.search(other, template)] == []


def test_no_code_stands_in_two_files() -> None:
    import json

    for language in LANGUAGES:
        seen: dict[str, str] = {}
        for path in sorted((PROJECT / "resources" / "i18n" / language).glob("*.json")):
            for code in json.loads(path.read_text(encoding="utf-8")):
                assert code not in seen, f"{code} stands in {seen[code]} and {path.name}"
                seen[code] = path.name


def test_codes_of_refusals_in_the_source_are_in_the_catalogue() -> None:
    known = catalogue("en")
    missing = []
    for path in sorted((PROJECT / "core").rglob("*.py")):
        for match in re.finditer(r"""(?:UserError|english|message)\(\s*["']([^"']+)["']""", path.read_text("utf-8")):
            code = match.group(1)
            if code not in known and f"{code}.other" not in known:
                missing.append(f"{path.name}: {code}")
    assert not missing


def test_singular_is_chosen_for_one() -> None:
    assert translate("zh_CN", "study.key_missing", field="name").startswith("缺少")
    with pytest.raises(KeyError):
        english("no.such.code")
