"""The colours of the window's themes as style rules, so that the report looks like the window."""

from __future__ import annotations

import json
from importlib.resources import files


def style_sheet() -> str:
    """The report's whole style: light by default and on paper, dark where the reader's system prefers it."""
    template = files("resources").joinpath("templates", "report.css").read_text(encoding="utf-8")
    dark = f"@media screen and (prefers-color-scheme: dark) {{\n{_variables('dark')}\n}}"
    return f"{_variables('light')}\n{dark}\n{template}"


def _variables(theme: str) -> str:
    tokens = json.loads(files("resources").joinpath("themes", f"{theme}.json").read_text(encoding="utf-8"))
    colours = (f"--{name.replace('_', '-')}: {value};" for name, value in tokens["colors"].items())
    return f":root {{ color-scheme: {theme}; {' '.join(colours)} }}"
