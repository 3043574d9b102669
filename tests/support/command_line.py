"""Running `tercet` as a user does: a process of its own, its streams and its exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil


def environment(**extra: str) -> dict[str, str]:
    """The environment of a command: offline, few threads, frequent checkpoints."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "TERCET_CHECKPOINT_SECONDS": "0.5", **extra}


def tercet(*arguments: str | Path, folder: Path | None = None, **extra: str) -> subprocess.CompletedProcess[str]:
    """The finished command with its output."""
    command = [sys.executable, "-m", "core.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env=environment(**extra), timeout=280
    )


def start_tercet(*arguments: str | Path, folder: Path | None = None, **extra: str) -> subprocess.Popen[str]:
    """The command, running; its output is thrown away."""
    command = [sys.executable, "-m", "core.cli", *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env=environment(**extra),
    )


def workers(folder: Path) -> list[psutil.Process]:
    """The worker processes that work in a study's artefact folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "core.worker" in words and any(str(folder) in word for word in words):
            found.append(process)
    return found


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One line on stderr that names what is wrong, nothing on stdout, exit status 2."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr
