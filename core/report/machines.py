"""Devices and machines as stored beside each figure, the words around their names in the report's language.

Jobs store one English line, such as `CPU, 2 threads`; what has none of the forms known here is a name and stays.
"""

from __future__ import annotations

import re

from core.decide.outcome import message
from core.report.model import Phrase

_CPU = re.compile(r"CPU, (\d+) threads?")
_MACHINE = re.compile(r"(?P<processor>.+), (?P<memory>\d+) GiB memory, (?P<system>\S+ \S+)")


def device_phrase(stored: str) -> Phrase:
    """What a job ran on, as `core.engines.device` describes it."""
    found = _CPU.fullmatch(stored)
    return stored if found is None else message("report.device.cpu", count=int(found.group(1)))


def machine_phrase(stored: str) -> Phrase:
    """Processor, memory and system, as `core.engines.benchmark.environment` writes them."""
    found = _MACHINE.fullmatch(stored)
    return stored if found is None else message("report.machine", **found.groupdict())
