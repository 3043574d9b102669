"""`tercet run` against an endpoint in trouble: one sentence, the key nowhere, nothing bought twice."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from command_line import tercet
from scripted_endpoint import (
    DONE,
    KEY,
    KEY_VARIABLE,
    Reply,
    Request,
    ScriptedEndpoint,
    chunk,
    completion,
    error,
    scripted_endpoint,
    usage,
)

STUDY = """
version: 1
name: Trouble
task: {{kind: generation, metric: exact_match, prompt: "Last word of: {{text}}"}}
data: {{file: rows.csv, columns: {{input: text, target: target}}, split: {{test: 0.5, calibration: 0.0}}}}
criteria: {{cost: {{monthly_requests: 1000}}}}
profiles: {{vendor: {{kind: api, price: {{per_million_requests: 100, source: x, as_of: 2026-01-01}}}}}}
candidates:
  - name: big
    role: teacher
    profile: vendor
    model: {{source: endpoint, base_url: '{url}', model: big-teacher, key_env: {key}}}
"""
ROWS = 16
HALF = [chunk(role="assistant"), chunk("half an ans")]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ScriptedEndpoint]:
    """A healthy server, and a study that asks it."""
    with scripted_endpoint(lambda number, request: said(request)) as endpoint:
        text = STUDY.format(url=endpoint.url, key=KEY_VARIABLE)
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([("text", "target"), *((f"row {row} ends", "ends") for row in range(ROWS))])
        yield endpoint


def said(request: Request) -> Reply:
    pieces = [chunk(role="assistant"), chunk(request.message.split()[-1]), chunk(finish="stop"), usage(), DONE]
    return Reply(stream=[(0.0, piece) for piece in pieces])


def run(folder: Path, status: int) -> str:
    """What `tercet run` prints; the key stands neither there nor in any file."""
    done = tercet("run", "study.yaml", "--study", "s.tercet", folder=folder, **{KEY_VARIABLE: KEY})
    assert done.returncode == status, done.stderr
    assert KEY not in done.stdout + done.stderr
    assert [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []
    return done.stderr


def result(folder: Path) -> float:
    done = tercet("results", "s.tercet", "--json", folder=folder)
    value: float = json.loads(done.stdout)["candidates"][0]["quality"]["value"]
    return value


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (error(401, f"key {KEY} has expired"), f"check {KEY_VARIABLE}, it may have expired"),
        (error(404, "no such model"), "knows no model big-teacher"),
        (Reply({"error": f"{KEY} again"}, 503, {"Retry-After": "0"}), "fails (status 503"),
    ],
    ids=["expired key", "wrong model", "server error"],
)
def test_trouble_midway_is_one_sentence_and_the_same_command_goes_on_from_there(
    tmp_path: Path, server: ScriptedEndpoint, reply: Reply, words: str
) -> None:
    server.script = lambda number, request: said(request) if number < 3 else reply
    told = run(tmp_path, 1)
    assert [words in line for line in told.splitlines()].count(True) == 1
    assert words in told.splitlines()[-1]
    bought = set(server.messages()[:3])
    asked = len(server.requests)
    server.script = lambda number, request: said(request)
    run(tmp_path, 0)
    again = server.messages()[asked:]
    assert len(again) == len(set(again)) == ROWS // 2 - 3
    assert not bought & set(again)
    assert result(tmp_path) == 1.0
    assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in server.requests)


def test_more_examples_than_train_has_rows_are_refused_before_anybody_is_asked(
    tmp_path: Path, server: ScriptedEndpoint
) -> None:
    study = tmp_path / "study.yaml"
    plain = study.read_text(encoding="utf-8")
    study.write_text(plain.replace('{text}"}', '{text}", few_shot: {examples: 9}}'), encoding="utf-8")
    refused = "task.few_shot.examples: 9 examples are asked for, and train has 8 different rows"
    assert refused in run(tmp_path, 2).splitlines()[-1]
    assert refused in run(tmp_path, 2).splitlines()[0]  # the rows are prepared, so nothing is begun
    assert server.requests == []
    study.write_text(plain.replace('{text}"}', '{text}", few_shot: {examples: 2}}'), encoding="utf-8")
    run(tmp_path, 0)
    assert all("Right answer: ends" in message for message in server.messages())


def test_a_stream_cut_in_the_middle_is_asked_again(tmp_path: Path, server: ScriptedEndpoint) -> None:
    cut = Reply(stream=[(0.0, piece) for piece in HALF], cut=True)
    server.script = lambda number, request: cut if number == 4 else said(request)
    run(tmp_path, 0)
    assert len(server.requests) == ROWS // 2 + 1
    assert result(tmp_path) == 1.0


def test_an_endpoint_that_ignores_streaming_is_measured_and_the_user_is_told(
    tmp_path: Path, server: ScriptedEndpoint
) -> None:
    server.script = lambda number, request: Reply(completion("ends"))
    assert "times of tokens are not measured" in run(tmp_path, 0)
    assert len(server.requests) == ROWS // 2


def test_empty_answers_are_no_result(tmp_path: Path, server: ScriptedEndpoint) -> None:
    server.script = lambda number, request: Reply(completion(""))
    assert "the answer is empty" in run(tmp_path, 1).splitlines()[-1]


def test_a_proxy_gets_the_password_of_the_environment_which_stands_in_no_file(
    tmp_path: Path, server: ScriptedEndpoint
) -> None:
    hidden = "p@ss-4f1c"
    coded = base64.b64encode(f"agent:{hidden}".encode()).decode()
    proxy = server.url.removesuffix("/v1").replace("http://", "http://agent:${TERCET_TEST_PROXY_PASSWORD}@")
    text = (tmp_path / "study.yaml").read_text(encoding="utf-8")
    text = text.replace(server.url, "http://vendor.example/v1").replace(
        "big-teacher,", f"big-teacher, proxy: '{proxy}',"
    )
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    command = ("run", "study.yaml", "--study", "s.tercet")
    done = tercet(*command, folder=tmp_path, **{KEY_VARIABLE: KEY})
    assert done.returncode == 2
    assert "TERCET_TEST_PROXY_PASSWORD is not set" in done.stderr
    done = tercet(*command, folder=tmp_path, TERCET_TEST_PROXY_PASSWORD=hidden, **{KEY_VARIABLE: KEY})
    assert done.returncode == 0, done.stderr
    assert {request.headers["proxy-authorization"] for request in server.requests} == {f"Basic {coded}"}
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for secret in (hidden, quote(hidden), coded):
        assert secret not in done.stdout + done.stderr
        assert not any(secret.encode() in held for held in files)


def test_a_load_test_most_of_whose_requests_fail_fails_with_their_cause_and_the_remedy(
    tmp_path: Path, server: ScriptedEndpoint
) -> None:
    study = tmp_path / "study.yaml"
    plan = "load: {concurrency: [1], requests: 20, arrivals: none}\n"
    study.write_text(study.read_text(encoding="utf-8") + plan, encoding="utf-8")
    quality, first = ROWS // 2, 10
    server.script = lambda number, request: said(request) if number < quality + first else error(429, "slow down")
    told = run(tmp_path, 1).splitlines()
    assert "most requests of the load test failed (20 of 20)" in told[-1]
    assert "status 429: slow down" in told[-1]
    assert "lower load.concurrency" in told[-1]
