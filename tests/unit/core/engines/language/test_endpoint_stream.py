"""A streamed answer is read as it comes, its tokens timed from the moment of sending; half an answer is none."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from scripted_endpoint import (
    DONE,
    KEY,
    KEY_VARIABLE,
    Reply,
    Request,
    Script,
    chunk,
    completion,
    error,
    event,
    scripted_endpoint,
    token,
    usage,
)

from core.engines.language.answer import Answer, answer_document, answer_of
from core.engines.language.endpoint import ATTEMPTS, Endpoint
from core.engines.language.endpoint_stream import Events, StreamedReply
from core.engines.language.endpoint_trouble import Reach, TransientTrouble
from core.engines.language.generator import Generation
from core.errors import UserError

REACH = Reach("http://localhost/v1", "big", ("sk-hidden",), "KEY")

pytestmark = pytest.mark.usefixtures("short_pauses")


def told(text: str = "the answer", tokens: int = 3) -> list[tuple[float, bytes]]:
    """A well-behaved stream: a role, two pieces, the end, the count, the mark."""
    half = len(text) // 2
    pieces = (chunk("", role="assistant"), chunk(text[:half]), chunk(text[half:]), chunk(finish="stop"), usage(tokens))
    return [(0.0, piece) for piece in (*pieces, DONE)]


def read(*pieces: tuple[float, bytes], keep_steps: bool = False) -> Answer:
    """The answer of pieces that come at given milliseconds."""
    reply = StreamedReply(REACH)
    for at_ms, piece in pieces:
        reply.take(piece, at_ms)
    reply.end(pieces[-1][0])
    return reply.answer(keep_steps)


class Asked:
    """What came of asking some messages of a streaming endpoint."""

    def __init__(self, script: Script, rows: int = 3, top: int = 0, **model: Any) -> None:
        self.answers: dict[int, Answer] = {}
        self.log: list[str] = []
        self.error: UserError | None = None
        with scripted_endpoint(script) as server:
            with Endpoint(server.model(**model), 16, top, self.log.append, streams=True) as endpoint:
                try:
                    endpoint.ask([f"m{row}" for row in range(rows)], self.answers.__setitem__)
                except UserError as refusal:
                    self.error = refusal
                self.sent = endpoint.sent
            self.requests = server.requests


def test_a_stream_is_asked_for_with_its_count_and_read_whole() -> None:
    asked = Asked(lambda number, request: Reply(stream=told(f"said {request.message}")))
    body = asked.requests[0].body
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert [asked.answers[row].generation.text for row in range(3)] == ["said m0", "said m1", "said m2"]
    said = asked.answers[0].generation
    assert (said.input_tokens, said.output_tokens, said.finish_reason) == (7, 3, "stop")
    assert asked.log == []


def test_connections_are_used_again_after_a_stream() -> None:
    asked = Asked(lambda number, request: Reply(stream=told()), rows=1)
    assert asked.error is None
    with scripted_endpoint(lambda number, request: Reply(stream=told())) as server:
        with Endpoint(server.model(), 16, streams=True) as endpoint:
            for _ in range(3):
                endpoint.ask(["m"], lambda place, answer: None)
        clients = {request.headers.get("connection") for request in server.requests}
        assert clients == {"keep-alive"}
        assert server.connections == 1


def test_times_are_of_tokens_as_the_server_counts_them_and_gaps_of_chunks() -> None:
    said = read(
        (10.0, chunk("", role="assistant")),
        (50.0, chunk("one two")),
        (90.0, chunk(" three four")),
        (90.5, chunk(" five")),
        (130.0, chunk(finish="stop")),
        (131.0, usage(output_tokens=6)),
        (132.0, DONE),
    ).generation
    assert said.text == "one two three four five"
    assert said.time_to_first_token_ms == 50.0
    assert said.time_to_first_output_token_ms == 50.0
    assert said.time_per_output_token_ms == pytest.approx((90.5 - 50.0) / 5)
    assert said.inter_token_ms == (40.0, 0.5), "three chunks have two gaps, however many tokens they hold"
    assert said.latency_ms == 132.0


def ten_apart(chunks: int, counted: bytes) -> Generation:
    """An answer in chunks 10 ms apart, and its count."""
    parts = [(10.0 * place, chunk(f"w{place} ")) for place in range(1, chunks + 1)]
    end = 10.0 * chunks
    return read(*parts, (end, chunk(finish="stop")), (end + 1.0, counted), (end + 2.0, DONE)).generation


def reasoned(tokens: int) -> dict[str, Any]:
    return {"completion_tokens_details": {"reasoning_tokens": tokens}}


def test_hidden_reasoning_is_counted_and_takes_no_part_in_the_time_of_each_token() -> None:
    said = ten_apart(11, usage(1011, **reasoned(1000)))
    assert (said.output_tokens, said.hidden_tokens) == (1011, 1000)
    assert said.time_per_output_token_ms == pytest.approx(10.0)


def test_reasoning_that_is_streamed_or_counted_beside_the_answer_hides_no_tokens() -> None:
    shown = read(
        (10.0, thought("reasoning_content", "let me")),
        (20.0, thought("reasoning_content", " think")),
        (30.0, chunk("yes")),
        (40.0, chunk(finish="stop")),
        (41.0, usage(3, **reasoned(2))),
    ).generation
    assert shown.hidden_tokens is None
    assert shown.time_per_output_token_ms == pytest.approx(10.0)
    beside = ten_apart(11, usage(11, 7, total_tokens=23, **reasoned(5)))
    assert beside.hidden_tokens is None
    assert beside.time_per_output_token_ms == pytest.approx(10.0)


@pytest.mark.parametrize("counted", [usage(6), usage(1006, **reasoned(1000))])
def test_the_further_tokens_of_an_answer_in_one_chunk_are_not_timed(counted: bytes) -> None:
    said = ten_apart(1, counted)
    assert said.time_to_first_token_ms == 10.0
    assert (said.time_per_output_token_ms, said.inter_token_ms) == (None, ())


def thought(name: str, text: str) -> bytes:
    return event({"choices": [{"index": 0, "delta": {name: text}, "finish_reason": None}]})


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_apart_begins_the_tokens_and_the_answer_has_a_first_one_of_its_own(name: str) -> None:
    said = read(
        (5.0, chunk(role="assistant", content=None)),
        (20.0, thought(name, "let me ")),
        (30.0, thought(name, "think")),
        (70.0, chunk("\n\n")),
        (80.0, chunk("yes")),
        (81.0, chunk(finish="stop")),
        (82.0, DONE),
    ).generation
    assert (said.reasoning, said.text) == ("let me think", "yes")
    assert (said.time_to_first_token_ms, said.time_to_first_output_token_ms) == (20.0, 80.0)


def test_reasoning_within_the_answer_is_told_apart_also_where_its_mark_is_torn() -> None:
    pieces = ("<think>", "so", "</thi", "nk>", " ", "yes", " indeed")
    parts = [(10.0 * place, chunk(piece)) for place, piece in enumerate(pieces, start=1)]
    said = read(*parts, (90.0, chunk(finish="stop"))).generation
    assert (said.reasoning, said.text) == ("so", "yes indeed")
    assert (said.time_to_first_token_ms, said.time_to_first_output_token_ms) == (10.0, 60.0)


def test_without_a_count_tokens_are_those_of_the_log_probabilities_or_unknown() -> None:
    parts = [(10.0, chunk("a b", logprobs=[token("a", 0.9), token(" b", 0.8)])), (30.0, chunk(finish="length"))]
    said = read(*parts, keep_steps=True)
    assert said.generation.output_tokens == 2
    assert [step.token for step in said.steps] == ["a", " b"]
    assert said.generation.finish_reason == "length"
    bare = read((10.0, chunk("a b")), (20.0, chunk(" c")), (30.0, chunk(finish="stop"))).generation
    assert (bare.output_tokens, bare.time_per_output_token_ms) == (None, None)
    assert bare.time_to_first_token_ms == 10.0


def split(data: bytes, size: int) -> Iterator[bytes]:
    for begin in range(0, len(data), size):
        yield data[begin : begin + size]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_events_are_found_wherever_the_network_tears_them(size: int, line_end: bytes) -> None:
    text = b': keep-alive\n\nevent: message\nid: 4\ndata: {"a": \ndata:"\xe4\xbd\xa0"}\n\n\n\ndata: [DONE]'
    events = Events()
    found = [one for piece in split(text.replace(b"\n", line_end), size) for one in events.feed(piece)]
    assert [*found, *events.end()] == ['{"a": \n"你"}', "[DONE]"]


@pytest.mark.parametrize(
    ("pieces", "finish"),
    [
        ([chunk("yes"), DONE], "stop"),
        ([chunk("yes", finish="stop")], "stop"),
        ([chunk("y", finish="length")], "length"),
    ],
    ids=["the mark alone", "the reason alone", "the limit"],
)
def test_a_reason_or_the_mark_makes_an_answer_complete(pieces: Sequence[bytes], finish: str) -> None:
    assert read(*[(1.0, piece) for piece in pieces]).generation.finish_reason == finish


def test_a_stream_that_ends_without_either_is_half_an_answer() -> None:
    with pytest.raises(TransientTrouble) as trouble:
        read((1.0, chunk("half an ans")))
    assert trouble.value.code == "endpoint.stream_cut"


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        (Reply(stream=[(0.0, chunk("half"))]), "endpoint.stream_cut", "broke"),
        (Reply(stream=[(0.0, chunk("half"))], cut=True), "endpoint.cut_off", "broke off"),
        (
            Reply(stream=[(0.0, event({"error": {"message": "out of blocks"}}))]),
            "endpoint.stream_error",
            "out of blocks",
        ),
        (Reply(stream=[(0.0, b'data: {"choi\n\n')]), "endpoint.not_json", "choi"),
        (Reply(stream=[(0.0, b"<html>gateway</html>")]), "endpoint.not_json", "gateway"),
        (error(429, "slow down"), "endpoint.busy", "slow down"),
        (error(500, "on fire"), "endpoint.server_error", "on fire"),
    ],
    ids=["no end", "cut", "error within", "torn JSON", "no events", "429", "500"],
)
def test_what_is_no_whole_answer_is_asked_again_and_then_told_in_one_sentence(
    reply: Reply, code: str, words: str
) -> None:
    asked = Asked(lambda number, request: reply if number < 2 else Reply(stream=told()))
    assert asked.error is None
    assert len(asked.answers) == 3
    assert asked.sent == 3 + 2
    never = Asked(lambda number, request: reply)
    assert never.error is not None
    assert (never.error.code, never.sent, never.answers) == (code, ATTEMPTS, {})
    assert words in never.error.text


@pytest.mark.parametrize(
    ("status", "code"), [(401, "endpoint.key_refused"), (403, "endpoint.forbidden"), (404, "endpoint.not_there")]
)
def test_a_refused_key_or_an_unknown_model_stops_at_once(status: int, code: str) -> None:
    asked = Asked(lambda number, request: error(status, "no such model: big-teacher"))
    assert asked.error is not None
    assert (asked.error.code, asked.sent) == (code, 1)


def test_a_stall_within_an_answer_times_out_and_a_slow_answer_does_not() -> None:
    stalled = [(0.0, chunk("wait")), (1.0, chunk(" for it", finish="stop")), (0.0, DONE)]
    comments = [(0.0, chunk("wait")), *[(0.05, b": still there\n\n")] * 12, (0.0, DONE)]
    for stream in (stalled, comments):
        asked = Asked(lambda number, request, stream=stream: Reply(stream=stream), rows=1, timeout_s=0.3)  # type: ignore[misc]
        assert asked.error is not None
        assert asked.error.code == "endpoint.timeout"
    slow = [(0.15, chunk(piece)) for piece in "abcd"]
    asked = Asked(lambda number, request: Reply(stream=[*slow, (0.0, DONE)]), rows=1, timeout_s=0.4)
    assert asked.answers[0].generation.text == "abcd"
    assert (asked.answers[0].generation.latency_ms or 0.0) > 550.0


@pytest.mark.parametrize("head", [{"Content-Type": "application/json"}, {}, {"Content-Type": "text/event-stream"}])
def test_an_endpoint_that_ignores_streaming_is_read_all_the_same_and_that_is_told_once(head: dict[str, str]) -> None:
    asked = Asked(lambda number, request: Reply(completion("whole"), headers=head), rows=4)
    assert [asked.answers[row].generation.text for row in range(4)] == ["whole"] * 4
    assert asked.answers[0].generation.time_to_first_token_ms is None
    assert asked.answers[0].generation.latency_ms is not None
    assert len([line for line in asked.log if "does not stream" in line]) == 1


def refusing(*names: str) -> Script:
    """A server that refuses fields by name."""

    def script(number: int, request: Request) -> Reply:
        for name in names:
            if request.body.get(name):
                return error(400, f"unknown field: {name}")
        if request.body["stream"]:
            return Reply(stream=[*told()[:4], (0.0, DONE)])
        return Reply(completion("whole"), headers={"Content-Type": "application/json"})

    return script


@pytest.mark.parametrize(
    ("words", "finish", "sent", "log"),
    [
        ("content filter", "failed", 5, "the endpoint refuses one row in every form (content filter; error)"),
        ("refused upstream", "failed", 5, "the endpoint refuses one row in every form (refused upstream; error)"),
        ("maximum context length is 9", "too_long", 1, None),
    ],
)
def test_of_a_first_row_that_is_refused_for_what_it_says_nothing_is_said_about_streaming(
    words: str, finish: str, sent: int, log: str | None
) -> None:
    def script(number: int, request: Request) -> Reply:
        return error(400, words) if request.message == "m0" else Reply(stream=told())

    asked = Asked(script)
    assert asked.answers[0].generation.finish_reason == finish
    assert [request.message for request in asked.requests].count("m0") == sent
    assert all(request.body["stream"] for request in asked.requests if request.message != "m0")
    assert all(answer.generation.time_to_first_token_ms for row, answer in asked.answers.items() if row)
    assert [line.partition(";")[0] for line in asked.log] == ([] if log is None else [log.partition(";")[0]])


def test_a_server_that_counts_no_tokens_without_saying_so_is_told_once() -> None:
    pieces = [(0.0, piece) for piece in (chunk("a"), chunk("b", finish="stop"), DONE)]
    asked = Asked(lambda number, request: Reply(stream=pieces))
    assert {answer.generation.output_tokens for answer in asked.answers.values()} == {None}
    assert asked.log == ["the endpoint does not count the tokens of streamed answers"]


def test_what_an_endpoint_refuses_of_streaming_is_left_out_from_then_on() -> None:
    uncounted = Asked(refusing("stream_options"), rows=2)
    assert uncounted.answers[1].generation.text == "the answer"
    assert uncounted.answers[1].generation.output_tokens is None
    assert uncounted.sent == 3
    whole = Asked(refusing("stream_options", "stream"), rows=2)
    assert whole.answers[1].generation.text == "whole"
    assert whole.sent == 4
    assert any("refuses to stream" in line for line in whole.log)


def test_what_goes_wrong_behind_the_last_event_takes_nothing_from_the_answer() -> None:
    asked = Asked(lambda number, request: Reply(stream=told("kept"), cut=True), rows=2)
    assert [asked.answers[row].generation.text for row in range(2)] == ["kept", "kept"]
    assert asked.sent == 2


def test_an_injected_stall_shows_in_the_gaps_between_tokens() -> None:
    stream = [(0.0, chunk("a")), (0.002, chunk("b")), (0.2, chunk("c")), (0.002, chunk("d")), (0.0, DONE)]
    asked = Asked(lambda number, request: Reply(stream=stream), rows=1)
    gaps = asked.answers[0].generation.inter_token_ms
    assert gaps is not None
    assert [gap > 150.0 for gap in gaps] == [False, True, False]


def test_an_answer_s_name_does_not_depend_on_streaming() -> None:
    with (
        scripted_endpoint(lambda number, request: Reply(completion("x"))) as server,
        Endpoint(server.model(), 16) as whole,
        Endpoint(server.model(), 16, streams=True) as streamed,
    ):
        assert whole.asked().key("m") == streamed.asked().key("m")


def test_times_of_tokens_survive_being_kept() -> None:
    answer = read((10.0, chunk("a")), (20.0, chunk("b")), (30.0, chunk(finish="stop")), (31.0, usage(2)))
    assert answer_of(answer_document(answer)) == answer


def test_no_key_is_told_in_an_error_within_a_stream(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    with caplog.at_level(logging.DEBUG):
        asked = Asked(
            lambda number, request: Reply(
                stream=[(0.0, event({"error": f"bad key {request.headers['authorization']}"}))]
            ),
            key_env=KEY_VARIABLE,
        )
    assert asked.error is not None
    assert asked.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in asked.error.text + caplog.text + "".join(asked.log)
