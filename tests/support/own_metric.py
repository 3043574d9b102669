"""A package with a metric of the user's own, as pip would leave it in a folder on the import path."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest


def install_metric(
    folder: Path, monkeypatch: pytest.MonkeyPatch, body: str, name: str = "near", version: str = "1.0"
) -> None:
    """Install `def score(output, target)` with the given body, offered as the metric `name`, for one test."""
    module = f"own_metric_{name}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(f"def score(output, target):\n    {body}\n", encoding="utf-8")
    about = folder / f"{module}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(f"[tercet.metrics]\n{name} = {module}:score\n", encoding="utf-8")
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
