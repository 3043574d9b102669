"""`tercet doctor`: what works here, what does not, and what to do about it."""

from __future__ import annotations

import json

import fake_llama_cpp
import pytest

from core.commands import doctor
from core.lazy import is_installed


def test_the_device_that_a_training_would_use_is_told_with_its_precision(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERCET_DEVICE", "cpu")
    doctor.show(as_json=True)
    findings = {one["topic"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["training device"]["works"]
    assert findings["training device"]["found"].startswith("CPU, ")
    assert "fp32" in findings["training device"]["found"]
    assert "CPUExecutionProvider" in findings["ONNX Runtime providers"]["found"]


def test_what_is_missing_is_named_with_the_extra_that_brings_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = is_installed
    monkeypatch.setattr(
        "core.commands.doctor.is_installed", lambda name: name not in ("torch", "trl") and installed(name)
    )
    doctor.show(as_json=False)
    lines = capsys.readouterr().out.splitlines()
    lacking = [line for line in lines if line.startswith("lacking")]
    assert any("library trl" in line and "tercet[on-policy]" in line for line in lacking)
    assert any("training device" in line and "tercet[engine]" in line for line in lacking)
    assert lines.index(lacking[0]) == len(lines) - len(lacking)


def test_a_device_that_is_not_there_is_a_finding_and_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERCET_DEVICE", "cuda:7")
    (device,) = [one for one in doctor.examine() if one.topic == "training device"]
    assert not device.works
    assert "cuda:7" in device.found


def test_llama_cpp_is_a_finding_with_its_version_and_device_or_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.commands.doctor.is_installed", lambda name: name == "llama_cpp")
    with pytest.MonkeyPatch.context() as patch:
        fake_llama_cpp.install(patch, offloads=True)
        patch.delenv("TERCET_DEVICE", raising=False)
        (found,) = [one for one in doctor.examine() if one.topic == "llama.cpp for GGUF files"]
    assert (found.works, found.found) == (True, "llama-cpp-python 0.0, runs on: GPU (llama.cpp)")
    monkeypatch.setattr("core.commands.doctor.is_installed", lambda name: False)
    (lacking,) = [one for one in doctor.examine() if one.topic == "llama.cpp for GGUF files"]
    assert not lacking.works
    assert "tercet[llama-cpp]" in (lacking.remedy or "")
