"""Tables on the terminal and in pipes."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

_PIPE_WIDTH = 240


def print_table(table: Table) -> None:
    """The table, as wide as the terminal; in a pipe as wide as it needs, so that no name is cut."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(width=width, markup=False).print(table)  # brackets in users' texts are no markup
