"""What is sent to an endpoint, and what it was found not to take."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from core.engines.language.answer_store import Asked
from core.engines.language.picture_part import content_of
from core.engines.language.question import Message
from core.errors import UserError
from core.i18n import english
from core.spec import EndpointModel

TOP_LOGPROBS = 20
_FEWER_LOGPROBS = 5
_PATH = "/chat/completions"
# The word itself: a server may speak of what is upstream of it.
_STREAM = re.compile(r"\bstream")
_OURS = ("messages", "model", "n", "stream", "stream_options", "logprobs", "top_logprobs")


def request_url(model: EndpointModel) -> str:
    """The address of chat completions; `base_url` may be that address itself."""
    base = model.base_url.rstrip("/")
    return base if base.endswith(_PATH) else f"{base}{_PATH}"


class RequestForm:
    """Makes the bodies of requests, greedy unless the model's `body` says otherwise; a null there leaves a field out.

    `top_logprobs` is how many alternatives of each token are wanted; `streams` whether answers are to come bit by bit.
    What the endpoint refuses is left out of later requests, and `log` hears of it once a request is answered without:
    one that is refused in every form is refused for what it says, unless none is ever answered.
    Raises UserError for a body that names what Tercet itself must set.
    """

    def __init__(
        self,
        model: EndpointModel,
        max_output_tokens: int,
        top_logprobs: int,
        log: Callable[[str], None],
        streams: bool = False,
    ) -> None:
        for name in _OURS:
            if name in model.body:
                raise UserError("endpoint.body_field", name=name)
        self._model = model
        self._log = log
        self._wanted = top_logprobs
        self._logprobs: int | None = top_logprobs
        limit = {} if "max_completion_tokens" in model.body else {"max_tokens": max_output_tokens}
        self._settings: dict[str, Any] = {"temperature": 0, **limit, **model.body}
        self._sent = {name: value for name, value in self._settings.items() if value is not None}
        self._settled = False
        self._counts = streams
        self.streams = streams
        self._taken = self._form
        self._untold: list[str] = []
        self._refused: list[str] = []

    def asked(self) -> Asked:
        """Who is asked and how, as the user means it: what an endpoint refuses changes no answer's name."""
        return Asked(
            self._model.base_url.rstrip("/").removesuffix(_PATH),
            self._model.model,
            {"body": self._settings, "logprobs": self._wanted},
        )

    def body(self, message: Message) -> dict[str, Any]:
        """The body of one request. Raises UserError for a picture that is not what it was."""
        body: dict[str, Any] = {
            "model": self._model.model,
            "messages": [{"role": "user", "content": content_of(message)}],
            **self._sent,
            "stream": self.streams,
        }
        if self.streams and self._counts:
            body["stream_options"] = {"include_usage": True}
        if self._logprobs is not None:
            body["logprobs"] = True
        if self._logprobs:
            body["top_logprobs"] = self._logprobs
        return body

    @property
    def _form(self) -> tuple[int | None, bool, bool]:
        """What is asked for beside the answer itself."""
        return self._logprobs, self._counts, self.streams

    @property
    def asks_for_count(self) -> bool:
        """Whether a streamed answer is to end with the count of its tokens."""
        return self.streams and self._counts

    def accepted(self) -> None:
        """A request was answered: what was left out for it stays out, and a later refusal is about that one request,
        not about the fields."""
        self._settled, self._taken = True, self._form
        self.tell_refused()
        for code in self._untold:
            self._log(english(code))
        self._untold.clear()

    def restore(self, words: str) -> None:
        """Ask for everything again that was left out since the last answer, for a request that is refused in every form
        with those words."""
        if self._form == self._taken:
            return
        self._logprobs, self._counts, self.streams = self._taken
        self._untold.clear()
        self._refused.append(words)
        if self._settled:  # before any answer it may be the endpoint that refuses everything
            self.tell_refused()

    def tell_refused(self) -> None:
        """Let `log` hear of the requests that were refused in every form, where it has not yet."""
        for words in self._refused:
            self._log(english("endpoint.log.asked_whole_again", words=words))
        self._refused.clear()

    def adapt(self, words: str) -> bool:
        """Leave out what the endpoint refuses, by its own words, else what it may refuse; whether asking again makes
        sense."""
        text = words.lower()
        if "max_completion_tokens" in text and "max_tokens" in self._sent:
            self._sent["max_completion_tokens"] = self._sent.pop("max_tokens")
            return True
        if "temperature" in text and "temperature" in self._sent and "temperature" not in self._model.body:
            del self._sent["temperature"]
            self._untold.append("endpoint.log.no_temperature")
            return True
        if _STREAM.search(text) and self._stream_less():
            return True
        if self._settled and "logprob" not in text:
            return False
        if self._logprobs is None:
            return not self._settled and self._stream_less()
        self._logprobs = _FEWER_LOGPROBS if self._logprobs > _FEWER_LOGPROBS else None
        if self._logprobs is None:
            self._untold.append("endpoint.log.no_logprobs")
        return True

    def _stream_less(self) -> bool:
        """Ask for no count at a stream's end, then for no stream; whether there was anything to leave out."""
        if not self.streams:
            return False
        if self._counts:
            self._counts = False
            self._untold.append("endpoint.log.no_usage")
        else:
            self.streams = False
            self._untold.append("endpoint.log.no_stream")
        return True
