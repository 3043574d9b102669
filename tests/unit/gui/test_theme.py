from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

import gui
from gui.theme import Theme, load_tokens

SCHEMES = ("light", "dark")
TEXTS = ("text", "muted", "accent", "teacher", "student", "hybrid", "good", "warn", "bad")


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    shown = QColor(color)
    linear = [_linear(channel) for channel in (shown.redF(), shown.greenF(), shown.blueF())]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp, "light")
    yield made
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.mark.parametrize(("scheme", "token"), list(product(SCHEMES, TEXTS)))
def test_every_text_and_role_colour_reads_on_the_surface(scheme: str, token: str) -> None:
    colors = load_tokens("dark" if scheme == "dark" else "light").colors
    assert contrast(colors[token], colors["surface"]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_read_on_buttons_messages_and_selection(scheme: str) -> None:
    colors = load_tokens("dark" if scheme == "dark" else "light").colors
    assert contrast(colors["on_accent"], colors["accent"]) >= 4.5
    assert contrast(colors["on_accent"], colors["accent_hover"]) >= 4.5
    for surface in ("window", "hover", "selection", "good_surface", "warn_surface", "bad_surface"):
        assert contrast(colors["text"], colors[surface]) >= 7


def test_both_themes_name_the_same_tokens() -> None:
    assert load_tokens("light").colors.keys() == load_tokens("dark").colors.keys()


def test_choosing_a_theme_recolours_palette_and_stylesheet(theme: Theme, qapp: QApplication) -> None:
    seen: list[str] = []
    theme.theme_changed.connect(lambda: seen.append(theme.scheme))
    theme.set_choice("dark")
    assert seen == ["dark"]
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(load_tokens("dark").colors["window"])
    assert load_tokens("dark").colors["accent"] in qapp.styleSheet()
    theme.set_choice("light")
    assert seen == ["dark", "light"]


def test_icons_take_the_colour_of_their_token(theme: Theme) -> None:
    image = theme.icon("running", "accent", 16).pixmap(16, 16).toImage()
    assert image.pixelColor(8, 8) == theme.color("accent")


def test_no_module_of_the_window_holds_a_colour() -> None:
    written = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b|rgba?\(|Qt\.GlobalColor\.(?!transparent)")
    root = Path(gui.__file__).parent
    found = [
        f"{path.relative_to(root)}:{number}"
        for path in sorted(root.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if written.search(line) and "RRGGBB" not in line
    ]
    assert found == []
