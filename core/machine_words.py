"""Devices and machines as stored beside each figure, as sentences that any language can tell.

Jobs store one English line, such as `CPU, 2 threads`; what has none of the forms known here is a name and stays.
"""

from __future__ import annotations

import re

from core.i18n import english

_CPU = re.compile(r"CPU, (\d+) threads?")
_MACHINE = re.compile(r"(?P<processor>.+), (?P<memory>\d+) GiB memory, (?P<system>\S+ \S+)")


def device_words(stored: str) -> str:
    """What a job ran on, as `core.engines.device` describes it."""
    found = _CPU.fullmatch(stored)
    return stored if found is None else english("report.device.cpu", count=int(found.group(1)))


def machine_words(stored: str) -> str:
    """Processor, memory and system, as `core.engines.benchmark.environment` writes them."""
    found = _MACHINE.fullmatch(stored)
    return stored if found is None else english("report.machine", **found.groupdict())
