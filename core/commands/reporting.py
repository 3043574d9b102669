"""`tercet report`: the report of a study in each format that is asked for."""

from __future__ import annotations

from pathlib import Path

from core.commands.handing_over import output_folder
from core.commands.reading import decide_with, read_evidence
from core.errors import UserError
from core.report import REPORT_FORMATS, write_report


def report(path: Path, formats: list[str], out: Path, language: str, *, with_rows: bool = False) -> list[Path]:
    """Write the report in each format into the folder `out`; the files. Raises UserError.

    `with_rows` adds the test rows on which teacher and student differ most.
    """
    for name in formats:
        if name not in REPORT_FORMATS:
            raise UserError("cli.format_unknown", name=name, allowed=", ".join(REPORT_FORMATS))
    folder = output_folder(out)
    evidence = read_evidence(path)
    return write_report(decide_with(evidence, []), evidence, formats, folder, language, with_rows=with_rows)
