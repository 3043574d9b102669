"""The look by token: colours from `resources/themes`, handed out as QColor, QPalette and stylesheet.

No colour is written anywhere else. A widget that paints by itself (a chart, a mark) asks `Theme.color` when it
paints and repaints on `theme_changed`; everything else follows the stylesheet.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal, get_args

from PySide6.QtCore import QObject, QSize, Qt, QTemporaryDir, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

ThemeChoice = Literal["system", "light", "dark"]
Scheme = Literal["light", "dark"]
THEME_CHOICES: tuple[ThemeChoice, ...] = get_args(ThemeChoice)

GRID = 4
MARGIN_PAGE, PADDING_CARD, GAP_CARDS, GAP_ROWS, GAP_TIGHT = 24, 16, 12, 8, 4
CONTROL_HEIGHT, ROW_HEIGHT, RAIL_WIDTH, TOP_BAR_HEIGHT, LABEL_WIDTH = 32, 32, 184, 48, 160
SCROLL_BAR_WIDTH = 12
CAPTION_PX, SECONDARY_PX, BODY_PX, SECTION_PX, PAGE_PX, FIGURE_PX = 11, 12, 13, 15, 20, 22
CJK_FAMILIES = ("Noto Sans CJK SC", "Microsoft YaHei UI", "PingFang SC")
_STYLESHEET_ICONS = {"check": "on_accent", "chevron_down": "muted"}


@dataclass(frozen=True)
class Tokens:
    """One theme's colours by name, as `#RRGGBB`."""

    name: Scheme
    colors: dict[str, str]


def load_tokens(scheme: Scheme) -> Tokens:
    """The tokens of `resources/themes/<scheme>.json`."""
    document = json.loads(_resource("themes", f"{scheme}.json"))
    return Tokens(name=scheme, colors=dict(document["colors"]))


def stylesheet(tokens: Tokens, icon_folder: Path) -> str:
    """The application's stylesheet: `resources/themes/window.qss` filled with the tokens.

    Qt reads a stylesheet's images from disk only, so the icons that it names are drawn into `icon_folder` first.
    """
    images: dict[str, str] = {}
    for name, token in _STYLESHEET_ICONS.items():
        file = icon_folder / f"{name}-{tokens.name}.svg"
        file.write_text(_icon_text(name, tokens.colors[token]), encoding="utf-8")
        images[f"icon_{name}"] = file.as_posix()
    return Template(_resource("themes", "window.qss")).substitute(tokens.colors | images)


def palette(tokens: Tokens) -> QPalette:
    """A QPalette of the tokens, for what a stylesheet does not reach."""
    roles = QPalette.ColorRole
    by_role = {
        roles.Window: "window",
        roles.Base: "surface",
        roles.AlternateBase: "hover",
        roles.Button: "surface",
        roles.ToolTipBase: "surface",
        roles.Text: "text",
        roles.WindowText: "text",
        roles.ButtonText: "text",
        roles.ToolTipText: "text",
        roles.PlaceholderText: "muted",
        roles.Highlight: "selection",
        roles.HighlightedText: "text",
        roles.Link: "accent",
        roles.LinkVisited: "accent",
        roles.Accent: "accent",
        roles.Mid: "border",
        roles.Dark: "border",
        roles.Light: "surface",
    }
    result = QPalette()
    for role, token in by_role.items():
        result.setColor(role, QColor(tokens.colors[token]))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.colors["disabled"]))
    return result


def font(pixel_size: int = BODY_PX, *, bold: bool = False, tabular: bool = False) -> QFont:
    """The UI font in a size of the scale; `tabular` gives every digit the same width."""
    result = QFont(QGuiApplication.font())
    result.setPixelSize(pixel_size)
    result.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    if tabular:
        result.setFeature(QFont.Tag("tnum"), 1)
    return result


def application_icon() -> QIcon:
    """The application's icon, the same in every theme."""
    return _draw_icon("tercet", "", 64)


class Theme(QObject):
    """The theme in force. `theme_changed` fires after palette and stylesheet were replaced.

    The stylesheet waits for `dress`: each widget that is put into another one under a sheet is styled once more, with
    all that it holds, so that a window is built in less than half the time without one.
    """

    theme_changed = Signal()

    def __init__(self, application: QApplication, choice: ThemeChoice = "system") -> None:
        super().__init__(application)
        self._application = application
        self._choice: ThemeChoice = choice
        self._tokens = load_tokens(self._scheme_of_choice())
        self._icons: dict[tuple[str, str, int], QIcon] = {}
        application.styleHints().colorSchemeChanged.connect(self._follow_system)
        self._icon_folder = QTemporaryDir()
        self._set_base_font()
        application.setStyleSheet("")
        application.setPalette(palette(self._tokens))

    @property
    def choice(self) -> ThemeChoice:
        """What the user chose: the system's scheme, light or dark."""
        return self._choice

    @property
    def scheme(self) -> Scheme:
        """The scheme in force."""
        return self._tokens.name

    @property
    def tokens(self) -> Tokens:
        """The tokens in force."""
        return self._tokens

    def color(self, token: str) -> QColor:
        """The colour of a token. Raises KeyError for an unknown one."""
        return QColor(self._tokens.colors[token])

    def icon(self, name: str, token: str = "muted", size: int = 16) -> QIcon:  # noqa: S107 (a colour token)
        """The icon `resources/icons/<name>.svg` drawn in the colour of a token, sharp at 1× to 3×."""
        key = (name, self._tokens.colors[token], size)
        if key not in self._icons:
            self._icons[key] = _draw_icon(name, self._tokens.colors[token], size)
        return self._icons[key]

    def dress(self) -> None:
        """Give every widget, built so far or later, the look of the theme. Call it once the window is built."""
        self._application.setPalette(palette(self._tokens))
        self._application.setStyleSheet(stylesheet(self._tokens, Path(self._icon_folder.path())))

    def set_choice(self, choice: ThemeChoice) -> None:
        """Choose a theme; takes effect at once."""
        self._choice = choice
        self._application.styleHints().setColorScheme(
            {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}[choice]
        )
        self._use(self._scheme_of_choice())

    def _follow_system(self) -> None:
        self._use(self._scheme_of_choice())

    def _scheme_of_choice(self) -> Scheme:
        if self._choice != "system":
            return self._choice
        dark = self._application.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return "dark" if dark else "light"

    def _use(self, scheme: Scheme) -> None:
        if scheme != self._tokens.name:
            self._tokens = load_tokens(scheme)
            self.dress()
            self.theme_changed.emit()

    def _set_base_font(self) -> None:
        base = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
        # A generic name such as "Sans Serif" would lose against the named families behind it: resolve it first.
        base.setFamilies([QFontInfo(base).family(), *CJK_FAMILIES])
        base.setPixelSize(BODY_PX)
        self._application.setFont(base)


def _draw_icon(name: str, color: str, size: int) -> QIcon:
    renderer = QSvgRenderer(_icon_text(name, color).encode("utf-8"))
    icon = QIcon()
    for ratio in (1, 2, 3):
        pixmap = QPixmap(QSize(size, size) * ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter)
        painter.end()
        pixmap.setDevicePixelRatio(ratio)
        icon.addPixmap(pixmap)
    return icon


def _icon_text(name: str, color: str) -> str:
    return _resource("icons", f"{name}.svg").replace("currentColor", color)


def _resource(*parts: str) -> str:
    return files("resources").joinpath(*parts).read_text(encoding="utf-8")
