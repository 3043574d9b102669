"""The teacher's outputs on tokens: small, complete, gone on with after a stop, and never another teacher's."""

from __future__ import annotations

import errno
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from job_context import RecordingContext, job_context
from tiny_language_models import write_language_model, write_text_dataset

from core.data.train_part import train_examples
from core.domain import IntArray
from core.engines.device import choose_device
from core.engines.distill.causal_model import body_states, head_logits
from core.engines.distill.causal_rows import CausalRows, causal_rows
from core.engines.distill.tempering import Temperatures
from core.engines.distill.token_cache import ARRAY_NAME, TemperedCache, TokenCache, teacher_tokens
from core.engines.distill.token_losses import token_divergence
from core.engines.distill.token_records import MOST_BYTES_PER_TOKEN, draws_of, ids_of, put_ids, record_type
from core.engines.durable import write_json
from core.engines.language.opening import open_language_model
from core.errors import UserError
from core.jobs.specs import DistillParameters
from core.spec import Task, Train
from core.worker.context import Stopped

TASK = Task(kind="generation", metric="exact_match", prompt="Last word of: {text}")


@dataclass(frozen=True)
class Setting:
    model: Any
    rows: CausalRows
    vocabulary: int


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    folder = tmp_path_factory.mktemp("cache")
    opened = open_language_model(write_language_model(folder / "model"))
    rows = causal_rows(train_examples(write_text_dataset(folder / "data", rows=40)), TASK, opened.tokenizer, 64)
    return Setting(opened.model, rows, len(opened.tokenizer))


def answer_logits(setting: Setting, rows: IntArray) -> torch.Tensor:
    """What the teacher itself says of the completion tokens of some rows, shape (positions, vocabulary)."""
    ids, mask = (torch.from_numpy(part) for part in setting.rows.tokens.padded(rows, 0))
    followed = torch.from_numpy(setting.rows.followed(rows))
    with torch.no_grad():
        return head_logits(setting.model, body_states(setting.model, ids, mask)[:, :-1][followed])


def context_of(folder: Path, **options: Any) -> RecordingContext:
    parameters = DistillParameters(train=Train(method="distill"), task=TASK)
    context = job_context(folder, parameters, {}, **options)
    context.started("CPU")
    return context


def cache_of(
    setting: Setting, folder: Path, temperature: float | Temperatures = 2.0, teacher: str = "a", **options: Any
) -> tuple[TokenCache, RecordingContext]:
    """The cache of a job that stands alone in its study, unless `folder` is within one."""
    context = context_of(folder, **options)
    cache = teacher_tokens(
        lambda: setting.model, (teacher,), setting.rows, 8, setting.vocabulary, temperature, choose_device("cpu"),
        folder / "out", context,
    )  # fmt: skip
    return cache, context


@pytest.mark.parametrize("vocabulary", [50_257, 65_536, 65_537, 262_144])
@pytest.mark.parametrize("tails", [0, len(Temperatures(1.0, 8.0).powers)])
def test_the_most_that_may_be_kept_of_a_token_stays_within_200_bytes(vocabulary: int, tails: int) -> None:
    most = Train.model_fields["top_k"].metadata[1].le
    for top_k in range(1, most + 1):
        kind = record_type(top_k, vocabulary, tails)
        assert kind.itemsize <= MOST_BYTES_PER_TOKEN
        assert draws_of(kind) == 0 if tails else 10 <= draws_of(kind) <= 16


def test_ids_of_a_large_vocabulary_are_kept_whole(setting: Setting, tmp_path: Path) -> None:
    """As of a vocabulary that needs a third byte; the model itself knows fewer tokens."""
    two, _ = cache_of(setting, tmp_path / "two")
    three = np.empty(3, record_type(4, 200_000))
    put_ids(three, np.array([[0, 65_535, 65_536, 199_999]] * 3))
    assert ids_of(three)[2].tolist() == [0, 65_535, 65_536, 199_999]
    assert (two.bytes_per_token, three.itemsize) == (8 * 4 + 8 + 16 * 2, 4 * 5 + 8 + 16 * 3)


def test_a_cache_of_an_earlier_version_is_gone_on_with_as_it_is(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, _ = cache_of(setting, tmp_path / "new")

    def earlier(top_k: int, vocabulary: int, tails: int = 0) -> np.dtype[np.void]:
        return np.dtype([("ids", "<u4", (top_k,)), ("top", "<f2", (top_k,)), ("rest", "<f4")])

    stops = iter([False, False, True])
    with monkeypatch.context() as patch:
        patch.setattr("core.engines.distill.token_cache.record_type", earlier)
        with pytest.raises(Stopped):
            cache_of(setting, tmp_path / "old" / "job", stop_when=lambda _context: next(stops))
    old, _ = cache_of(setting, tmp_path / "old" / "job")
    rows = np.arange(len(setting.rows.names))
    assert old.bytes_per_token == 8 * 6 + 4
    was, now = (cache.of_rows(rows, torch.device("cpu")) for cache in (old, new))
    assert torch.equal(was.ids, now.ids)
    assert was.drawn is None


def test_the_file_is_as_large_as_said(setting: Setting, tmp_path: Path) -> None:
    cache, _ = cache_of(setting, tmp_path / "job")
    tokens = int(setting.rows.completion_lengths.sum())
    size = (tmp_path / "job" / "out" / "teacher_tokens.npy").stat().st_size
    assert tokens * cache.bytes_per_token <= size <= tokens * cache.bytes_per_token + 512


def test_the_teacher_itself_does_not_diverge_from_its_kept_outputs(setting: Setting, tmp_path: Path) -> None:
    cache, _ = cache_of(setting, tmp_path / "job")
    rows = np.array([5, 2, 9])
    logits = answer_logits(setting, rows)
    kept = cache.of_rows(rows, torch.device("cpu"))
    assert float(token_divergence(logits, kept, 2.0).abs().max()) < 1e-4
    assert float(token_divergence(logits.flip(0), kept, 2.0).mean()) > 0.1
    mass = torch.cat([kept.log_probabilities, kept.log_rest[:, None]], dim=-1).exp().sum(-1)
    assert torch.allclose(mass, torch.ones(len(mass)), atol=1e-5)


def test_drawn_tokens_are_kept_with_the_mean_of_their_log_probabilities(setting: Setting, tmp_path: Path) -> None:
    cache, _ = cache_of(setting, tmp_path / "job", 1.0)
    rows = np.array([5, 2, 9])
    logits = answer_logits(setting, rows)
    kept = cache.of_rows(rows, torch.device("cpu"))
    assert kept.drawn is not None
    assert kept.drawn.ids.shape == (len(logits), 16)
    told = logits[:, : setting.vocabulary].log_softmax(-1).gather(-1, kept.drawn.ids).mean(-1)
    assert torch.allclose(kept.drawn.mean_log_probability, told, atol=2e-3)
    assert not (kept.drawn.ids[:, :, None] == kept.ids[:, None, :]).any()


@pytest.mark.parametrize("temperature", [1.0, 1.3, 2.0, 4.5, 8.0])
def test_a_cache_for_any_temperature_says_what_one_for_this_temperature_says(
    setting: Setting, tmp_path: Path, temperature: float
) -> None:
    own, _ = cache_of(setting, tmp_path / "own", temperature)
    temperatures, chosen = Temperatures(1.0, 8.0), np.array([7, 3, 12, 0])
    every, _ = cache_of(setting, tmp_path / "every", temperatures)
    place, rows = torch.device("cpu"), np.array([2, 1])
    found = TemperedCache(every, chosen, temperatures, temperature).of_rows(rows, place)
    wanted = own.of_rows(chosen[rows], place)
    assert torch.equal(found.ids, wanted.ids)
    assert torch.allclose(found.log_probabilities, wanted.log_probabilities, atol=5e-3)
    assert torch.allclose(found.log_rest, wanted.log_rest, atol=5e-3)


def test_what_is_kept_for_any_temperature_of_a_whole_vocabulary_has_no_rest(setting: Setting, tmp_path: Path) -> None:
    temperatures, context = Temperatures(1.0, 8.0), context_of(tmp_path)
    cache = teacher_tokens(
        lambda: setting.model, ("a",), setting.rows, 1000, setting.vocabulary, temperatures, choose_device("cpu"),
        tmp_path / "out", context,
    )  # fmt: skip
    found = TemperedCache(cache, np.arange(4), temperatures, 3.0).of_rows(np.array([0, 1]), torch.device("cpu"))
    assert torch.isneginf(found.log_rest).all()
    assert torch.allclose(found.log_probabilities.exp().sum(-1), torch.ones(len(found.ids)), atol=1e-4)


def test_a_stopped_cache_is_gone_on_with_and_ends_the_same(setting: Setting, tmp_path: Path) -> None:
    whole, _ = cache_of(setting, tmp_path / "whole" / "job")
    stops = iter([False, False, True])
    with pytest.raises(Stopped):
        cache_of(setting, tmp_path / "cut" / "job", stop_when=lambda _context: next(stops))
    again, context = cache_of(setting, tmp_path / "cut" / "job")
    first_step = min(step for name, step, _ in context.phases if name == "phase.teacher_outputs")
    assert first_step > 32
    first, second = ((tmp_path / name / "job" / "out" / "teacher_tokens.npy").read_bytes() for name in ("whole", "cut"))
    assert first == second
    assert again.bytes_per_token == whole.bytes_per_token


def test_a_kept_cache_does_not_open_the_teacher(setting: Setting, tmp_path: Path) -> None:
    cache_of(setting, tmp_path / "job")

    def refuse() -> Any:
        raise AssertionError("the teacher was opened")

    context = context_of(tmp_path / "job")
    teacher_tokens(
        refuse,
        ("a",),
        setting.rows,
        8,
        setting.vocabulary,
        2.0,
        choose_device("cpu"),
        tmp_path / "job" / "out",
        context,
    )
    assert any("already on disk" in line for line in context.logs)


@pytest.mark.parametrize("change", [{"temperature": 1.0}, {"teacher": "b"}])
def test_another_teacher_or_temperature_starts_anew(setting: Setting, tmp_path: Path, change: dict[str, Any]) -> None:
    cache_of(setting, tmp_path / "job")
    _, context = cache_of(setting, tmp_path / "job", **change)
    steps = [step for name, step, _ in context.phases if name == "phase.teacher_outputs"]
    assert steps[0] <= 16


def test_a_full_disk_is_told_with_what_is_needed(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.engines.distill.token_cache._allocate", full)
    with pytest.raises(UserError, match="disk is full"):
        cache_of(setting, tmp_path / "job")


def test_a_disk_that_fills_while_the_file_is_laid_out_costs_the_layout_alone(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = iter(range(100))

    class Filling(io.FileIO):
        def write(self, block: Any) -> int:
            if next(blocks) == 3:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(block)

    opened = Path.open

    def open_filling(path: Path, mode: str = "r", **options: Any) -> Any:
        return Filling(path, mode) if mode == "rb+" else opened(path, mode, **options)

    monkeypatch.setattr("core.engines.distill.token_cache._BLOCK_BYTES", 256)
    with monkeypatch.context() as full:
        full.setattr(Path, "open", open_filling)
        with pytest.raises(UserError, match="disk is full"):
            cache_of(setting, tmp_path / "job")
    assert next(blocks) == 4
    cache_of(setting, tmp_path / "job")
    cache_of(setting, tmp_path / "straight" / "job")
    assert outputs(tmp_path / "job") == outputs(tmp_path / "straight" / "job")


def test_a_disk_that_fills_between_two_batches_keeps_those_before_and_they_are_gone_on_with(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.engines.distill.token_cache._SAVE_SECONDS", -1.0)
    batches = iter(range(100))

    def filling(path: Path, document: dict[str, Any]) -> None:
        if next(batches) == 1:
            path.write_text('{"rows_d', encoding="utf-8")
            raise OSError(errno.ENOSPC, "No space left on device")
        write_json(path, document)

    with monkeypatch.context() as full:
        full.setattr("core.engines.distill.kept_outputs.write_json", filling)
        with pytest.raises(UserError, match="disk is full"):
            cache_of(setting, tmp_path / "job")
    _, context = cache_of(setting, tmp_path / "job")
    assert [step for name, step, _ in context.phases if name == "phase.teacher_outputs"] == [32, 40]
    cache_of(setting, tmp_path / "straight" / "job")
    assert outputs(tmp_path / "job") == outputs(tmp_path / "straight" / "job")


def outputs(folder: Path) -> bytes:
    return (folder / "out" / ARRAY_NAME).read_bytes()


def test_a_teacher_gets_no_gradients_and_stays_in_evaluation_mode(setting: Setting, tmp_path: Path) -> None:
    setting.model.eval()
    cache_of(setting, tmp_path / "job")
    assert not setting.model.training
    assert all(parameter.grad is None for parameter in setting.model.parameters())


def test_a_second_seed_asks_no_teacher(setting: Setting, tmp_path: Path) -> None:
    first, _ = cache_of(setting, tmp_path / "seed1")
    context = context_of(tmp_path / "seed2")

    def refuse() -> Any:
        raise AssertionError("the teacher was opened")

    second = teacher_tokens(
        refuse, ("a",), setting.rows, 8, setting.vocabulary, 2.0, choose_device("cpu"), tmp_path / "seed2" / "out",
        context,
    )  # fmt: skip
    rows = np.arange(len(setting.rows.names))
    ids = [cache.of_rows(rows, torch.device("cpu")).ids for cache in (first, second)]
    assert torch.equal(*ids)
