"""A picture as a part of a request."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from core.data.pictures import picture_type
from core.domain import Picture
from core.errors import UserError


def content_of(message: str, picture: Picture | None) -> str | list[dict[str, Any]]:
    """The content of a user message: its text alone, or with an `image_url` part as OpenAI documents it
    (https://platform.openai.com/docs/guides/images-vision); a file goes along in base64.

    Raises UserError for a file that is gone or has changed since the data was prepared.
    """
    if picture is None:
        return message
    url = picture.place if picture.sha256 is None else _data_url(Path(picture.place), picture.sha256)
    return [{"type": "text", "text": message}, {"type": "image_url", "image_url": {"url": url}}]


def _data_url(path: Path, sha256: str) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError("endpoint.picture_missing", path=str(path)) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UserError("endpoint.picture_changed", path=str(path))
    return f"data:{picture_type(content)};base64,{base64.b64encode(content).decode('ascii')}"
