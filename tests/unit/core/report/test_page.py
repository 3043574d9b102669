import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

from core.charts import Axis, ChartSpec
from core.decide.outcome import Message
from core.domain import Role
from core.i18n import LANGUAGES
from core.report.html import render_html
from core.report.model import Bullets, Cell, Chart, Column, KeyFigure, KeyFigures, Paragraph, Report, Section, Table

EVIL = '<script>alert("x")</script> & "quoted" =1+1'
AXIS = Axis(Message("t", {}, "axis"), "", "number")
REPORT = Report(
    title=EVIL,
    subtitle=Message("report.subtitle", {"date": "2026-01-02"}, "English subtitle"),
    footer=EVIL,
    sections=(
        Section(
            "one",
            EVIL,
            (
                Paragraph(EVIL, "good", Role.HYBRID, lead=True),
                Bullets((EVIL,)),
                KeyFigures((KeyFigure(EVIL, EVIL, EVIL),)),
                Table(EVIL, (Column(EVIL), Column("n", numeric=True)), ((Cell(EVIL, EVIL, Role.TEACHER), Cell("1")),)),
                Chart(ChartSpec("c", "scatter", Message("t", {}, EVIL), AXIS, AXIS, empty=Message("t", {}, EVIL))),
            ),
        ),
    ),
)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


def test_no_word_of_the_user_becomes_markup() -> None:
    page = render_html(REPORT)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 11
    assert "script" not in parsed(page).names


def test_nothing_is_loaded_and_nothing_runs() -> None:
    tags = parsed(render_html(REPORT))
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(tags.names)
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name in ("style", "src")]
    assert all((value or "").startswith("#") for name, value in tags.attributes if name == "href")


def test_the_policy_allows_the_pages_own_style_and_nothing_else() -> None:
    page = render_html(REPORT)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    policy = dict(parsed(page).attributes)["content"]
    contents = [value for name, value in parsed(page).attributes if name == "content"]
    assert f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'" in contents
    assert policy


def test_roles_are_told_by_symbol_and_word_and_not_by_colour_alone() -> None:
    page = render_html(REPORT)
    assert '<span class="symbol hybrid" title="hybrid">◆</span>' in page
    assert '<span class="symbol teacher" title="teacher">■</span>' in page


def test_the_page_speaks_the_readers_language() -> None:
    pages = {language: render_html(REPORT, language) for language in LANGUAGES}
    assert '<html lang="zh-CN">' in pages["zh_CN"]
    assert "2026-01-02 的证据" in pages["zh_CN"]
    assert "the evidence of 2026-01-02" in pages["en"]


def test_both_themes_and_print_are_in_the_style() -> None:
    page = render_html(REPORT)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert page.index("--teacher: #3B4FD8") < page.index("--teacher: #93A4FF")


def test_rows_and_columns_of_tables_are_named_for_screen_readers() -> None:
    page = render_html(REPORT)
    assert page.count('scope="col"') == 2
    assert page.count('scope="row"') == 1
    assert "<caption>" in page


def test_short_cells_of_a_chinese_table_are_not_broken_within_their_words() -> None:
    cells = (Cell("student"), Cell(Message("report.gate.quality", {}, "quality")), Cell("a reason of many words"))
    table = Table("t", (Column("name"), Column("gate"), Column("why it may not be chosen")), (cells,))
    page = render_html(replace(REPORT, sections=(Section("one", "t", (table,)),)), "zh_CN")
    assert '<td class="short">质量</td>' in page
    assert "<td>a reason of many words</td>" in page
    assert '<th scope="col" class="short">gate</th>' in page
    assert ".short:lang(zh) { white-space: nowrap; }" in page
