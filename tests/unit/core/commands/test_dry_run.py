"""A dry run prices what endpoints would be asked, starts nothing and leaves nothing behind."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sample_studies import ASKED_ELSEWHERE

from core.cli import main
from core.engines.language.answer import Answer
from core.engines.language.answer_store import Asked, open_answers
from core.engines.language.generator import Generation
from core.engines.pricing.suites import suite_asking
from core.jobs.specs import SuiteParameters
from core.paths import artefacts_of
from core.spec import EndpointModel

STUDY = (
    ASKED_ELSEWHERE
    + """\
  - name: big
    role: teacher
    model: {source: endpoint, base_url: 'http://127.0.0.1:1/v1', model: m, key_env: TERCET_DRY_KEY}
"""
)
ROWS = 40
ARGUMENTS = ("run", "study.yaml", "--study", "s.tercet", "--dry-run")
Tercet = Callable[..., str]


@pytest.fixture
def tercet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Tercet:
    """Runs a command in the folder of the study, which must not change; its output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERCET_DRY_KEY", "secret")

    def run(*arguments: str, status: int = 0) -> str:
        before = sorted((path, path.stat().st_size) for path in tmp_path.rglob("*"))
        monkeypatch.setattr(sys, "argv", ["tercet", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        told = capfd.readouterr()
        assert (end.value.code or 0) == status, told.err
        assert sorted((path, path.stat().st_size) for path in tmp_path.rglob("*")) == before
        return told.out if status == 0 else told.err

    return run


def write(folder: Path, old: str = "", new: str = "") -> None:
    assert old in STUDY
    (folder / "study.yaml").write_text(STUDY.replace(old, new) if old else STUDY, encoding="utf-8")
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "target"])
        writer.writerows([f"sentence number {row:02d} ends", "ends" if row else "one"] for row in range(ROWS))


def document(tercet: Tercet) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(tercet(*ARGUMENTS, "--json"))
    return told


def test_what_this_machine_cannot_do_is_left_out_and_told_and_refused_where_it_is_chosen(
    tmp_path: Path, tercet: Tercet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERCET_DEVICE", "cpu")
    local = "  - {name: own, role: student, model: {source: hub, id: a/b}, compress: [{quantize: int4}]}\n"
    write(tmp_path, "  - name: big\n", f"{local}  - name: big\n")
    why = "candidates: own: a language model is quantised to int4"
    for arguments in (ARGUMENTS, ARGUMENTS[:-1]):
        assert why in tercet(*arguments, "--only", "own", status=2)
    assert document(tercet)["jobs"][0]["candidates"] == ["big"]
    tercet(*ARGUMENTS, "--only", "big")


def test_a_study_of_which_this_machine_can_make_nothing_is_refused(
    tmp_path: Path, tercet: Tercet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERCET_DEVICE", "cpu")
    own = "  - {name: own, role: student, model: {source: hub, id: a/b}, compress: [{quantize: int4}]}\n"
    write(tmp_path, STUDY[STUDY.index("  - name: big\n") :], own)
    for arguments in (ARGUMENTS, ARGUMENTS[:-1]):
        assert "candidates: own: a language model is quantised to int4" in tercet(*arguments, status=2)


def test_each_job_is_priced_by_its_requests_and_their_tokens(tmp_path: Path, tercet: Tercet) -> None:
    write(tmp_path)
    told = document(tercet)
    (job,) = told["jobs"]
    # "Last word of: sentence number 00 ends": 38 characters, so 10 tokens, and 16 of the template.
    assert (job["requests"], job["input_tokens"], job["output_tokens"]) == (20, 20 * 26, 20 * 20)
    assert job["money"] == pytest.approx((20 * 26 * 1000 + 20 * 20 * 5000) / 1e6) == told["money"]
    assert (job["kind"], job["candidates"], told["currency"]) == ("benchmark", ["big"], "EUR")
    assert "as long as their limit of 20" in job["assumes"]
    assert told["other_jobs"] == 1
    text = tercet(*ARGUMENTS)
    assert "20 requests, about 2.52 EUR" in text
    assert "nothing was started" in text


def test_answers_that_were_bought_are_not_priced_and_judge_the_others(tmp_path: Path, tercet: Tercet) -> None:
    write(tmp_path)
    asked = Asked("http://127.0.0.1:1/v1", "m", {"body": {"temperature": 0, "max_tokens": 20}, "logprobs": 0})
    with open_answers(artefacts_of(tmp_path / "s.tercet") / "answers", asked) as store:
        for row in range(ROWS):
            if row % 2:
                key = asked.key(f"Last word of: sentence number {row:02d} ends")
                store.put(key, Answer(Generation("ends", input_tokens=13, output_tokens=2)), "job")
    (job,) = document(tercet)["jobs"]
    known = job["known_answers"]
    assert 0 < known < 20
    assert (job["requests"], job["measured_rows"]) == (20 - known, known)
    assert (job["input_tokens"], job["output_tokens"]) == (13 * (20 - known), 2 * (20 - known))


def test_a_cap_that_would_refuse_the_job_is_told(tmp_path: Path, tercet: Tercet) -> None:
    write(tmp_path, "key_env: TERCET_DRY_KEY", "key_env: TERCET_DRY_KEY, max_cost: 2")
    assert document(tercet)["jobs"][0]["refused_by"] == "max_cost"
    assert "refused by model.max_cost: 2" in tercet(*ARGUMENTS)
    write(tmp_path, "key_env: TERCET_DRY_KEY", "key_env: TERCET_DRY_KEY, max_requests: 19, max_cost: 3")
    assert document(tercet)["jobs"][0]["refused_by"] == "max_requests"


def test_an_endpoint_on_a_machine_of_ones_own_has_no_price(tmp_path: Path, tercet: Tercet) -> None:
    begin = STUDY.index("profiles:")
    end = STUDY.index("candidates:")
    write(tmp_path, STUDY[begin:end], "profiles: {own: {kind: self_hosted, capex: 100}}\n")
    told = document(tercet)
    assert (told["jobs"][0]["money"], told["money"], told["unpriced_jobs"]) == (None, 0, 1)
    assert "names no price" in tercet(*ARGUMENTS)


def test_a_study_that_asks_nobody_costs_nothing(tmp_path: Path, tercet: Tercet) -> None:
    begin = STUDY.index("    model:")
    baseline = "    model: {source: baseline, kind: tfidf_linear}\n    train: {method: fine_tune}\n"
    write(tmp_path, STUDY[begin:], baseline)
    text = (tmp_path / "study.yaml").read_text(encoding="utf-8")
    task = 'kind: generation, metric: exact_match, prompt: "Last word of: {text}", max_output_tokens: 20'
    (tmp_path / "study.yaml").write_text(text.replace(task, "kind: classification, metric: accuracy"), encoding="utf-8")
    assert "costs nothing at a vendor" in tercet(*ARGUMENTS)


def test_what_a_run_refuses_its_dry_run_refuses(tmp_path: Path, tercet: Tercet) -> None:
    write(tmp_path, "key_env: TERCET_DRY_KEY", "key_env: TERCET_NO_SUCH_KEY")
    assert "TERCET_NO_SUCH_KEY" in tercet(*ARGUMENTS, status=2)


def test_json_without_a_dry_run_is_refused(tmp_path: Path, tercet: Tercet) -> None:
    write(tmp_path)
    assert "--json belongs to --dry-run" in tercet(*ARGUMENTS[:4], "--json", status=2)


def test_a_load_test_sends_new_requests_whatever_was_answered_before(tmp_path: Path, tercet: Tercet) -> None:
    write(tmp_path, "candidates:", "load: {concurrency: [1, 2], requests: 20, arrivals: none}\ncandidates:")
    test = next(job for job in document(tercet)["jobs"] if job["kind"] == "load")
    assert (test["requests"], test["known_answers"]) == (10 + 21 + 22, 0)
    assert test["money"] == pytest.approx(53 * (26 * 1000 + 20 * 5000) / 1e6)


JUDGE = """  judge:
    model: {source: endpoint, base_url: 'http://127.0.0.1:1/v1', model: strict, key_env: TERCET_DRY_KEY}
    profile: vendor
"""


def judged(folder: Path, metric: str = "judge", more: str = "", columns: str = "") -> None:
    """The study with a judge behind another endpoint, whose limit of an answer is 20 tokens."""
    task = next(line for line in STUDY.splitlines() if line.startswith("task:"))
    prompt = '  prompt: "{text}{note}"\n'
    write(
        folder, task, f"task:\n  kind: generation\n  metric: {metric}\n{prompt}  max_output_tokens: 20\n{JUDGE}{more}"
    )
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    (folder / "study.yaml").write_text(text.replace("target: target}", f"target: target{columns}}}"), encoding="utf-8")
    rows = (folder / "rows.csv").read_text(encoding="utf-8").splitlines()
    named = ["text,target,note", *(f"{row}," for row in rows[1:])]
    (folder / "rows.csv").write_text("\n".join(named) + "\n", encoding="utf-8")


def test_verdicts_are_priced_in_both_orders_before_there_is_an_answer(tmp_path: Path, tercet: Tercet) -> None:
    judged(tmp_path)
    told = document(tercet)
    bench, verdicts = told["jobs"]
    assert (bench["kind"], verdicts["kind"], verdicts["model"], verdicts["bounded"]) == (
        "benchmark",
        "judge",
        "strict",
        True,
    )
    assert (verdicts["requests"], verdicts["output_tokens"], verdicts["most_output_tokens"]) == (40, 40 * 8, 40 * 512)
    assert verdicts["input_tokens"] > 40 * (20 + 16 + 10)
    assert "judged in both orders" in verdicts["assumes"]
    assert [(one["model"], one["jobs"], one["requests"]) for one in told["endpoints"]] == [
        ("m", 1, 20),
        ("strict", 1, 40),
    ]
    assert told["money"] == pytest.approx(sum(one["money"] for one in told["endpoints"]))
    text = tercet(*ARGUMENTS)
    assert "strict @ http://127.0.0.1:1/v1: 40 requests" in text
    assert "big, judge: at most" in text


def test_second_requests_and_sentences_are_priced_as_if_all_were_asked(tmp_path: Path, tercet: Tercet) -> None:
    checks = "  checks: {format: {regex: x}, re_ask: true}\n"
    judged(tmp_path, "groundedness", checks, ", context: note")
    bench, again, verdicts = document(tercet)["jobs"]
    assert (again["kind"], again["requests"], again["output_tokens"]) == ("check", 20, 20 * 20)
    # Each carries the first message, an answer of 20 tokens, and what is wrong with it.
    assert again["input_tokens"] >= bench["input_tokens"] + 20 * (20 + 110)
    assert (verdicts["kind"], verdicts["requests"]) == ("judge", 20)  # one sentence of 20 tokens each
    assert "asked for once more" in again["assumes"]
    assert "one by one" in verdicts["assumes"]


def test_the_caps_of_a_judge_are_held_against_its_verdicts(tmp_path: Path, tercet: Tercet) -> None:
    judged(tmp_path)
    text = (tmp_path / "study.yaml").read_text(encoding="utf-8")
    (tmp_path / "study.yaml").write_text(
        text.replace("model: strict,", "model: strict, max_cost: 1,"), encoding="utf-8"
    )
    bench, verdicts = document(tercet)["jobs"]
    assert (bench["refused_by"], verdicts["refused_by"]) == (None, "max_cost")
    assert "may be refused by task.judge.model.max_cost: 1" in tercet(*ARGUMENTS)


def test_answers_that_are_there_are_judged_to_the_letter(tmp_path: Path, tercet: Tercet) -> None:
    judged(tmp_path)
    (tmp_path / "big.csv").write_text(
        "id,input,target,output,score\n1,a,x,one,\n2,b,y,two words,\n3,c,z,,\n4,d,w,w,0.5\n", encoding="utf-8"
    )
    text = (tmp_path / "study.yaml").read_text(encoding="utf-8")
    end = text.rindex("    model: {source")
    begin, after = text.index("data:"), text.index("criteria:")
    text = text[:begin] + text[after:end] + "    model: {source: predictions, file: big.csv}\n"
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    (verdicts,) = document(tercet)["jobs"]
    assert (verdicts["requests"], verdicts["bounded"]) == (4, False)  # two answers to judge, both orders


def test_a_suite_is_priced_by_its_limit_and_told_to_have_none_without(tmp_path: Path) -> None:
    model = EndpointModel(source="endpoint", base_url="http://127.0.0.1:1/v1", model="m")
    limited = suite_asking(
        SuiteParameters(task="gsm8k", limit=10, num_fewshot=1, library="x", loadable=model), tmp_path
    )
    endless = suite_asking(SuiteParameters(task="gsm8k", library="x", loadable=model), tmp_path)
    assert limited is not None
    assert endless is not None
    expected = limited.estimate(set())
    assert (expected.requests, expected.input_tokens, expected.output_tokens) == (10, 10 * (500 + 16), 10 * 256)
    assert endless.estimate(set()).requests == 0
    assert endless.bound is not None
    assert not endless.bound.counted


def test_what_a_picture_is_taken_to_cost_is_told(tmp_path: Path, tercet: Tercet) -> None:
    write(tmp_path, "target: target}", "target: target, image: photo}")
    text = (tmp_path / "study.yaml").read_text(encoding="utf-8")
    (tmp_path / "study.yaml").write_text(text.replace("model: m,", "model: m, images: true,"), encoding="utf-8")
    rows = (tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()
    named = ["text,target,photo", *(f"{row},https://host/{place}.png" for place, row in enumerate(rows[1:]))]
    (tmp_path / "rows.csv").write_text("\n".join(named) + "\n", encoding="utf-8")
    (job,) = document(tercet)["jobs"]
    assert job["input_tokens"] == 20 * 1026
    assert job["assumes"].endswith("1000 for each picture")
