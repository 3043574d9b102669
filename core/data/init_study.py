"""A study file guessed from a data file, with comments that say what to check."""

from __future__ import annotations

import json
import os
import re
from importlib.resources import files
from pathlib import Path
from string import Template

import pandas as pd

from core.data.init_results import candidate_line, guess_results, hybrid_lines, profile_line
from core.data.reading import read_whole_table
from core.data.result_files import ResultFormat, result_format
from core.errors import UserError

_ROWS_LOOKED_AT = 20_000
_MOST_CLASSES = 400
_ROWS_PER_CLASS = 3
_TARGET_NAMES = ("target", "label", "category", "intent", "class", "topic", "sentiment", "y")
_KEYS = ("id", "index", "uuid", "key")


def guess_study(path: Path, written_to: Path | None = None) -> str:
    """The YAML text of a study of the data file `path`; it validates as `core.spec.Study`.

    The path stands in it relative to the folder `written_to`, by default the data file's own. Raises UserError
    where the file cannot be read, or has no column of text or of classes. Another tool's result file makes a study of
    its predictions.
    """
    tool = result_format(path)
    if tool is not None:
        return _of_results(path, tool, written_to or path.parent)
    frame = read_whole_table(path, _ROWS_LOOKED_AT)
    target = _guess_target(frame, path)
    text = _guess_input(frame, target, path)
    others = [str(name) for name in frame.columns if name not in (text, target)]
    classes = sorted(set(frame[target].str.strip()) - {""})
    return _template("study.yaml").substitute(
        file_name=_on_one_line(path.name),
        name=_quoted(_title(path)),
        file=_quoted(_relative(path, written_to or path.parent)),
        input=_quoted(text),
        target=_quoted(target),
        classes=len(classes),
        first_classes=_on_one_line(", ".join(classes[:3])),
        others=_on_one_line(", ".join(others)) or "none",
    )


def _of_results(path: Path, tool: ResultFormat, folder: Path) -> str:
    results = guess_results(path, tool)
    return _template("study_of_results.yaml").substitute(
        file_name=_on_one_line(path.name),
        name=_quoted(_title(path)),
        kind="classification" if results.classes else "generation",
        metric="accuracy" if results.classes else "exact_match",
        profiles="\n".join(f"  {profile_line(who)}" for who in results.candidates),
        candidates="\n".join(
            f"  {candidate_line(who, _quoted(_relative(path, folder)))}" for who in results.candidates
        ),
        hybrids="".join(f"\n  {line}" for line in hybrid_lines(results.candidates)),
        fields=_on_one_line(", ".join(results.fields)) or "none",
    )


def _template(name: str) -> Template:
    return Template(files("resources").joinpath("templates", name).read_text(encoding="utf-8"))


def _guess_target(frame: pd.DataFrame, path: Path) -> str:
    """A column named like one for targets, else the one with the fewest classes; its values must repeat."""
    suitable: dict[str, int] = {}
    for name in frame.columns:
        values = frame[name].str.strip()
        values = values[values != ""]
        classes = int(values.nunique())
        if 2 <= classes <= min(_MOST_CLASSES, len(values) // _ROWS_PER_CLASS):
            suitable[str(name)] = classes
    if not suitable:
        raise UserError("data.init.no_target", file=path.name)
    for wanted in _TARGET_NAMES:
        for name in suitable:
            if wanted == name.lower() or (len(wanted) > 1 and wanted in re.split(r"[\W_]+", name.lower())):
                return name
    return min(suitable, key=lambda name: (suitable[name], name))


def _guess_input(frame: pd.DataFrame, target: str, path: Path) -> str:
    lengths = {
        str(name): float(frame[name].str.len().mean())
        for name in frame.columns
        if name != target and str(name).lower() not in _KEYS
    }
    if not lengths:
        raise UserError("data.init.no_input", file=path.name)
    return max(lengths, key=lambda name: lengths[name])


def _title(path: Path) -> str:
    words = re.sub(r"[\W_]+", " ", path.stem).strip()
    return (words[:1].upper() + words[1:])[:200] or "Study"


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive on Windows
        return path.absolute().as_posix()


def _quoted(text: str) -> str:
    """A YAML string: JSON's double-quoted strings are YAML's."""
    return json.dumps(text, ensure_ascii=True)


def _on_one_line(text: str) -> str:
    """The text as part of a comment, which must end with its line."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable[:120]
