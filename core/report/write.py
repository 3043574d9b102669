"""The files that a user asked for: the report as a page, and the documents that it was made from."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.decide.documents import recommendation_document, results_document
from core.decide.outcome import Decision
from core.errors import UserError
from core.evidence import StudyEvidence
from core.report.build import build_report
from core.report.html import render_html

FORMATS = ("html", "json")


def write_report(
    decision: Decision,
    evidence: StudyEvidence,
    formats: Sequence[str],
    folder: Path,
    language: str = "en",
    *,
    with_rows: bool = False,
) -> list[Path]:
    """The files written to `folder`, which is made where it is missing: `report.html` for html, `results.json` and
    `recommendation.json` for json. Each file is written whole or not at all. `with_rows` adds to the page the test rows
    on which teacher and student differ most.

    Raises UserError for a format that is not offered and for a full disk.
    """
    unknown = next((name for name in formats if name not in FORMATS), None)
    if unknown is not None:
        raise UserError("report.format_unknown", format=unknown, formats=", ".join(FORMATS))
    results = results_document(evidence, decision)
    recommendation = recommendation_document(decision)
    files: dict[str, str] = {}
    if "html" in formats:
        report = build_report(decision, evidence, results, recommendation, with_rows=with_rows)
        files["report.html"] = render_html(report, language)
    if "json" in formats:
        files |= {"results.json": _as_json(results), "recommendation.json": _as_json(recommendation)}
    _make_folder(folder)
    return [_write(folder / name, content) for name, content in files.items()]


def _as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("report.folder_unusable", path=str(folder), reason=error.strerror or "") from error


def _write(path: Path, content: str) -> Path:
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno == errno.ENOSPC:
            needed = len(content.encode("utf-8")) // 2**20 + 1
            raise UserError("disk.full", path=str(path), needed_mib=needed) from error
        raise UserError("report.folder_unusable", path=str(path), reason=error.strerror or "") from error
    return path
