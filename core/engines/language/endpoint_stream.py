"""An answer that an endpoint streams as server-sent events, and the times at which its parts came.

Events as the HTML standard has them (https://html.spec.whatwg.org/multipage/server-sent-events.html), their data as
OpenAI's chat completion chunks, with DeepSeek's `reasoning_content` and vLLM's `reasoning`. A chunk is not a token:
tokens are counted by the server's `usage`, else by the log-probabilities that it gives.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from typing import Any

from core.engines.language.answer import Answer
from core.engines.language.endpoint_reply import read_document
from core.engines.language.endpoint_trouble import Reach, TransientTrouble
from core.engines.language.generator import Generation
from core.metrics.reasoning import CLOSING

_DONE = "[DONE]"
_LINE_END = re.compile(rb"\r\n|\n|\r")
_SHOWN_BYTES = 1000
_REASONING = ("reasoning_content", "reasoning")


class Events:
    """The data of events out of bytes as they come in; comments and other fields are passed over."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[str] = []

    def feed(self, data: bytes) -> list[str]:
        """The data of the events that these bytes complete."""
        self._rest += data
        found = []
        # A carriage return at the very end may be the first half of a line's end.
        while (end := _LINE_END.search(self._rest)) is not None and self._rest[end.start() :] != b"\r":
            line, self._rest = self._rest[: end.start()], self._rest[end.end() :]
            if line.startswith(b"data:"):
                self._lines.append(line[5:].removeprefix(b" ").decode("utf-8", "replace"))
            elif not line and self._lines:
                found.append("\n".join(self._lines))
                self._lines = []
        return found

    def end(self) -> list[str]:
        """The data of an event that the end of the stream completes: not every server sends the last empty line."""
        return self.feed(b"\n\n")


class StreamedReply:
    """The parts of one answer with the milliseconds, from the moment of sending, at which they came.

    `begun` says whether any event has come, `done` whether the server said that it was the last. `opening` is what came
    before the first event, or the first bytes of the stream.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._events = Events()
        self.opening = b""
        self._content: list[tuple[float, str]] = []
        self._reasoning: list[tuple[float, str]] = []
        self._refusal: list[str] = []
        self._logprobs: list[Any] = []
        self._finish: Any = None
        self._usage: Any = None
        self._end_ms = 0.0
        self.begun = False
        self.done = False

    def take(self, data: bytes, at_ms: float) -> bool:
        """Read bytes that came at a moment; whether they complete an event. Raises TransientTrouble for an error that
        the server tells within the stream, and for what is no event of a chat completion."""
        if not self.begun or len(self.opening) < _SHOWN_BYTES:
            self.opening += data
        return self._read(self._events.feed(data), at_ms)

    def end(self, at_ms: float) -> None:
        """The stream has ended."""
        self._read(self._events.end(), at_ms)

    def _read(self, events: list[str], at_ms: float) -> bool:
        for event in events:
            if self.done:
                break
            self.begun, self._end_ms = True, at_ms
            if event.strip() == _DONE:
                self.done = True
            else:
                self._event(event, at_ms)
        return bool(events)

    def _event(self, event: str, at_ms: float) -> None:
        try:
            document = json.loads(event)
        except ValueError as error:
            words = self._reach.clean(event) or "-"
            raise TransientTrouble("endpoint.not_json", url=self._reach.url, words=words) from error
        if not isinstance(document, dict):
            return
        if document.get("error"):
            words = self._reach.clean(_words_of(document["error"]))
            raise TransientTrouble("endpoint.stream_error", url=self._reach.url, words=words)
        # Some servers count along in every chunk: the last count is the whole one.
        self._usage = document.get("usage") or self._usage
        choices = document.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            self._choice(choices[0], at_ms)

    def _choice(self, choice: dict[str, Any], at_ms: float) -> None:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            self._note(self._content, delta.get("content"), at_ms)
            self._note(self._reasoning, next((delta[name] for name in _REASONING if delta.get(name)), None), at_ms)
            if isinstance(delta.get("refusal"), str):
                self._refusal.append(delta["refusal"])
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, dict) and isinstance(logprobs.get("content"), list):
            self._logprobs += logprobs["content"]
        self._finish = choice.get("finish_reason") or self._finish

    @staticmethod
    def _note(parts: list[tuple[float, str]], text: Any, at_ms: float) -> None:
        if isinstance(text, str) and text:
            parts.append((at_ms, text))

    def answer(self, keep_steps: bool) -> Answer:
        """The whole answer with its times. Raises TransientTrouble where the stream broke off, or was none."""
        if not self.begun:
            words = self._reach.clean(self.opening[:_SHOWN_BYTES].decode("utf-8", "replace")) or "-"
            raise TransientTrouble("endpoint.not_json", url=self._reach.url, words=words)
        if self._finish is None and not self.done:
            raise TransientTrouble("endpoint.stream_cut", url=self._reach.url)
        message = {
            "content": "".join(text for _, text in self._content),
            "reasoning_content": "".join(text for _, text in self._reasoning),
            "refusal": "".join(self._refusal) or None,
        }
        choice = {
            "message": message,
            "finish_reason": self._finish or "stop",
            "logprobs": {"content": self._logprobs} if self._logprobs else None,
        }
        document = {"choices": [choice], "usage": self._usage}
        answer = read_document(document, self._reach, self._end_ms, keep_steps, self.opening)
        return replace(answer, generation=self._timed(answer.generation))

    def _timed(self, said: Generation) -> Generation:
        """The generation with its times; null where no token of the kind came."""
        parts = sorted([*self._content, *self._reasoning], key=lambda part: part[0])
        first = _moment(parts, 0)
        written = "".join(text for _, text in self._content)
        tokens = said.output_tokens if said.output_tokens is not None else len(self._logprobs) or None
        times = [at for at, text in parts if text]
        seen = None if tokens is None else tokens - (said.hidden_tokens or 0)
        between = None
        # What came all at once says nothing of the time between its tokens.
        if first is not None and seen is not None and seen > 1 and times[-1] > first:
            between = (times[-1] - first) / (seen - 1)
        return replace(
            said,
            output_tokens=tokens,
            time_to_first_token_ms=first,
            time_to_first_output_token_ms=_moment(self._content, written.rfind(CLOSING) + len(CLOSING))
            if CLOSING in written
            else _moment(self._content, 0),
            time_per_output_token_ms=between,
            inter_token_ms=tuple(round(after - before, 3) for before, after in itertools.pairwise(times)),
        )


def _moment(parts: list[tuple[float, str]], begin: int) -> float | None:
    """When the first character came that is no white space and stands at `begin` or after it; null where none did."""
    position = 0
    for at_ms, text in parts:
        if text[max(0, begin - position) :].strip():
            return at_ms
        position += len(text)
    return None


def _words_of(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    return "; ".join(str(error[name]) for name in ("message", "code", "type") if error.get(name)) or json.dumps(error)
