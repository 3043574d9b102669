"""`tercet export` in a process of its own, for the window: what came of it is one line of JSON on stdout.

`python -m core.commands.export_process STUDY CANDIDATE FORMAT OUT PRECISION`. The line holds the `files`, or `code` and
`values` of what is wrong in the user's world. The process ends by itself when its stdin closes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from core.commands.handing_over import export
from core.engines.child_process import USER_ERROR_EXIT, end_with_parent
from core.errors import UserError


def main(arguments: Sequence[str]) -> int:
    """Export as the arguments say; the exit code: 0, or 2 where the user's world is wrong."""
    study, candidate, format_name, out, precision = arguments
    end_with_parent()
    told: dict[str, object]
    try:
        files = export(Path(study), candidate, format_name, Path(out), precision)
    except UserError as error:
        told = {"code": error.code, "values": error.values}
    else:
        told = {"files": [str(file) for file in files]}
    sys.stdout.write(f"\n{json.dumps(told)}\n")
    return 0 if "files" in told else USER_ERROR_EXIT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
