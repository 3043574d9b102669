"""What the command line offers: commands that are built, examples, completion."""

from __future__ import annotations

import sys

import pytest

from core.cli import app, main

COMMANDS = {"run", "demo", "init", "status", "results", "recommend", "report", "export", "doctor", "examples"}


def output(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["tercet", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    told = capfd.readouterr()
    assert end.value.code in (0, None), told.err
    return told.out


def test_help_lists_the_commands_that_are_built_and_no_other(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    text = output(monkeypatch, capfd, "--help")
    listed = {line.split()[0] for line in text.partition("Commands:")[2].splitlines() if line.startswith("  ")}
    assert listed >= COMMANDS
    assert not {"check", "serve"} & listed
    assert len(app.registered_commands) == len(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_an_example(
    command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert f"Example: tercet {command}" in output(monkeypatch, capfd, command, "--help")


def test_the_shell_is_told_how_a_word_may_end(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"_TERCET_COMPLETE": "complete_bash", "COMP_WORDS": "tercet re", "COMP_CWORD": "1"}.items():
        monkeypatch.setenv(name, value)
    assert set(output(monkeypatch, capfd).split()) == {"recommend", "report", "results"}


def test_the_version_is_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert output(monkeypatch, capfd, "--version").startswith("tercet ")


def test_ctrl_c_within_a_command_says_that_what_was_done_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*, as_json: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.commands.doctor.show", interrupted)
    monkeypatch.setattr("sys.argv", ["tercet", "doctor"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert "the same command goes on from there" in capsys.readouterr().err
