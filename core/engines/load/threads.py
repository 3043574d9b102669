"""One level of load on a model in this process: each client is a thread, and all of them share the loaded model.

That is a plain server with one thread for each client and without batches of its own: the threads share the cores, the
interpreter and the model's own threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from core.engines.load.levels import Level
from core.engines.load.turns import Turns
from core.jobs.results import LoadStep


def run_threads(
    level: Level,
    answer: Callable[[Sequence[str]], object],
    messages: Sequence[str],
    tokens_of: Callable[[object], int | None] = lambda said: None,
) -> LoadStep:
    """What a level showed; requests go round and round through `messages`, and `tokens_of` counts what an answer
    wrote. Raises the first error of an answer."""
    turns = Turns(level)
    errors: list[Exception] = []

    def client() -> None:
        try:
            while (turn := turns.take()) is not None:
                place, wait_s = turn
                if wait_s > 0.0:
                    time.sleep(wait_s)
                sent = time.perf_counter()
                said = answer([messages[place % len(messages)]])
                ended = time.perf_counter()
                turns.over(place, sent, ended=ended, tokens=tokens_of(said))
        except Exception as error:
            turns.stop()
            errors.append(error)

    clients = [threading.Thread(target=client, name=f"load-{number}") for number in range(level.clients)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    if errors:
        raise errors[0]
    return turns.step()
