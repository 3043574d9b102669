"""Tiny models and data for every test of the engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_models import write_body, write_classifier, write_dataset

from core.engines.language import endpoint_pacing

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
NO_METAL = pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no Metal device")


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Before anything that a module shares is trained: with more threads sums differ in their last bits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("TERCET_DEVICE", "cpu")
        torch.set_num_threads(1)
        yield


@pytest.fixture(scope="session")
def body(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A three-layer body without a head. Read only."""
    return write_body(tmp_path_factory.mktemp("body"))


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory, body: Path) -> Path:
    """The folder of a job with a three-layer classifier in `model`. Read only."""
    return write_classifier(tmp_path_factory.mktemp("teacher"), body)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a prepare job with 48 training rows. Read only."""
    return write_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Endpoints are asked again after next to no time."""
    monkeypatch.setattr(endpoint_pacing, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(endpoint_pacing, "LONGEST_PAUSE_S", 0.01)


@pytest.fixture(
    params=[
        "cpu",
        pytest.param("cuda", marks=[pytest.mark.gpu, NO_CUDA]),
        pytest.param("mps", marks=[pytest.mark.gpu, NO_METAL]),
    ]
)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The device that jobs choose: the CPU always, a GPU where there is one."""
    monkeypatch.setenv("TERCET_DEVICE", request.param)
    return str(request.param)
