"""Result files of other evaluation tools, recognised by their content."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

import pandas as pd

from core.data import lm_eval, promptfoo
from core.data.encodings import detect_encoding
from core.data.fingerprint import require_file
from core.data.formats import json_objects
from core.data.result_rows import ResultRow, result_frame
from core.spec import PredictionsModel

ResultFormat = Literal["lm_eval", "promptfoo"]


def result_format(path: Path, named: str | None = None) -> ResultFormat | None:
    """Which tool wrote a file, as the study names it or else by the first record; null for a table.

    Raises UserError where the file is missing or its first line is no JSON.
    """
    if named is not None:
        return None if named == "table" else "lm_eval" if named == "lm_eval" else "promptfoo"
    suffix = path.suffix.lower()
    if suffix == ".json":  # no table has this suffix, so that what is wrong with it is told by its reader
        return "promptfoo"
    if suffix not in (".jsonl", ".ndjson"):
        return None
    require_file(path)
    _, first = next(iter(islice(json_objects(path, detect_encoding(path)), 1)), (0, {}))
    if first.keys() >= lm_eval.MARKS:
        return "lm_eval"
    return "promptfoo" if first.keys() >= promptfoo.MARKS else None


def read_result_file(
    path: Path, kind: ResultFormat, model: PredictionsModel, metric: str, extra: Sequence[str]
) -> pd.DataFrame:
    """A result file's rows under the standard column names, indexed by the numbers that the user sees.

    `metric` is the study's: lm-eval's own figure for it is the score. Raises UserError, naming file, row and remedy.
    """
    return result_frame(path, _rows(path, kind, model, metric), model.columns, extra)


def has_row_choices(path: Path, named: str | None = None) -> bool:
    """Whether each row of a file has choices of its own, among which its output was found. Raises UserError."""
    return result_format(path, named) == "lm_eval" and lm_eval.has_row_choices(path)


def _rows(path: Path, kind: ResultFormat, model: PredictionsModel, metric: str) -> list[ResultRow]:
    if kind == "lm_eval":
        return lm_eval.lm_eval_rows(path, model.filter, metric)
    records = promptfoo.promptfoo_records(path)
    return promptfoo.promptfoo_rows(path, records, model.provider, model.prompt, model.columns.target)
