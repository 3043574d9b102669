"""Bought answers are on the disk before they count, and stay there whatever happens."""

from __future__ import annotations

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from core.engines.language.answer import Answer, TokenStep
from core.engines.language.answer_store import Asked, answers_folder, open_answers
from core.engines.language.generator import Generation
from core.errors import UserError

ASKED = Asked("https://host/v1", "big/teacher", {"body": {"temperature": 0}, "logprobs": 20})
ANSWER = Answer(
    Generation("loan", reasoning="hm", input_tokens=3, output_tokens=1, mean_log_probability=-0.25, latency_ms=1.5),
    (TokenStep("lo\udce4", -0.5, (("lo\udce4", -0.5), ("ca", -2.0))),),
    {"loan": 0.75, "card": 0.25},
)


def test_an_answer_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    with open_answers(tmp_path, ASKED) as store:
        store.put("k1", ANSWER, "job-a")
        assert "k1" in store
    with open_answers(tmp_path, ASKED) as store:
        assert store.get("k1") == ANSWER
        assert store.bought_by("k1") == "job-a"
        assert "k2" not in store


def test_names_of_answers_tell_apart_whatever_determines_them() -> None:
    others = [
        Asked("https://other/v1", ASKED.model, ASKED.settings),
        Asked(ASKED.address, "small", ASKED.settings),
        Asked(ASKED.address, ASKED.model, {"body": {"temperature": 1}, "logprobs": 20}),
        Asked(ASKED.address, ASKED.model, {"body": {"temperature": 0}, "logprobs": 0}),
    ]
    keys = {asked.key("hello") for asked in (ASKED, *others)} | {ASKED.key("hello ")}
    assert len(keys) == 6
    assert ASKED.key("hello") == Asked(ASKED.address, ASKED.model, dict(ASKED.settings)).key("hello")


def test_a_line_that_was_cut_off_is_removed_and_its_answer_can_be_kept_again(tmp_path: Path) -> None:
    with open_answers(tmp_path, ASKED) as store:
        store.put("k1", ANSWER, "job-a")
        store.put("k2", ANSWER, "job-a")
    path = tmp_path / ASKED.file_name
    whole = path.read_bytes()
    for cut in range(len(whole) // 2 + 1, len(whole), 37):
        path.write_bytes(whole[:cut])
        with open_answers(tmp_path, ASKED) as store:
            assert "k1" in store
            assert "k2" not in store
            store.put("k2", ANSWER, "job-a")
        assert path.read_bytes() == whole


def test_damaged_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    with open_answers(tmp_path, ASKED) as store:
        store.put("k1", ANSWER, "job-a")
    path = tmp_path / ASKED.file_name
    path.write_bytes(b'{"key": "k0"}\nnonsense\n' + path.read_bytes())
    with open_answers(tmp_path, ASKED) as store:
        assert store.damaged == 2
        assert store.get("k1") == ANSWER


def test_a_full_disk_keeps_nothing_of_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_answers(tmp_path, ASKED) as store:
        store.put("k1", ANSWER, "job-a")
        before = store.path.read_bytes()

        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(UserError) as refusal:
                store.put("k2", ANSWER, "job-a")
        assert refusal.value.code == "disk.full"
        assert store.path.read_bytes() == before
        assert "k2" not in store
        store.put("k2", ANSWER, "job-a")
        assert store.get("k2") == ANSWER


def test_an_answer_is_never_kept_twice(tmp_path: Path) -> None:
    with open_answers(tmp_path, ASKED) as store:
        store.put("k1", ANSWER, "job-a")
        with pytest.raises(ValueError, match="before"):
            store.put("k1", ANSWER, "job-b")


def _put_some(folder: Path, begin: int) -> None:
    for number in range(begin, begin + 20):
        with open_answers(folder, ASKED) as store:
            if f"k{number}" not in store:
                store.put(f"k{number}", ANSWER, f"process-{os.getpid()}")


def test_two_processes_share_the_answers_without_harm(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_put_some, args=(tmp_path, begin)) for begin in (0, 10)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
        process.close()
    with open_answers(tmp_path, ASKED) as store:
        assert store.damaged == 0
        assert all(store.get(f"k{number}") == ANSWER for number in range(30))
    assert len((tmp_path / ASKED.file_name).read_bytes().splitlines()) == 30


def test_whoever_comes_second_waits_and_may_give_up(tmp_path: Path) -> None:
    class GivenUpError(Exception):
        pass

    def give_up() -> None:
        raise GivenUpError

    with open_answers(tmp_path, ASKED), pytest.raises(GivenUpError), open_answers(tmp_path, ASKED, give_up):
        pass


def test_the_answers_lie_beside_the_jobs_of_the_study() -> None:
    assert answers_folder(Path("a/NAME.tercet.d/jobs/0123")) == Path("a/NAME.tercet.d/answers")
