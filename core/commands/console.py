"""What goes to which stream: results to stdout, progress and refusals to stderr."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

DONE, SOME_JOB_FAILED, WRONG_INPUT, STOPPED = 0, 1, 2, 130


def say(text: str) -> None:
    """One line of a command's answer."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """One line beside the answer, for a person who watches."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def print_json(document: Any) -> None:
    """One JSON document on stdout and nothing else. NaN is a bug, so it raises ValueError."""
    say(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def leave(status: int) -> NoReturn:
    """End the command with an exit status."""
    raise SystemExit(status)
