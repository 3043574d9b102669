"""Whose work counts as foreign while something is timed on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from core.engines.benchmark.environment import ForeignLoad

_BUSY_SERVER = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.readline()
for _ in range(2 * 10**6): pass
print("done", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def busy_server() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that listens on this machine and works once it gets a line."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", _BUSY_SERVER], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
        process.kill()


def test_a_server_on_this_machine_is_no_foreign_program(busy_server: tuple[subprocess.Popen[str], int]) -> None:
    process, port = busy_server
    asked, others = ForeignLoad(f"http://localhost:{port}/v1"), ForeignLoad("https://a.example/v1")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    process.stdout.readline()
    known, all_others = asked.known_share(), others.known_share()
    assert known is not None
    assert all_others is not None
    assert known < all_others or all_others in (0.0, 1.0)


def test_a_server_here_that_the_system_does_not_name_leaves_the_share_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mine:
        port = mine.getsockname()[1]
        assert ForeignLoad(f"http://127.0.0.1:{port}/v1").known_share() is not None, "this very process answers"
    assert ForeignLoad(f"http://127.0.0.1:{port}/v1").known_share() is None
