"""Exports to ONNX, and a language model's weights in 8 bits, each in a process of its own.

They take a dozen seconds for a small model, minutes for a large one, and hear no stop meanwhile; a process can be
killed.
`python -m core.engines.compress.onnx_process STEP SOURCE OUT`: STEP is a key of `_STEPS`. It ends by itself when its
stdin closes, that is when its parent dies. Its last line says in JSON what is wrong in the user's world.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from core.engines.child_process import (
    USER_ERROR_EXIT,
    ChildFailedError,
    ChildKilledError,
    end_with_parent,
    run_child,
)
from core.engines.durable import clear_partial
from core.errors import UserError
from core.lazy import load
from core.model_files import weight_bytes

# MiniLM with two layers takes 13 seconds of one core, with six 20, and a process six to begin. What is smaller than
# this has next to no layers.
APART_FROM_BYTES = 4 * 2**20
_STEPS = {
    "classifier": ("core.engines.compress.onnx_export", "export_onnx"),
    "export": ("core.engines.compress.decoder_export", "export_decoder"),
    "int8": ("core.engines.compress.quantize_decoder", "write_int8_decoder"),
}


def export_onnx_apart(source: Path, out: Path, on_wait: Callable[[], None]) -> None:
    """As `onnx_export.export_onnx`. `on_wait` is called several times a second meanwhile, and before a tiny model is
    exported in this process; it may raise, and `out` is then as it was."""
    if weight_bytes(source) >= APART_FROM_BYTES:
        _run("classifier", source, out, on_wait)
    else:
        on_wait()
        load("core.engines.compress.onnx_export").export_onnx(source, out)


def export_decoder_apart(source: Path, out: Path, on_wait: Callable[[], None]) -> None:
    """As `decoder_export.export_decoder`. `on_wait` is called several times a second and may raise; `out` is then as it
    was."""
    _run("export", source, out, on_wait)


def write_int8_decoder_apart(exported: Path, out: Path, on_wait: Callable[[], None]) -> None:
    """As `quantize_decoder.write_int8_decoder`. `on_wait` is called several times a second and may raise; `out` is then
    as it was."""
    _run("int8", exported, out, on_wait)


def _run(step: str, source: Path, out: Path, on_wait: Callable[[], None]) -> None:
    log = out.with_name(f"{out.name}-{step}.log")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        run_child(["core.engines.compress.onnx_process", step, str(source), str(out)], log, on_wait)
    except ChildKilledError as killed:
        raise UserError("compress.export_killed", path=str(source), signal=killed.signal) from killed
    except ChildFailedError as failed:
        if not failed.refused:
            raise RuntimeError(f"the process of the step {step} failed: {failed}") from failed
        told = json.loads(str(failed))
        raise UserError(told["code"], **told["values"]) from failed
    finally:
        log.unlink(missing_ok=True)
        # A process that was killed clears nothing away.
        clear_partial(out)


def main(arguments: Sequence[str]) -> int:
    """Do the step that the arguments name; the exit code: 0, or 2 with one line of JSON on stderr for the parent."""
    step, source, out = arguments
    module, function = _STEPS[step]
    end_with_parent()
    try:
        getattr(load(module), function)(Path(source), Path(out))
    except UserError as error:
        sys.stderr.write(f"\n{json.dumps({'code': error.code, 'values': error.values})}\n")
        return USER_ERROR_EXIT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
