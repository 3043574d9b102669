"""A worker that speaks the event protocol and does what its command line says: `fake_worker.py FOLDER BEHAVIOUR`.

`succeed`, `fail`, `die` (no last word), `wait` (until stdin says cancel or ends), `stubborn` (ignores stdin and
starts a child of its own), `chatty` (many progress events), `torn` (a line cut short, then nothing), `too_large` (fails
for want of memory unless that is to be ignored).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from core.data.examples import write_examples
from core.domain import Example, Split
from core.events import Event, Failed, Finished, Log, Metric, Progress, Started, to_line
from core.i18n import english, stored_values

_PREPARED: dict[str, Any] = {
    "rows_train": 0,
    "rows_calibration": 0,
    "rows_test": 2,
    "dropped": [],
    "labels": ["a", "b"],
    "groups": 2,
    "duplicate_rows": 0,
    "input_length_p50": 3.0,
    "input_length_p95": 3.0,
    "input_length_max": 3,
    "label_entropy_bits": 1.0,
    "seconds": 0.1,
}
_MEASURED: dict[str, Any] = {
    "origin": "imported",
    "rows_test": 2,
    "rows_calibration": 0,
    "runtimes": [],
    "peak_memory_mib": None,
    "model_size_mib": None,
    "parameters": None,
    "joules_per_request": None,
    "energy_source": "not measured",
    "environment": None,
    "seconds": 0.1,
}
_ROUTED: dict[str, Any] = {
    "folds": 5,
    "example_ids": [],
    "policies": [],
    "length_priority": [],
    "seconds": 0.1,
}
RESULTS = {"prepare": _PREPARED, "benchmark": _MEASURED, "route": _ROUTED}


class Mouth:
    """Appends events to the job's file and mirrors them on stdout, as the real worker does."""

    def __init__(self, folder: Path, out: TextIO) -> None:
        self._spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
        self._path = folder / "events.jsonl"
        self._out = out
        told = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        self._sequence = len(told)
        self.kind = str(self._spec["parameters"]["kind"])

    def head(self) -> dict[str, Any]:
        self._sequence += 1
        return {"job_id": self._spec["job_id"], "sequence": self._sequence, "at": datetime.now(UTC)}

    def say(self, event: Event) -> None:
        line = to_line(event) + "\n"
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)
        self._out.write(line)
        self._out.flush()


def main(folder: Path, behaviour: str) -> int:
    mouth = Mouth(folder, sys.stdout)
    mouth.say(Started(**mouth.head(), attempt=1, pid=1, device="none"))
    mouth.say(Progress(**mouth.head(), phase="phase.test", step=1, total_steps=4, remaining_s=3.0))
    if behaviour == "die":
        return 3
    if behaviour == "torn":
        sys.stdout.write('{"type": "prog')
        sys.stdout.flush()
        return 3
    if behaviour == "fail":
        mouth.say(Failed(**mouth.head(), state="failed", code="test.failed", text="The test wanted it so."))
        return 1
    if behaviour == "too_large" and os.environ.get("TERCET_IGNORE_MEMORY") != "1":
        values = {"predicted": 9000, "error": 500, "free": 4000, "batch_size": 8}
        mouth.say(Failed(**mouth.head(), state="failed", code="train.too_large", values=values, text="Too large."))
        return 1
    if behaviour == "stubborn":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        mouth.say(Log(**mouth.head(), level="info", text=f"child {child.pid}"))
        time.sleep(600)
    if behaviour == "wait":
        asked = sys.stdin.readline().strip() == "cancel"
        state = "cancelled" if asked else "interrupted"
        mouth.say(Failed(**mouth.head(), state=state, code=f"job.{state}_by_test", text=f"It was {state}."))
        return 1
    if behaviour == "chatty":
        for step in range(300):
            mouth.say(Progress(**mouth.head(), phase="phase.test", step=step, total_steps=300))
            time.sleep(0.002)
    for step in range(1, 6):
        mouth.say(Metric(**mouth.head(), name="loss", step=step, value=1.0 / step))
    mouth.say(Log(**mouth.head(), level="info", text="one line for the log"))
    told = english("train.log.resumed", step=3)
    mouth.say(Log(**mouth.head(), level="info", text=str(told), code=told.code, values=stored_values(told.values)))
    if mouth.kind == "prepare":
        rows = [Example(f"r{row}", Split.TEST, f"g{row}", "text", "a") for row in range(2)]
        write_examples(folder, rows)
    mouth.say(Finished(**mouth.head(), result=RESULTS[mouth.kind]))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
