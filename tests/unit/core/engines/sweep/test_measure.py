"""A trained student measured for real: its quality, its speed under the runtimes of this machine, its size."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.examples import read_examples
from core.engines.benchmark import plan
from core.engines.held_out import HeldOut
from core.engines.models import open_classifier, read_card
from core.engines.sweep import measure as measuring
from core.engines.sweep.figures import Speed
from core.engines.sweep.measure import Student, measure, write_quantised
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
    figures = measure(student, quantize, held_out, None, lambda: None)
    assert 0.0 <= figures.quality <= 1.0
    assert figures.speed.requests_per_second > 0
    assert figures.speed.p95_latency_ms is not None
    assert figures.model_size_mib > 0
    assert sorted(path.name for path in workplace.iterdir()) == ["exported"]


def test_speed_that_is_known_of_the_same_shape_is_not_measured_again(
    teacher: Path, held_out: HeldOut, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> Speed:
        raise AssertionError("timed again")

    monkeypatch.setattr(measuring, "_speed", never)
    known = Speed(123.0, 4.5)
    student = Student(teacher / "model", held_out.inputs, workplace)
    for quantize in ("none", "int8_dynamic"):
        assert measure(student, quantize, held_out, known, lambda: None).speed == known


def test_a_quantised_student_is_an_onnx_folder_with_the_student_s_labels(
    teacher: Path, held_out: HeldOut, workplace: Path, tmp_path: Path
) -> None:
    student = Student(teacher / "model", held_out.inputs, workplace)
    write_quantised(student, "int8_dynamic", tmp_path / "out", held_out.inputs)
    assert read_card(tmp_path / "out").format == "onnx"
    assert open_classifier(tmp_path / "out").labels == open_classifier(teacher / "model").labels


def test_an_export_that_answers_otherwise_is_refused(
    teacher: Path, held_out: HeldOut, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "label_agreement", lambda first, second: 0.5)
    student = Student(teacher / "model", held_out.inputs, workplace)
    with pytest.raises(UserError) as refused:
        write_quantised(student, "int8_dynamic", tmp_path / "out", held_out.inputs)
    assert refused.value.code == "compress.parity"
    assert not (tmp_path / "out").exists()
