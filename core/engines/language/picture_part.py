"""A picture as a part of a request."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from core.data.pictures import picture_type
from core.domain import Picture
from core.engines.language.question import Message, picture_mark, pictures_of, text_of
from core.errors import UserError


def content_of(message: Message) -> str | list[dict[str, Any]]:
    """The content of a user message: its text alone, or with `image_url` parts as OpenAI documents them
    (https://platform.openai.com/docs/guides/images-vision); a file goes along in base64. A picture that the text
    calls by its mark stands behind that mark.

    Raises UserError for a file that is gone or has changed since the data was prepared.
    """
    text, pictures = text_of(message), pictures_of(message)
    if not pictures:
        return text
    parts: list[dict[str, Any]] = [_text_part(text)]
    for number, picture in enumerate(pictures, start=1):
        mark = picture_mark(number)
        parts += [_text_part(mark)] if mark in text else []
        parts.append({"type": "image_url", "image_url": {"url": _url(picture)}})
    return parts


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _url(picture: Picture) -> str:
    return picture.place if picture.sha256 is None else _data_url(Path(picture.place), picture.sha256)


def _data_url(path: Path, sha256: str) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError("endpoint.picture_missing", path=str(path)) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UserError("endpoint.picture_changed", path=str(path))
    return f"data:{picture_type(content)};base64,{base64.b64encode(content).decode('ascii')}"
