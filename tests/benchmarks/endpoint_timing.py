"""The times that Tercet measures of a streaming endpoint, against those at which a scripted server really wrote.

    python tests/benchmarks/endpoint_timing.py [--requests 100]

The server is a process of its own on this machine. It writes down, on the system's monotonic clock, when the head of a
request had arrived and when each chunk left; what Tercet measures from the moment of sending is held against that. So
the error counts the way of request and answer as Tercet's. Scenarios: a role-only first chunk, several tokens
a chunk, reasoning before the answer, a stall within the answer, and all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from typing import Any

import numpy as np

SCENARIOS: dict[str, list[tuple[float, str, str]]] = {
    "role first": [(0.005, "role", ""), (0.040, "content", "yes"), *[(0.010, "content", " and")] * 10],
    "several tokens a chunk": [(0.030, "content", "one two three four"), *[(0.020, "content", " five six seven")] * 6],
    "reasoning": [(0.020, "reasoning_content", "so"), *[(0.008, "reasoning_content", " then")] * 12,
                  *[(0.008, "content", " yes")] * 6],
    "stall": [(0.020, "content", "yes"), *[(0.005, "content", " and")] * 5, (0.300, "content", " no"),
              *[(0.005, "content", " or")] * 5],
}  # fmt: skip
SCENARIOS["all"] = [(0.005, "role", ""), *SCENARIOS["reasoning"], *SCENARIOS["stall"]]


def serve() -> None:
    """Answer requests by the scenario that their message names; its stamps are told in an event of the same stream."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            arrived = time.perf_counter()
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l")
            )
            body = json.loads(await reader.readexactly(length))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            stamps = []
            for pause_s, name, text in SCENARIOS[body["messages"][0]["content"].partition("#")[0]]:
                await asyncio.sleep(pause_s)
                delta = {"role": "assistant"} if name == "role" else {name: text}
                event = _event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
                stamps.append((time.perf_counter() - arrived, name, text))
                writer.write(event)
                await writer.drain()
            tokens = sum(len(text.split()) for _, _, text in stamps)
            writer.write(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
            await writer.drain()
            end = time.perf_counter() - arrived
            counted = {"prompt_tokens": 5, "completion_tokens": tokens}
            # Where Tercet ignores it, and this script finds it.
            writer.write(_event({"choices": [], "usage": counted, "stamps": stamps, "end": end}) + _event(None))
            writer.write(b"0\r\n\r\n")
            await writer.drain()

    async def main() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(main())


def _event(document: Any) -> bytes:
    data = b"data: " + (b"[DONE]" if document is None else json.dumps(document).encode()) + b"\n\n"
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def measure(requests: int) -> None:
    """Ask every scenario so many times and print how far the times are off."""
    from core.engines.language import endpoint_stream
    from core.engines.language.endpoint import Endpoint
    from core.spec import EndpointModel

    told: list[Any] = []
    plain = endpoint_stream.StreamedReply._event

    def noted(self: Any, event: str, at_ms: float) -> None:
        document = json.loads(event)
        if "stamps" in document:
            told.append(document)
        plain(self, event, at_ms)

    endpoint_stream.StreamedReply._event = noted  # type: ignore[method-assign]  # listens in on what Tercet ignores
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        model = EndpointModel(
            source="endpoint", base_url=f"http://127.0.0.1:{int(server.stdout.readline())}", model="m"
        )
        print(
            "| scenario | figure | true ms | error p50 ms | error p95 ms | error p50 % |\n|---|---|---:|---:|---:|---:|"
        )
        with Endpoint(model, 64, streams=True) as endpoint:
            for scenario in SCENARIOS:
                _scenario(scenario, endpoint, told, requests)
        server.kill()


def _scenario(scenario: str, endpoint: Any, told: list[Any], requests: int) -> None:
    told.clear()
    answers: list[Any] = []
    for number in range(requests + 1):
        endpoint.ask([f"{scenario}#{number}"], lambda place, answer: answers.append(answer.generation))
    # The first one pays for the connection.
    true = [_true(document) for document in told[1:]]
    for figure in ("time_to_first_token_ms", "time_to_first_output_token_ms", "time_per_output_token_ms", "latency_ms"):
        wanted = np.array([one[figure] for one in true])
        off = np.abs(np.array([getattr(answer, figure) for answer in answers[1:]]) - wanted)
        middle, high = np.percentile(off, [50, 95])
        print(
            f"| {scenario} | {figure} | {np.median(wanted):.2f} | {middle:.3f} | {high:.3f} "
            f"| {100 * middle / np.median(wanted):.2f} |"
        )


def _true(document: dict[str, Any]) -> dict[str, float]:
    stamps = [(1000 * at, name) for at, name, text in document["stamps"] if text]
    written = [at for at, name in stamps if name == "content"]
    tokens = document["usage"]["completion_tokens"]
    return {
        "time_to_first_token_ms": stamps[0][0],
        "time_to_first_output_token_ms": written[0],
        "time_per_output_token_ms": (stamps[-1][0] - stamps[0][0]) / (tokens - 1),
        "latency_ms": 1000 * document["end"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--serve", action="store_true")
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
    else:
        measure(arguments.requests)
