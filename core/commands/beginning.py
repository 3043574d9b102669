"""`tercet init`: how a study begins, from a data file."""

from __future__ import annotations

from pathlib import Path

from core.commands import console
from core.errors import UserError
from core.i18n import english
from core.lazy import load


def init(data: Path, out: Path) -> Path:
    """Write a study file guessed from a data file; its path. Raises UserError; an existing file is left as it is."""
    if out.exists():
        raise UserError("cli.output_exists", path=str(out))
    text = load("core.data.init_study").guess_study(data, out.resolve().parent)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError("cli.unwritable", path=str(out), reason=error.strerror or "") from error
    console.note(english("cli.init_done", path=str(out)))
    return out
