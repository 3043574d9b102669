"""Devices and machines in the report's language; a name that no form fits stays as it is."""

from __future__ import annotations

import pytest

from core.engines.benchmark.environment import machine
from core.machine_words import device_words, machine_words
from core.report.model import text_of


@pytest.mark.parametrize(
    ("stored", "chinese"),
    [
        ("CPU, 1 thread", "CPU，1 个线程"),
        ("CPU, 12 threads", "CPU，12 个线程"),
        ("NVIDIA H100 80GB HBM3 (cuda:0)", "NVIDIA H100 80GB HBM3 (cuda:0)"),
    ],
)
def test_the_words_around_a_device_are_translated(stored: str, chinese: str) -> None:
    assert text_of(device_words(stored), "en") == stored
    assert text_of(device_words(stored), "zh_CN") == chinese


def test_this_machine_is_told_in_both_languages() -> None:
    assert text_of(machine_words(machine()), "en") == machine()
    assert "GiB 内存，" in text_of(machine_words(machine()), "zh_CN")
