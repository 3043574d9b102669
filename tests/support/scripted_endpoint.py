"""A real HTTP server on this machine that plays an OpenAI-compatible endpoint, well behaved or not."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from core.spec import EndpointModel

KEY = "sk-secret-9f2c71d0"
KEY_VARIABLE = "TERCET_TEST_ENDPOINT_KEY"


@dataclass(frozen=True)
class Request:
    """What the server was sent."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float

    @property
    def message(self) -> str:
        return str(self.body["messages"][-1]["content"])


@dataclass(frozen=True)
class Reply:
    """What the server says. `cut` announces more bytes than it sends.

    `stream` are pieces of a body, each sent after a pause in seconds; `cut` then ends the connection behind the last.
    """

    document: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    delay_s: float = 0.0
    cut: bool = False
    stream: Sequence[tuple[float, bytes]] | None = None


Script = Callable[[int, Request], Reply]


def completion(
    text: str | None,
    finish: str | None = "stop",
    logprobs: list[dict[str, Any]] | None = None,
    **message: Any,
) -> dict[str, Any]:
    """A chat completion as OpenAI documents it."""
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": finish,
        "logprobs": None if logprobs is None else {"content": logprobs},
    }
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return {"id": "c1", "object": "chat.completion", "choices": [choice], "usage": usage}


def token(text: str, probability: float, **others: float) -> dict[str, Any]:
    """One entry of `logprobs.content`; `others` are alternatives with their probabilities."""
    every = {text: probability, **others}
    return {
        "token": text,
        "logprob": math.log(probability),
        "bytes": list(text.encode()),
        "top_logprobs": [
            {"token": other, "logprob": math.log(value), "bytes": list(other.encode())}
            for other, value in every.items()
        ],
    }


def chunk(
    content: str | None = None,
    *,
    finish: str | None = None,
    logprobs: list[dict[str, Any]] | None = None,
    **delta: Any,
) -> bytes:
    """One event of a streamed chat completion as OpenAI documents it; `delta` are further parts, such as the role."""
    told = {**({} if content is None else {"content": content}), **delta}
    choice = {
        "index": 0,
        "delta": told,
        "finish_reason": finish,
        "logprobs": None if logprobs is None else {"content": logprobs},
    }
    return event({"id": "c1", "object": "chat.completion.chunk", "choices": [choice]})


def usage(output_tokens: int = 3, input_tokens: int = 7, **more: Any) -> bytes:
    """The event that counts, behind the last choice; `more` are further counts."""
    counted = {"prompt_tokens": input_tokens, "completion_tokens": output_tokens, **more}
    return event({"id": "c1", "object": "chat.completion.chunk", "choices": [], "usage": counted})


def event(document: Any) -> bytes:
    """A server-sent event."""
    return f"data: {json.dumps(document)}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def error(status: int, message: str, **more: Any) -> Reply:
    """A refusal in OpenAI's form."""
    return Reply({"error": {"message": message, "type": "error", **more}}, status)


class ScriptedEndpoint:
    """The server; `requests` are those it got, in order, over so many `connections`. `script` says what the nth (from
    0) is answered with."""

    _ports_used: ClassVar[set[int]] = set()

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._server = self._bound(type("Handler", (_Handler,), {"endpoint": self}))
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @classmethod
    def _bound(cls, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
        """A server on a port that none had before: what was bought is kept by address, and the system reuses ports."""
        while True:
            server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
            if server.server_address[1] not in cls._ports_used:
                cls._ports_used.add(server.server_address[1])
                return server
            server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def model(self, **more: Any) -> EndpointModel:
        """The endpoint as a study file names it."""
        return EndpointModel(source="endpoint", base_url=self.url, model="big-teacher", **more)

    def messages(self) -> list[str]:
        """What was asked, in order."""
        return [request.message for request in self.requests]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers by the script of the endpoint that it belongs to."""

    endpoint: ScriptedEndpoint
    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True
    # Head and body leave as one packet: two would wait for each other's acknowledgement.
    wbufsize = 1 << 16

    def setup(self) -> None:
        with self.endpoint._lock:
            self.endpoint.connections += 1
        super().setup()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body, time.monotonic())
        with self.endpoint._lock:
            number = len(self.endpoint.requests)
            self.endpoint.requests.append(request)
        self._answer(self.endpoint.script(number, request))

    def _answer(self, reply: Reply) -> None:
        if reply.delay_s:
            time.sleep(reply.delay_s)
        if reply.stream is not None:
            self._stream(reply)
            return
        data = reply.raw if reply.raw is not None else json.dumps(reply.document).encode()
        try:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data) + (50 if reply.cut else 0)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            self.close_connection = True
        if reply.cut:
            self.close_connection = True

    def _stream(self, reply: Reply) -> None:
        try:
            self.send_response(reply.status)
            for name, value in {"Content-Type": "text/event-stream", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            for pause_s, piece in reply.stream or ():
                time.sleep(pause_s)
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.flush()
            if not reply.cut:
                self.wfile.write(b"0\r\n\r\n")
                self.wfile.flush()
        except OSError:
            self.close_connection = True
        if reply.cut:
            self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name in the library
        pass


@contextmanager
def scripted_endpoint(script: Script) -> Iterator[ScriptedEndpoint]:
    """A running server, ended with all its threads."""
    server = ScriptedEndpoint(script)
    try:
        yield server
    finally:
        server.close()
