"""The command `tercet`: the window, and the same studies headless.

Exit status: 0 done; 1 the study ran and some job failed; 2 the input is wrong and nothing was started.
A refusal is one line on stderr that names the field, file or row and the remedy.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from core import __version__
from core.commands import console
from core.errors import UserError
from core.i18n import english
from core.lazy import load

_WINDOW_PACKAGES = "libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libxcb-cursor0"
_COMPLETION = "_TERCET_COMPLETE"  # set by the shell that asks how a word may end
_EPILOG = "tercet without a command opens the window; tercet FILE.tercet opens it on a study."
app = typer.Typer(
    name="tercet",
    help="Decide from your own data: a large teacher model, a distilled student, or a hybrid of both.",
    epilog=_EPILOG,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

StudyPath = Annotated[Path, typer.Argument(metavar="FILE.tercet", help="The study file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def _version(wanted: bool) -> None:
    if wanted:
        console.say(f"tercet {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Decide from your own data: a large teacher model, a distilled student, or a hybrid of both."""


@app.command(epilog="Example: tercet run study.yaml --study support.tercet")
def run(
    study_file: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="What to study (YAML or JSON).")],
    study: Annotated[Path, typer.Option("--study", metavar="FILE.tercet", help="Where the results are kept.")],
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="JOB", help="A job kind, a candidate or a job id, with all it needs."),
    ] = None,
    launcher: Annotated[str, typer.Option("--launcher", help="Where jobs run: local.")] = "local",
    ignore_memory: Annotated[
        bool, typer.Option("--ignore-memory", help="Train even where the memory is predicted not to suffice.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be asked of endpoints and what that costs.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --dry-run: print one JSON document.")] = False,
) -> None:
    """Run every job that the study needs and that is not done yet, failed ones too; run it again to go on."""
    if as_json and not dry_run:
        raise UserError("cli.json_of_a_run")
    if launcher != "local":
        raise UserError("cli.launcher_unknown", name=launcher)
    if ignore_memory:
        os.environ["TERCET_IGNORE_MEMORY"] = "1"  # the workers inherit it
    if dry_run:
        load("core.commands.dry_run").show_dry_run(study_file, study, only, as_json=as_json)
        return
    status = load("core.commands.running").run_study(study_file, study, only)
    if status == console.DONE and only is None:
        load("core.commands.reading").show_recommendation(study, [], as_json=False)
    raise typer.Exit(status)


@app.command(epilog="Example: tercet demo --headless --out demo")
def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Without a window.")] = False,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where everything is written.")] = Path(
        "tercet-demo"
    ),
) -> None:
    """The sample study from raw data to recommendation and report: offline, on the CPU, in some minutes."""
    running = load("core.commands.running")
    if not headless:
        _check_display()
    study_file, store_path = running.unpack_sample(out)
    if not headless:
        raise typer.Exit(_open_window(store_path, study_file))
    status = running.run_study(study_file, store_path)
    if status == console.DONE:
        load("core.commands.reporting").report(store_path, ["html", "json"], out, "en")
        load("core.commands.reading").show_recommendation(store_path, [], as_json=False)
        console.say(english("cli.report_written", path=str(out / "report.html")))
    raise typer.Exit(status)


@app.command(epilog="Example: tercet init messages.csv --out study.yaml")
def init(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="CSV, TSV, JSONL or Parquet.")],
    out: Annotated[Path, typer.Option("--out", metavar="STUDY.yaml", help="The file to write.")] = Path("study.yaml"),
) -> None:
    """Write a study file guessed from a data file, with comments that say what to check."""
    load("core.commands.beginning").init(data, out)


@app.command(epilog="Example: tercet status support.tercet --json")
def status(file: StudyPath, as_json: AsJson = False) -> None:
    """Show the jobs, their states and their progress."""
    load("core.commands.status").show_status(file, as_json=as_json)


@app.command(epilog="Example: tercet results support.tercet --json")
def results(file: StudyPath, as_json: AsJson = False) -> None:
    """Show the measurements with their intervals, for each candidate."""
    load("core.commands.results").show_results(file, as_json=as_json)


@app.command(epilog="Example: tercet examples support.tercet --filter only-first --sort difference --limit 50")
def examples(
    file: StudyPath,
    candidate: Annotated[
        list[str] | None,
        typer.Option("--candidate", metavar="NAME", help="Whose answers, up to three; repeatable."),
    ] = None,
    show: Annotated[
        str,
        typer.Option(
            "--filter",
            help="all, disagree (other classes; for texts, scores 0.25 apart), only-first, only-second (right), "
            "both-right or both-wrong, by the first two.",
        ),
    ] = "all",
    search: Annotated[str, typer.Option("--search", metavar="TEXT", help="In input, target or an answer.")] = "",
    label: Annotated[str | None, typer.Option("--class", metavar="TARGET", help="Rows of one target.")] = None,
    part: Annotated[str | None, typer.Option("--slice", metavar="COLUMN=VALUE", help="Rows of one slice.")] = None,
    sort: Annotated[
        str, typer.Option("--sort", help="row, input, target, difference, or NAME:score (confidence, latency_ms …).")
    ] = "row",
    descending: Annotated[bool, typer.Option("--descending", help="The largest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="The most rows; 0 for all.")] = 20,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print one line of CSV for each row.")] = False,
) -> None:
    """Show the test rows with the candidates' answers side by side."""
    commands = load("core.commands.examples")
    wish = commands.Wish(tuple(candidate or ()), show, search, label, part, sort, descending, limit)
    commands.show_examples(file, wish, as_json=as_json, as_csv=as_csv)


@app.command(epilog="Example: tercet recommend support.tercet --set criteria.cost.monthly_budget=500")
def recommend(
    file: StudyPath,
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH=VALUE]...", help="More settings after --set.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Decide with a criterion or a price changed; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decide again on the stored measurements; never starts a model."""
    load("core.commands.reading").show_recommendation(file, [*(settings or []), *(more or [])], as_json=as_json)


@app.command(epilog="Example: tercet report support.tercet --format html,json --out report")
def report(
    file: StudyPath,
    formats: Annotated[str, typer.Option("--format", help="html, json, or both with a comma.")] = "html",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write into.")] = Path(),
    language: Annotated[str, typer.Option("--language", help="en or zh_CN.")] = "en",
    with_rows: Annotated[
        bool,
        typer.Option("--rows", help="With the test rows on which teacher and student differ most: your own texts."),
    ] = False,
) -> None:
    """Write the report: the answer, its reasons, the figures and what they rest on."""
    if language not in ("en", "zh_CN"):
        raise UserError("cli.language_unknown", name=language)
    names = [name.strip() for name in formats.split(",") if name.strip()]
    if not names:
        raise UserError("cli.format_none", allowed="html, json")
    for path in load("core.commands.reporting").report(file, names, out, language, with_rows=with_rows):
        console.say(str(path))


@app.command(epilog="Example: tercet export support.tercet --candidate student-2l --format onnx --out model")
def export(
    file: StudyPath,
    candidate: Annotated[str, typer.Option("--candidate", metavar="NAME", help="Whose model.")],
    format_name: Annotated[str, typer.Option("--format", help="safetensors, onnx, or gguf for a language model.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write into.")],
    precision: Annotated[str, typer.Option("--precision", help="Of a gguf file's weights: f16 or f32.")] = "f16",
) -> None:
    """Write a candidate's model for use elsewhere, after checking that it still answers the same."""
    for path in load("core.commands.handing_over").export(file, candidate, format_name, out, precision):
        console.say(str(path))


@app.command(epilog="Example: tercet doctor --json")
def doctor(as_json: AsJson = False) -> None:
    """Tell what of this machine works for studies, and what to do about the rest."""
    load("core.commands.doctor").show(as_json=as_json)


def _open_window(file: Path | None, study_file: Path | None = None) -> int:
    """Open the window; `study_file` is what a study that is not there yet is made from."""
    _check_display()
    if file is not None and study_file is None:
        load("core.store.header").check_header(file)
    try:
        application = load("gui.app")
    except ImportError as error:
        if error.name is not None and error.name.partition(".")[0] in ("core", "gui"):
            raise
        raise UserError("cli.gui_missing", problem=str(error), packages=_WINDOW_PACKAGES) from error
    return int(application.run(file, study_file))


def _check_display() -> None:
    """Raises UserError where there is no display, for Qt would end the process without a word that helps."""
    chosen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform == "linux" and not chosen:
        raise UserError("cli.no_display")


def _wants_window(arguments: list[str]) -> bool:
    commands = {
        command.name or (command.callback.__name__ if command.callback else "") for command in app.registered_commands
    }
    if _COMPLETION in os.environ:
        return False
    if not arguments:
        return True
    first = arguments[0]
    return not first.startswith("-") and first not in commands and (first.endswith(".tercet") or Path(first).exists())


def main() -> None:
    """The console entry: runs the command and ends the process with its exit status."""
    arguments = sys.argv[1:]
    try:
        if _wants_window(arguments):
            sys.exit(_open_window(Path(arguments[0]) if arguments else None))
        status = app(arguments, prog_name="tercet", standalone_mode=False)
        if status == console.STOPPED:  # what typer makes of Ctrl-C within a command
            raise KeyboardInterrupt
    except UserError as error:
        console.note(error.text)
        sys.exit(console.WRONG_INPUT)
    except typer.Exit as error:
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        console.note(english("cli.stopped"))
        sys.exit(console.STOPPED)
    except BrokenPipeError:
        sys.exit(console.DONE)
    except typer.TyperException as error:
        problem = " ".join(error.format_message().split()).rstrip(".")
        console.note(english("cli.usage_wrong", problem=problem))
        sys.exit(console.WRONG_INPUT)
    sys.exit(status if isinstance(status, int) else console.DONE)


if __name__ == "__main__":
    main()
