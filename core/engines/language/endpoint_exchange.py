"""One request to an endpoint and its answer, whole or as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from core.engines.language.answer import Answer
from core.engines.language.endpoint_connection import SendTimer
from core.engines.language.endpoint_reply import read_reply
from core.engines.language.endpoint_request import RequestForm, request_url
from core.engines.language.endpoint_stream import StreamedReply
from core.engines.language.endpoint_trouble import Reach
from core.engines.language.question import Message
from core.i18n import english
from core.spec import EndpointModel

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Request, Response

_OK = 200
_EVENTS = {"Accept": "text/event-stream, application/json"}
# How long the end of a stream is waited for behind its last event, so that the connection can be used again.
_AFTER_DONE_S = 1.0


class Exchange:
    """Sends one message at a time, in the form that the endpoint takes, and reads what comes back. `log` hears once
    what an answer lacks; `keeps_steps` says that alternatives of each token are wanted."""

    def __init__(
        self,
        model: EndpointModel,
        client: AsyncClient,
        form: RequestForm,
        reach: Reach,
        log: Callable[[str], None],
        *,
        keeps_steps: bool,
    ) -> None:
        self._model = model
        self._url = request_url(model)
        self._client = client
        self._form = form
        self._reach = reach
        self._log = log
        self._keeps_steps = keeps_steps
        self._told_whole = self._told_uncounted = False

    async def answer(self, message: Message) -> Answer:
        """The answer. Raises TransientTrouble, RefusedRequest, UserError and what the client raises."""
        return await (self._streamed(message) if self._form.streams else self._whole(message))

    async def _whole(self, message: Message) -> Answer:
        timer = SendTimer()
        async with asyncio.timeout(self._model.timeout_s):
            response = await self._client.send(self._request(message, timer))
        latency_ms = timer.milliseconds()
        self._reach.check(response.status_code, response.headers, response.content)
        return read_reply(response.content, self._reach, latency_ms, self._keeps_steps)

    def _request(self, message: Message, timer: SendTimer, headers: dict[str, str] | None = None) -> Request:
        body, extensions = self._form.body(message), {"trace": timer.trace}
        return self._client.build_request("POST", self._url, json=body, headers=headers, extensions=extensions)

    async def _streamed(self, message: Message) -> Answer:
        """The answer as it comes. It may take as long as it does, but nothing may come for `timeout_s` at a time;
        comments, by which a server keeps a connection open, do not count."""
        reply = StreamedReply(self._reach)
        loop = asyncio.get_running_loop()
        timer = SendTimer()
        request = self._request(message, timer, _EVENTS)
        try:
            async with (
                asyncio.timeout(self._model.timeout_s) as limit,
                aclosing(await self._client.send(request, stream=True)) as response,
            ):
                if response.status_code != _OK or "json" in response.headers.get("content-type", ""):
                    content = await response.aread()
                    return self._unstreamed(response, content, timer.milliseconds())
                async for data in response.aiter_bytes():
                    if reply.take(data, timer.milliseconds()):
                        limit.reschedule(loop.time() + (_AFTER_DONE_S if reply.done else self._model.timeout_s))
        except Exception:
            # What goes wrong behind the last event takes nothing from the answer.
            if not reply.done:
                raise
        reply.end(timer.milliseconds())
        if not reply.begun:  # an answer at once, whatever its head calls it
            return self._unstreamed(response, reply.opening, timer.milliseconds())
        answer = reply.answer(self._keeps_steps)
        if answer.generation.output_tokens is None and self._form.asks_for_count and not self._told_uncounted:
            self._told_uncounted = True
            self._log(english("endpoint.log.no_usage"))
        return answer

    def _unstreamed(self, response: Response, content: bytes, latency_ms: float) -> Answer:
        """A refusal, or the whole answer of an endpoint that streams none."""
        self._reach.check(response.status_code, response.headers, content)
        answer = read_reply(content, self._reach, latency_ms, self._keeps_steps)
        if not self._told_whole:
            self._told_whole = True
            self._log(english("endpoint.log.not_streamed"))
        return answer
