"""A picture goes to the endpoint beside the text, and its answer is kept by what it shows."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_endpoint import Reply, Request, completion, scripted_endpoint

from core.domain import Picture
from core.engines.language import endpoint_connection
from core.engines.language.answer import Answer
from core.engines.language.answer_store import Asked
from core.engines.language.endpoint import Endpoint
from core.engines.language.endpoint_connection import SendTimer
from core.engines.language.picture_part import content_of
from core.engines.language.question import pictured
from core.engines.language.token_guess import TokenGuess
from core.errors import UserError

JPEG = b"\xff\xd8\xff\xe0 a photo"


def photo(folder: Path, name: str = "a.jpg", content: bytes = JPEG) -> Picture:
    path = folder / name
    path.write_bytes(content)
    return Picture(str(path), hashlib.sha256(content).hexdigest())


def test_a_file_goes_along_in_base64_and_an_address_as_it_is(tmp_path: Path) -> None:
    url = "data:image/jpeg;base64," + base64.b64encode(JPEG).decode()
    wanted = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}]
    assert content_of(pictured("what?", photo(tmp_path))) == wanted
    parts: Any = content_of(pictured("what?", Picture("https://host/a.jpg")))
    assert parts[1]["image_url"] == {"url": "https://host/a.jpg"}
    assert content_of("what?") == "what?"


def test_the_endpoint_sees_the_picture_of_its_row_alone(tmp_path: Path) -> None:
    def script(number: int, request: Request) -> Reply:
        return Reply(completion("a cat"))

    heard: list[Answer] = []
    with scripted_endpoint(script) as server:
        with Endpoint(server.model(images=True), 16) as endpoint:
            endpoint.ask([pictured("what?", photo(tmp_path))], lambda place, answer: heard.append(answer))
            endpoint.ask(["and?"], lambda place, answer: heard.append(answer))
        contents = [request.body["messages"][0]["content"] for request in server.requests]
    assert [part["type"] for part in contents[0]] == ["text", "image_url"]
    assert contents[1] == "and?"
    assert [answer.generation.text for answer in heard] == ["a cat", "a cat"]


def test_answers_are_kept_by_what_a_picture_shows_wherever_it_lies(tmp_path: Path) -> None:
    asked = Asked("https://host/v1", "m", {})
    here, there = photo(tmp_path), photo(tmp_path, "b.jpg")
    other = photo(tmp_path, "c.jpg", JPEG + b"!")
    assert asked.key(pictured("what?", here)) == asked.key(pictured("what?", there))
    assert len({asked.key(pictured("what?", one)) for one in (None, here, other, Picture("https://host/a.jpg"))}) == 4


def test_a_picture_that_changed_or_went_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    picture = photo(tmp_path)
    Path(picture.place).write_bytes(JPEG + b"!")
    with pytest.raises(UserError) as changed:
        content_of(pictured("what?", picture))
    Path(picture.place).unlink()
    with pytest.raises(UserError) as gone:
        content_of(pictured("what?", picture))
    assert (changed.value.code, gone.value.code) == ("endpoint.picture_changed", "endpoint.picture_missing")


def test_a_picture_is_guessed_as_a_thousand_tokens_until_the_server_counts() -> None:
    guess = TokenGuess(16, names_labels=True)
    text = guess.input_tokens("what?")
    assert guess.input_tokens(pictured("what?", Picture("https://host/a.jpg"))) == text + 1000.0


def test_time_counts_from_the_first_step_of_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 5.0, 5.25])
    monkeypatch.setattr(endpoint_connection, "time", SimpleNamespace(perf_counter=lambda: next(clock)))

    async def send() -> float:
        timer = SendTimer()  # at 0 s; it is sent at 5 s, and ended at 5.25 s
        await timer.trace("http11.send_request_headers.started", {})
        await timer.trace("http11.send_request_headers.complete", {})
        return timer.milliseconds()

    assert asyncio.run(send()) == pytest.approx(250.0)
