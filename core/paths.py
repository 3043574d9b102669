"""Where things are on disk: beside a study file, and in the user's own folders."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

STUDY_SUFFIX = ".tercet"


def artefacts_of(study_path: Path) -> Path:
    """The folder of large artefacts beside a study file: `NAME.tercet.d`."""
    return study_path.with_name(study_path.name + ".d")


def job_folder(artefacts: Path, job_id: str) -> Path:
    """The folder of one job's files."""
    return artefacts / "jobs" / job_id


def config_folder() -> Path:
    """The folder of the user's settings; `TERCET_CONFIG_DIR` overrides the system's place."""
    override = os.environ.get("TERCET_CONFIG_DIR")
    return Path(override) if override else Path(platformdirs.user_config_dir("tercet", appauthor=False))


def documents_folder() -> Path:
    """The user's documents folder, where a new study is offered to be saved."""
    return Path(platformdirs.user_documents_dir())


def export_staging(out: Path) -> Path:
    """Where an export into the folder `out` writes what it has not checked yet."""
    return out / ".partial-export"
