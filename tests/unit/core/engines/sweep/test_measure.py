"""A trained student measured for real: its quality, its speed under the runtimes of this machine, its size."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from core.data.examples import read_examples
from core.engines.benchmark import plan
from core.engines.held_out import HeldOut
from core.engines.models import open_classifier, read_card
from core.engines.sweep import measure as measuring
from core.engines.sweep.measure import Student, measure, write_quantised
from core.engines.sweep.turns import TURNS, timed
from core.errors import UserError


@pytest.fixture(autouse=True)
def _short_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "SINGLE_SECONDS", 0.01)
    monkeypatch.setattr(plan, "THROUGHPUT_SECONDS_AT_LEAST", 0.01)


@pytest.fixture
def held_out(dataset: Path) -> HeldOut:
    examples = read_examples(dataset)[:20]
    return HeldOut(tuple(one.input for one in examples), tuple(one.target for one in examples))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that the export is made once."""
    return tmp_path_factory.mktemp("work")


@pytest.mark.parametrize("quantize", ["none", "int8_dynamic", "int8_static"])
def test_each_form_has_its_own_figures(teacher: Path, held_out: HeldOut, workplace: Path, quantize: str) -> None:
    student = Student(teacher / "model", held_out.inputs, workplace)
    figures = measure(student, quantize, held_out, TURNS, lambda: None)
    assert 0.0 <= figures.quality <= 1.0
    assert len(figures.speed.rates) == TURNS
    low, high = figures.speed.spread
    assert 0 < low <= figures.speed.requests_per_second <= high
    assert figures.speed.p95_latency_ms is not None
    assert figures.model_size_mib > 0
    assert sorted(path.name for path in workplace.iterdir()) == ["exported"]


def test_models_are_timed_in_turn_and_a_turn_that_was_disturbed_moves_no_median() -> None:
    asked: list[str] = []

    def answer(name: str, requests: Sequence[str]) -> None:
        if len(requests) > 1:
            asked.append(name)
        time.sleep(0.02 if name == "first" and asked.count("first") == 3 and len(requests) > 1 else 0.0002)

    first, second = timed([partial(answer, name) for name in ("first", "second")], ["a", "b"], 3, lambda: None)
    turns = [name for name, _ in itertools.groupby(asked[2:])]
    assert turns == ["first", "second"] * 3
    assert min(first.rates) < 0.8 * first.requests_per_second
    assert first.requests_per_second == pytest.approx(second.requests_per_second, rel=0.5)


@pytest.mark.parametrize("quantize", ["none", "int8_static"])
def test_a_stop_is_heard_in_every_part_of_a_measurement(
    teacher: Path, held_out: HeldOut, workplace: Path, quantize: str
) -> None:
    asked = 0

    def tell() -> None:
        nonlocal asked
        asked += 1

    measure(Student(teacher / "model", held_out.inputs, workplace), quantize, held_out, 2, tell)
    # The quality, both sides of the comparison, the turns of both runtimes, or those of one and the rows for ranges.
    assert asked >= 3 + {"none": 4, "int8_static": 2 + len(held_out.inputs)}[quantize]


def test_a_quantised_student_is_an_onnx_folder_with_the_student_s_labels(
    teacher: Path, held_out: HeldOut, workplace: Path, tmp_path: Path
) -> None:
    student = Student(teacher / "model", held_out.inputs, workplace)
    write_quantised(student, "int8_dynamic", tmp_path / "out", held_out.inputs, lambda: None)
    assert read_card(tmp_path / "out").format == "onnx"
    assert open_classifier(tmp_path / "out").labels == open_classifier(teacher / "model").labels


def test_an_export_that_answers_otherwise_is_refused(
    teacher: Path, held_out: HeldOut, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "label_agreement", lambda first, second: 0.5)
    student = Student(teacher / "model", held_out.inputs, workplace)
    with pytest.raises(UserError) as refused:
        write_quantised(student, "int8_dynamic", tmp_path / "out", held_out.inputs, lambda: None)
    assert refused.value.code == "compress.parity"
    assert not (tmp_path / "out").exists()
