"""Settings: each declared once with type, default and help; kept as JSON in the user's configuration folder."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.paths import config_folder

_LOG = logging.getLogger(__name__)
_RECENT_FILES_KEPT = 10


class Settings(BaseModel):
    """The user's choices. Unknown keys of a newer version are dropped on reading."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    language: Literal["system", "en", "zh_CN"] = Field(
        "system", description="Language of the window and of new reports"
    )
    theme: Literal["system", "light", "dark"] = Field("system", description="Colours of the window")
    resume_on_open: bool = Field(True, description="Go on with interrupted jobs when a study is opened in the window")
    recent_files: tuple[str, ...] = Field((), description="Studies opened lately, newest first")

    def with_recent(self, path: Path) -> Settings:
        """These settings with `path` as the newest of the recent files."""
        text = str(path)
        rest = [other for other in self.recent_files if other != text]
        return self.model_copy(update={"recent_files": tuple([text, *rest][:_RECENT_FILES_KEPT])})


def _file() -> Path:
    return config_folder() / "settings.json"


def load() -> Settings:
    """The stored settings; the defaults where there are none or they cannot be read, which is logged."""
    path = _file()
    try:
        return Settings.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, ValidationError) as error:
        _LOG.info("settings at %s are unreadable, defaults are used: %s", path, error)
        return Settings()


def save(settings: Settings) -> None:
    """Write the settings whole or not at all. Raises OSError where the folder cannot be written."""
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(settings.model_dump_json(indent=2))
    os.replace(file.name, path)  # noqa: PTH105 - atomic on every platform
