"""An endpoint is asked, asked again where that may help, and left alone where it does not."""

from __future__ import annotations

import email.utils
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from scripted_endpoint import KEY, KEY_VARIABLE, Reply, Request, Script, completion, error, scripted_endpoint, token

from core.engines.language import endpoint as endpoint_module
from core.engines.language.answer import Answer
from core.engines.language.endpoint import ATTEMPTS, CONCURRENT_REQUESTS, Endpoint
from core.engines.language.endpoint_pacing import CONSECUTIVE_FAILURES
from core.engines.language.endpoint_record import MANY_GIVEN_UP, MOST_GIVEN_UP
from core.engines.language.endpoint_trouble import retry_after_s, shown_url
from core.errors import UserError
from core.i18n import english
from core.spec import EndpointModel

pytestmark = pytest.mark.usefixtures("short_pauses")


def echo(number: int, request: Request) -> Reply:
    return Reply(completion(f"said {request.message}"))


class Asked:
    """What came of asking some messages."""

    def __init__(self, script: Script, rows: int = 6, top: int = 0, **model: Any) -> None:
        self.answers: dict[int, Answer] = {}
        self.log: list[str] = []
        self.error: UserError | None = None
        with scripted_endpoint(script) as server:
            self.url = server.url
            with Endpoint(server.model(**model), 16, top, self.log.append) as endpoint:
                try:
                    self.whole = endpoint.ask([f"m{row}" for row in range(rows)], self.answers.__setitem__)
                except UserError as refusal:
                    self.error = refusal
                self.sent = endpoint.sent
            self.requests = server.requests

    def text(self, row: int) -> str:
        return self.answers[row].generation.text

    @property
    def code(self) -> str | None:
        return None if self.error is None else self.error.code


def first_times(count: int, reply: Callable[[], Reply]) -> Script:
    """A server whose first `count` replies are `reply`, and which is well after that."""
    return lambda number, request: reply() if number < count else echo(number, request)


def test_every_message_is_answered_in_its_place() -> None:
    asked = Asked(echo, rows=30)
    assert asked.whole
    assert {row: asked.text(row) for row in range(30)} == {row: f"said m{row}" for row in range(30)}
    assert asked.sent == 30
    said = asked.answers[0].generation
    assert (said.input_tokens, said.output_tokens, said.finish_reason) == (7, 3, "stop")
    assert said.latency_ms is not None
    assert said.latency_ms > 0


def test_requests_are_greedy_and_carry_what_the_study_file_says() -> None:
    asked = Asked(echo, rows=1, body={"top_p": 0.5, "temperature": 0.3}, headers={"X-Team": "blue"})
    request = asked.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.body["model"] == "big-teacher"
    assert (request.body["top_p"], request.body["temperature"], request.body["max_tokens"]) == (0.5, 0.3, 16)
    assert request.headers["x-team"] == "blue"
    assert Asked(echo, rows=1).requests[0].body["temperature"] == 0
    assert "temperature" not in Asked(echo, rows=1, body={"temperature": None}).requests[0].body


def test_a_body_may_not_name_what_tercet_sets() -> None:
    with pytest.raises(UserError) as refusal:
        Asked(echo, body={"stream": True})
    assert refusal.value.code == "endpoint.body_field"


def test_one_request_goes_before_the_others() -> None:
    asked = Asked(lambda number, request: Reply(completion("x"), delay_s=0.15 if number == 0 else 0.0), rows=5)
    first, second = asked.requests[0], asked.requests[1]
    assert second.at - first.at >= 0.15


def test_several_requests_are_under_way_at_once() -> None:
    begun = time.monotonic()
    Asked(lambda number, request: Reply(completion("x"), delay_s=0.2), rows=1 + 2 * CONCURRENT_REQUESTS)
    assert time.monotonic() - begun < 0.2 * (1 + CONCURRENT_REQUESTS)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_trouble_is_asked_through(status: int) -> None:
    asked = Asked(first_times(3, lambda: error(status, "come back")))
    assert asked.error is None
    assert asked.sent == 6 + 3
    assert [asked.text(row) for row in range(6)] == [f"said m{row}" for row in range(6)]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(raw=b"<html>gateway</html>"),
        Reply(raw=b'{"choices": [{"mess', cut=True),
        Reply({"object": "chat.completion", "choices": []}),
        Reply({"choices": [{"text": "an old completion"}]}),
        Reply(["no", "object"]),
    ],
)
def test_a_broken_reply_is_asked_again(reply: Reply) -> None:
    asked = Asked(first_times(2, lambda: reply))
    assert asked.error is None
    assert asked.sent == 6 + 2


@pytest.mark.parametrize(
    ("reply", "code", "word"),
    [
        (Reply(raw=b"<html>gateway</html>"), "endpoint.not_json", "gateway"),
        (Reply(raw=b'{"choices": [', cut=True), "endpoint.cut_off", "broke off"),
        (Reply({"object": "list"}), "endpoint.no_choice", "message"),
        (error(503, "overloaded"), "endpoint.server_error", "overloaded"),
        (error(429, "slow down"), "endpoint.busy", "requests_per_minute"),
    ],
)
def test_where_the_first_request_never_gets_through_nothing_more_is_sent(reply: Reply, code: str, word: str) -> None:
    asked = Asked(lambda number, request: reply)
    assert asked.code == code
    assert word in str(asked.error)
    assert asked.sent == ATTEMPTS
    assert {request.message for request in asked.requests} == {"m0"}


@pytest.mark.parametrize(
    ("reply", "code", "word"),
    [
        (error(401, "bad key"), "endpoint.key_refused", "expired"),
        (error(403, "not yours"), "endpoint.forbidden", "not yours"),
        (error(404, "no such model"), "endpoint.not_there", "big-teacher"),
        (error(402, "Insufficient Balance"), "endpoint.unpaid", "Balance"),
        (error(429, "You exceeded your current quota", code="insufficient_quota"), "endpoint.unpaid", "top it up"),
        (error(400, "unknown field top_q"), "endpoint.refused", "top_q"),
        (Reply({}, 302, {"Location": "https://login.example/?token=abc"}), "endpoint.moved", "login.example"),
        (Reply({}, 503, {"Retry-After": "7200"}), "endpoint.long_wait", "120 minutes"),
    ],
)
def test_trouble_that_does_not_pass_stops_at_once(reply: Reply, code: str, word: str) -> None:
    asked = Asked(lambda number, request: reply)
    assert asked.code == code
    assert word in str(asked.error)
    assert "token=abc" not in str(asked.error)
    if code == "endpoint.refused":  # it may be the row that is refused, and not the endpoint that refuses
        assert {request.message for request in asked.requests} == {"m0", "m1", "m2"}
        return
    assert {request.message for request in asked.requests} == {"m0"}
    assert len(asked.requests) == 1


def test_a_row_that_is_refused_first_stops_nothing() -> None:
    def filtered(number: int, request: Request) -> Reply:
        return error(400, "content filter") if request.message == "m0" else echo(number, request)

    asked = Asked(filtered, rows=5, top=5)
    assert asked.error is None
    assert {place: answer.generation.finish_reason for place, answer in asked.answers.items()} == {
        0: "failed", **dict.fromkeys(range(1, 5), "stop"),
    }  # fmt: skip
    assert any("logprobs" not in request.body for request in asked.requests if request.message == "m0")
    assert asked.log == [english("endpoint.log.asked_whole_again", words="content filter; error")]
    assert all(request.body["logprobs"] for request in asked.requests if request.message != "m0")


def test_an_endpoint_that_refuses_every_row_is_not_said_to_refuse_one() -> None:
    log: list[str] = []
    with (
        scripted_endpoint(lambda number, request: error(400, "model big-teatcher does not exist")) as server,
        pytest.raises(UserError) as refusal,
        Endpoint(server.model(), 16, 5, log.append) as endpoint,
    ):
        endpoint.ask([f"m{row}" for row in range(5)], lambda place, answer: None)
    assert refusal.value.code == "endpoint.refused"
    assert "model.model" in refusal.value.text
    assert log == []


def test_why_the_only_row_was_refused_is_told_at_the_end() -> None:
    asked = Asked(lambda number, request: error(400, "content filter"), rows=1, top=5)
    assert asked.error is None
    assert asked.log == [english("endpoint.log.asked_whole_again", words="content filter; error")]


def test_a_key_that_expires_midway_stops_the_rest_and_keeps_what_was_answered() -> None:
    asked = Asked(lambda number, request: echo(number, request) if number < 10 else error(401, "expired"), rows=100)
    assert asked.code == "endpoint.key_refused"
    assert len(asked.answers) == 10
    assert asked.sent <= 10 + CONCURRENT_REQUESTS


def test_a_server_that_stays_down_is_given_up_after_twenty_failures_in_a_row() -> None:
    def script(number: int, request: Request) -> Reply:
        return echo(number, request) if number < 9 else error(500, "down")

    asked = Asked(script, rows=100)
    assert asked.code == "endpoint.server_error"
    assert re.search(r"\b2[01] times in a row", str(asked.error))
    # A failure that overtakes the last good answers does not count; one that was answered is asked again first.
    assert 9 + CONSECUTIVE_FAILURES <= asked.sent <= 9 + CONSECUTIVE_FAILURES + CONCURRENT_REQUESTS
    assert len(asked.answers) == 9


def test_one_row_that_always_fails_does_not_hold_the_others_up() -> None:
    def script(number: int, request: Request) -> Reply:
        return error(500, "poison") if request.message == "m3" else echo(number, request)

    asked = Asked(script, rows=12)
    assert asked.error is None
    assert asked.answers[3].generation.finish_reason == "failed"
    assert sum(request.message == "m3" for request in asked.requests) == 2 * ATTEMPTS
    assert all(asked.answers[row].generation.finish_reason == "stop" for row in range(12) if row != 3)


def test_rows_that_always_fail_stop_no_job_whose_other_rows_are_answered() -> None:
    poison = {f"m{row}" for row in range(0, 60, 5)}

    def script(number: int, request: Request) -> Reply:
        return error(500, "poison") if request.message in poison else echo(number, request)

    asked = Asked(lambda number, request: script(number, request) if number else echo(number, request), rows=60)
    assert asked.error is None
    failed = {f"m{row}" for row, answer in asked.answers.items() if answer.generation.finish_reason == "failed"}
    assert failed == poison - {"m0"}
    assert asked.sent <= 60 + len(poison) * 2 * (ATTEMPTS + 1)
    assert len(asked.log) == 1
    assert f"of {asked.sent} requests to the endpoint failed" in asked.log[0]


def test_an_endpoint_that_fails_half_of_its_requests_is_measured_and_the_share_is_told() -> None:
    draw = random.Random(5)
    asked = Asked(lambda number, request: error(502, "odd") if draw.random() < 0.5 else echo(number, request), rows=100)
    assert asked.error is None
    ends = Counter(answer.generation.finish_reason for answer in asked.answers.values())
    assert ends["stop"] >= 97
    assert 150 < asked.sent < 300
    (told,) = asked.log
    assert re.search(r"of \d+ requests to the endpoint failed \([\d.]+\s%; the last: 502: odd; error\)", told)


def test_an_endpoint_that_never_answers_half_of_the_rows_is_given_up_with_the_share() -> None:
    def script(number: int, request: Request) -> Reply:
        return error(500, "odd") if int(request.message[1:]) % 2 else echo(number, request)

    asked = Asked(script, rows=1000)
    assert asked.code == "endpoint.half_broken"
    found = re.search(r"no answer to (\d+) of (\d+) messages", str(asked.error))
    assert found is not None
    given_up, rows = (int(count) for count in found.groups())
    assert MANY_GIVEN_UP <= given_up <= 4 * MANY_GIVEN_UP
    assert given_up >= MOST_GIVEN_UP * rows
    assert asked.sent < 400


def test_what_was_answered_before_counts_when_only_odd_rows_are_left() -> None:
    known = [f"known {row}" for row in range(50)]
    heard: dict[int, Answer] = {}

    def script(number: int, request: Request) -> Reply:
        return echo(number, request) if request.message in known else error(500, "odd")

    with scripted_endpoint(script) as server, Endpoint(server.model(), 16) as endpoint:
        endpoint.answered_before(known)
        assert endpoint.ask([f"m{row}" for row in range(12)], heard.__setitem__)
    assert [heard[row].generation.finish_reason for row in range(12)] == ["failed"] * 12


def test_rows_that_failed_in_a_short_outage_are_asked_again_at_the_end() -> None:
    asked = Asked(lambda n, r: error(503, "restarting") if 4 <= n < 4 + 15 else echo(n, r), rows=20)
    assert asked.error is None
    assert [asked.text(row) for row in range(20)] == [f"said m{row}" for row in range(20)]


def test_rows_that_the_endpoint_does_not_take_are_told_apart() -> None:
    refusals = {"m2": "This model's maximum context length is 4096 tokens", "m4": "invalid content"}

    def script(number: int, request: Request) -> Reply:
        words = refusals.get(request.message)
        return echo(number, request) if words is None else error(400, words)

    asked = Asked(script)
    assert asked.answers[2].generation.finish_reason == "too_long"
    assert asked.answers[4].generation.finish_reason == "failed"
    assert sorted(request.message for request in asked.requests) == ["m0", "m1", "m2", "m3", "m4", "m4", "m5"]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed(form: str) -> None:
    wait_s = 1.2

    def script(number: int, request: Request) -> Reply:
        value = "1.2" if form == "seconds" else email.utils.formatdate(time.time() + 2.5, usegmt=True)
        return Reply({}, 429, {"Retry-After": value}) if number == 1 else echo(number, request)

    asked = Asked(script, rows=2)
    assert asked.error is None
    assert asked.requests[2].at - asked.requests[1].at >= (wait_s if form == "seconds" else 1.0)


def test_a_long_pause_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_module, "_TOLD_PAUSE_S", 0.001)
    asked = Asked(first_times(1, lambda: Reply({"error": {"message": "full"}}, 503, {"Retry-After": "0.02"})), rows=1)
    assert any("503: full" in line and "1 failures" in line for line in asked.log)


def test_retry_after_reads_seconds_dates_and_nothing_else() -> None:
    assert retry_after_s("30") == 30.0
    assert retry_after_s("Wed, 21 Oct 2026 07:28:00 GMT", now=1792567670.0) == pytest.approx(10.0)
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert retry_after_s("soon") is None
    assert retry_after_s("nan") is None
    assert retry_after_s(None) is None


def test_requests_per_minute_are_not_exceeded() -> None:
    asked = Asked(echo, rows=5, requests_per_minute=600)
    times = [request.at for request in asked.requests]
    assert times[-1] - times[0] >= 4 * 0.1 - 0.02


def test_a_cap_below_the_rows_is_told_before_anything_is_sent() -> None:
    asked = Asked(echo, rows=6, max_requests=5)
    assert asked.code == "endpoint.cap"
    assert not asked.requests


def test_a_cap_counts_requests_that_are_sent_again() -> None:
    asked = Asked(first_times(3, lambda: error(500, "down")), rows=6, max_requests=7)
    assert asked.code == "endpoint.cap_reached"
    assert len(asked.requests) == 7
    assert len(asked.answers) == 4


def test_a_stalled_answer_times_out() -> None:
    asked = Asked(lambda number, request: Reply(completion("late"), delay_s=0.4), rows=1, timeout_s=0.05)
    assert asked.code == "endpoint.timeout"
    assert "0.05 s" in str(asked.error)


def test_nobody_listening_is_one_sentence() -> None:
    with scripted_endpoint(echo) as server:
        model = server.model()
    with Endpoint(model, 16) as endpoint, pytest.raises(UserError) as refusal:
        endpoint.ask(["m0"], lambda place, answer: None)
    assert refusal.value.code == "endpoint.unreachable"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"proxy": "gopher://host"}, "endpoint.proxy_unusable"),
        ({"ca_file": "no/such.pem"}, "endpoint.ca_unusable"),
        ({"headers": {"X-Team": "two\nlines"}}, "endpoint.header_unusable"),
        ({"headers": {"X Team": "blue"}}, "endpoint.header_unusable"),
    ],
)
def test_what_cannot_be_used_to_reach_it_is_named(more: dict[str, Any], code: str) -> None:
    model = EndpointModel(source="endpoint", base_url="http://127.0.0.1:9/v1", model="m", **more)
    with pytest.raises(UserError) as refusal:
        Endpoint(model, 16)
    assert refusal.value.code == code


def test_reasoning_is_read_wherever_it_stands() -> None:
    replies = [
        completion("42", reasoning_content="six times seven"),
        completion("42", reasoning="six times seven"),
        completion("<think>six times seven</think>\n42"),
        completion([{"type": "text", "text": "4"}, {"type": "text", "text": "2"}], reasoning="six times seven"),  # type: ignore[arg-type]  # parts of a text
    ]
    asked = Asked(lambda number, request: Reply(replies[int(request.message[1:])]), rows=4)
    for row in range(4):
        assert (asked.text(row), asked.answers[row].generation.reasoning) == ("42", "six times seven")


def test_how_an_answer_ended_is_noted() -> None:
    replies = [
        completion("cut", "length"),
        completion("", "content_filter"),
        completion(None, "stop", refusal="I cannot"),
        {"choices": [{"message": {"content": "bare"}, "finish_reason": "end_turn"}]},
    ]
    asked = Asked(lambda number, request: Reply(replies[int(request.message[1:])]), rows=4)
    ends = [asked.answers[row].generation.finish_reason for row in range(4)]
    assert ends == ["length", "content_filter", "content_filter", "stop"]
    assert asked.answers[3].generation.input_tokens is None


@pytest.mark.parametrize("reason", [None, "", "error"])
def test_an_answer_that_is_not_said_to_be_complete_is_asked_again(reason: str | None) -> None:
    half = {"choices": [{"message": {"content": "ha"}, "finish_reason": reason}]}
    asked = Asked(first_times(1, lambda: Reply(half)), rows=1)
    assert asked.answers[0].generation.text != "ha"
    assert len(asked.requests) == 2


def test_tokens_of_the_answer_are_kept_without_those_of_the_reasoning() -> None:
    tokens = [token("<think>", 1.0), token("loan", 0.5), token("</think>", 1.0), token("\n\n", 1.0), token("lo", 0.8)]
    tokens += [token("an", 0.9, st=0.1), token("<|end|>", 1.0)]
    asked = Asked(lambda n, r: Reply(completion("<think>loan</think>\n\nloan", logprobs=tokens)), rows=1, top=20)
    assert [step.token for step in asked.answers[0].steps] == ["lo", "an", "<|end|>"]
    assert asked.answers[0].steps[1].alternatives[1][0] == "st"
    plain = Asked(lambda n, r: Reply(completion("loan", logprobs=tokens[4:6])), rows=1)
    assert plain.answers[0].steps == ()
    assert plain.answers[0].generation.mean_log_probability == pytest.approx(-0.1642520, abs=1e-6)


def test_a_server_that_refuses_logprobs_is_asked_without_and_that_is_remembered() -> None:
    def script(number: int, request: Request) -> Reply:
        return error(400, "unknown parameter") if "logprobs" in request.body else echo(number, request)

    asked = Asked(script, rows=10, top=20)
    assert asked.error is None
    assert [request.body.get("top_logprobs") for request in asked.requests[:4]] == [20, 5, None, None]
    assert asked.sent == 10 + 2
    assert len(asked.log) == 1


def test_a_server_that_gives_fewer_alternatives_gives_those() -> None:
    def script(number: int, request: Request) -> Reply:
        few = request.body["top_logprobs"] <= 5
        return echo(number, request) if few else error(400, "top_logprobs must be at most 5")

    asked = Asked(script, rows=5, top=20)
    assert asked.error is None
    assert not asked.log
    assert asked.sent == 6


def test_a_model_that_wants_other_fields_gets_them() -> None:
    def script(number: int, request: Request) -> Reply:
        if "max_tokens" in request.body:
            return error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in request.body:
            return error(400, "Unsupported value: 'temperature' does not support 0 with this model.")
        return echo(number, request)

    asked = Asked(script, rows=4)
    assert asked.error is None
    assert asked.sent == 6
    assert asked.requests[-1].body["max_completion_tokens"] == 16
    assert any("temperature" in line for line in asked.log)


def test_stopping_waits_for_what_is_paid_and_sends_nothing_more() -> None:
    answers: dict[int, Answer] = {}
    with (
        scripted_endpoint(lambda number, request: Reply(completion("x"), delay_s=0.1)) as server,
        Endpoint(server.model(), 16, should_stop=lambda: len(server.requests) >= 5) as endpoint,
    ):
        assert not endpoint.ask([f"m{row}" for row in range(50)], answers.__setitem__)
        assert len(answers) == len(server.requests)
        assert len(answers) <= 5 + CONCURRENT_REQUESTS


def test_stopping_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_module, "GRACE_S", 0.1)
    with scripted_endpoint(lambda number, request: Reply(completion("x"), delay_s=1.0)) as server:
        begun = time.monotonic()
        with Endpoint(server.model(), 16, should_stop=lambda: len(server.requests) >= 1) as endpoint:
            assert not endpoint.ask(["m0", "m1"], lambda place, answer: None)
        assert time.monotonic() - begun < 0.8


def test_stopping_ends_a_long_pause() -> None:
    with scripted_endpoint(lambda number, request: Reply({}, 503, {"Retry-After": "600"})) as server:
        begun = time.monotonic()
        with Endpoint(server.model(), 16, should_stop=lambda: len(server.requests) >= 1) as endpoint:
            endpoint.ask(["m0", "m1"], lambda place, answer: None)
        assert time.monotonic() - begun < 2.0


def test_the_key_goes_to_the_endpoint_and_into_no_error_or_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, f" {KEY}\n")
    caplog.set_level(logging.INFO)
    asked = Asked(
        lambda number, request: error(401, f"Incorrect API key: {KEY}; header Bearer {KEY}"), key_env=KEY_VARIABLE
    )
    assert asked.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert asked.error is not None
    assert KEY_VARIABLE in str(asked.error)
    assert KEY not in str(asked.error)
    assert KEY not in str(asked.error.values)
    assert KEY not in caplog.text


def test_addresses_are_shown_without_secrets() -> None:
    assert shown_url("https://user:pass@host:8443/v1?api-key=abc#x") == "https://host:8443/v1"
