"""One level of load on an endpoint: each client is a task; a request is sent once, whatever comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from core.engines.language.endpoint import Send
from core.engines.language.endpoint_trouble import RefusedRequest, TransientTrouble
from core.engines.language.question import Message
from core.engines.load.causes import failure_of
from core.engines.load.levels import Level
from core.engines.load.turns import Turns
from core.jobs.results import LoadStep

_POLL_S = 0.2


async def run_tasks(level: Level, send: Send, messages: Sequence[Message], on_wait: Callable[[], None]) -> LoadStep:
    """What a level showed; requests go round and round through `messages`.

    A request that the endpoint refuses or fails to answer counts as failed. `on_wait` is called several times a second
    and may raise, which ends the level. Raises UserError where the endpoint cannot be used.
    """
    turns = Turns(level)

    async def client() -> None:
        while (turn := turns.take()) is not None:
            place, wait_s = turn
            if wait_s > 0.0:
                await asyncio.sleep(wait_s)
            sent = time.perf_counter()
            try:
                said = (await send(messages[place % len(messages)])).generation
            except (TransientTrouble, RefusedRequest) as error:
                turns.over(place, sent, failure_of(error))
            else:
                # By the answer's own clock: what the client does before and after is no part of the endpoint's time.
                ended, first = _moment(sent, said.latency_ms), _moment(sent, said.time_to_first_token_ms)
                turns.over(place, sent, None, ended, first, said.time_per_output_token_ms, said.output_tokens)

    clients = [asyncio.create_task(client()) for _ in range(min(level.clients, level.requests))]
    try:
        pending: set[asyncio.Task[None]] = set(clients)
        while pending:
            on_wait()
            done, pending = await asyncio.wait(pending, timeout=_POLL_S, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
    finally:
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    return turns.step()


def _moment(sent: float, milliseconds: float | None) -> float | None:
    return None if milliseconds is None else sent + milliseconds / 1000.0
