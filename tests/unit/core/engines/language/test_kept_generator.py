"""Answers of a model on this machine are kept by everything that determines them, and never cross between models."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from job_context import job_context
from tiny_language_models import CHAT_TEMPLATE, write_language_model

from core.domain import FloatArray
from core.engines.language import kept_generator as kept_module
from core.engines.language.generator import Generation, LocalGenerator
from core.engines.language.kept_generator import KeptGenerator, kept_generator
from core.engines.language.torch_generator import TorchGenerator
from core.jobs.specs import BenchmarkParameters
from core.model_files import fingerprint_weights
from core.spec import Task

MESSAGES = ("lost", "my card is lost now please help", "rate", "money back")
LABELS = ("card", "loan")
PARAMETERS = BenchmarkParameters(task=Task(kind="generation", metric="exact_match", prompt="{text}"))


class Scripted:
    """A model that says its own name, and notes what it is asked."""

    runtime, device = "torch", "CPU"
    parameters, weight_bytes = 1, 4
    context_tokens: int | None = None

    def __init__(self, name: str, finish: str = "stop") -> None:
        self.name = name
        self.finish = finish
        self.asked: list[tuple[str, ...]] = []
        self.shared: list[tuple[str, ...]] = []

    def share_opening(self, messages: Sequence[str]) -> None:
        self.shared.append(tuple(messages))

    def token_counts(self, messages: Sequence[str]) -> list[int]:
        return [len(message) for message in messages]

    def generate(self, messages: Sequence[str], max_output_tokens: int) -> list[Generation]:
        self.asked.append(tuple(messages))
        return [
            Generation(f"{self.name}: {message}"[:max_output_tokens], finish_reason=self.finish)  # type: ignore[arg-type]
            for message in messages
        ]

    def classify(self, messages: Sequence[str], labels: Sequence[str]) -> FloatArray:
        self.asked.append(tuple(messages))
        return np.tile([0.75, 0.25], (len(messages), 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_language_model(tmp_path / "model")


def opened(generator: LocalGenerator, source: Path, root: Path, job: str = "j") -> KeptGenerator:
    """The generator of a job of the study at `root`; its answers stay open, as one test is one process."""
    context = job_context(root / "study.tercet.d" / "jobs" / job, PARAMETERS, {})
    with kept_generator(generator, source, context) as kept:
        return kept


def test_a_request_that_was_answered_before_is_not_asked_again_by_another_job(folder: Path, tmp_path: Path) -> None:
    first, second = Scripted("a"), Scripted("a")
    said = opened(first, folder, tmp_path).generate(MESSAGES, 40)
    later = opened(second, folder, tmp_path, "k")
    assert later.generate(MESSAGES, 40) == said
    assert second.asked == []
    assert later.kept == len(MESSAGES)


def test_probabilities_of_labels_are_kept_to_the_last_digit(folder: Path, tmp_path: Path) -> None:
    real = TorchGenerator(folder)
    weighed = real.classify(MESSAGES, LABELS)
    assert np.array_equal(opened(real, folder, tmp_path).classify(MESSAGES, LABELS), weighed)
    asked = Scripted("never")
    asked.device = real.device
    assert np.array_equal(opened(asked, folder, tmp_path, "k").classify(MESSAGES, LABELS), weighed)
    assert asked.asked == []


def test_two_models_and_one_store_never_cross(folder: Path, tmp_path: Path) -> None:
    other = write_language_model(tmp_path / "other", layers=1)
    templated = tmp_path / "templated"
    shutil.copytree(folder, templated)
    (templated / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    for name, source in (("a", folder), ("b", other), ("c", templated)):
        model = Scripted(name)
        said = opened(model, source, tmp_path, name).generate(MESSAGES, 40)
        assert [one.text for one in said] == [f"{name}: {message}" for message in MESSAGES]
        assert model.asked == [MESSAGES]


@pytest.mark.parametrize("change", ["limit", "labels", "device", "decoding"])
def test_whatever_else_determines_an_answer_is_part_of_its_name(
    change: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = opened(Scripted("a"), folder, tmp_path)
    before.generate(MESSAGES, 40)
    before.classify(MESSAGES, LABELS)
    again = Scripted("a")
    if change == "device":
        again.device = "NVIDIA H100, CUDA 12.8"
    if change == "decoding":
        monkeypatch.setattr(kept_module, "DECODING_VERSION", 2)
    after = opened(again, folder, tmp_path, "k")
    if change == "labels":
        after.classify(MESSAGES, ("card", "other"))
    else:
        after.generate(MESSAGES, 41 if change == "limit" else 40)
    assert again.asked == [MESSAGES]


def test_a_batch_with_one_new_request_is_asked_whole_and_keeps_its_old_answers(folder: Path, tmp_path: Path) -> None:
    said = opened(Scripted("a"), folder, tmp_path).generate(MESSAGES[:3], 40)
    changed = Scripted("changed")
    found = opened(changed, folder, tmp_path, "k").generate(MESSAGES, 40)
    assert changed.asked == [MESSAGES]
    assert found[:3] == said
    assert found[3].text == f"changed: {MESSAGES[3]}"


def test_an_answer_that_the_model_did_not_give_is_asked_for_again(folder: Path, tmp_path: Path) -> None:
    opened(Scripted("a", finish="too_long"), folder, tmp_path).generate(MESSAGES, 40)
    again = Scripted("a")
    opened(again, folder, tmp_path, "k").generate(MESSAGES, 40)
    assert again.asked == [MESSAGES]


def test_what_requests_begin_with_is_read_once_and_only_where_something_is_asked(folder: Path, tmp_path: Path) -> None:
    first, second = Scripted("a"), Scripted("a")
    for number, model in enumerate((first, second)):
        kept = opened(model, folder, tmp_path, f"job{number}")
        kept.share_opening(MESSAGES)
        kept.generate(MESSAGES[:2], 40)
        kept.generate(MESSAGES[2:], 40)
    assert first.shared == [MESSAGES]
    assert second.shared == []


def test_the_chat_template_and_the_generation_config_are_part_of_a_model_s_fingerprint(folder: Path) -> None:
    prints = [fingerprint_weights(folder)]
    for name in ("chat_template.jinja", "generation_config.json"):
        (folder / name).write_text("{}", encoding="utf-8")
        prints.append(fingerprint_weights(folder))
    assert len(set(prints)) == 3
