"""How much of a teacher's distribution a student has to be shown: the whole, or its likeliest tokens and draws.

    python -m tests.benchmarks.rest_of_teacher WORK_FOLDER

The models, rows and batches are those of `distillation_peers.py`, which prepares WORK_FOLDER. Each student is trained
for four epochs with Tercet's loss; printed is its divergence from the teacher on held-out rows after two and four.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.distillation_peers import RATE, batches_of, divergence_of, prepare

VARIANTS = ((None, 0), (24, 0), (24, 8), (24, 16), (24, 24), (8, 32))
EPOCHS, TOLD_EPOCHS = 4, (2, 4)


def main() -> None:
    """Train one student for each variant and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    if not (arguments.work / "student").exists():
        prepare(arguments.work, Path(os.environ["TERCET_DATA"]))
    sys.stdout.write("| likeliest | drawn | after 2 epochs | after 4 |\n|---:|---:|---:|---:|\n")
    for likeliest, draws in VARIANTS:
        found = _trained(arguments.work, likeliest, draws)
        cells = ["all" if likeliest is None else str(likeliest), str(draws), *(f"{value:.3f}" for value in found)]
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
        sys.stdout.flush()


def _trained(work: Path, likeliest: int | None, draws: int) -> list[float]:
    """The divergences (nats) of a student that saw so much of its teacher."""
    import torch
    from transformers import AutoModelForCausalLM

    from core.engines.distill.token_gradient import taught_loss

    torch.manual_seed(1)
    rows = json.loads((work / "rows.json").read_text(encoding="utf-8"))
    load: Any = AutoModelForCausalLM.from_pretrained
    teacher, student = load(work / "teacher").eval(), load(work / "student").train()
    batches, held_out = batches_of(rows["train"]), batches_of(rows["held_out"])
    shown = _shown(teacher, batches, likeliest, draws)
    optimizer = torch.optim.AdamW(student.parameters(), lr=RATE, weight_decay=0.01)
    found = []
    for epoch in range(1, EPOCHS + 1):
        for batch, told in zip(batches, shown, strict=True):
            logits = _answer_logits(student, batch)
            targets = batch["labels"][:, 1:][batch["labels"][:, 1:] != -100]
            optimizer.zero_grad()
            torch.autograd.backward(taught_loss(logits, targets, told, 1.0, 1.0) / len(targets))
            torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
            optimizer.step()
        if epoch in TOLD_EPOCHS:
            found.append(divergence_of(teacher, student.eval(), held_out))
            student.train()
    return found


def _shown(teacher: Any, batches: list[Any], likeliest: int | None, draws: int) -> list[Any]:
    """What is kept of the teacher for each batch; with `likeliest` null the whole vocabulary."""
    import torch

    from core.engines.distill.rest_draws import drawn_from_rest
    from core.engines.distill.token_losses import likeliest_tokens

    kept, place = [], 0
    for batch in batches:
        with torch.inference_mode():
            logits = _answer_logits(teacher, batch)
            outputs = likeliest_tokens(logits, likeliest or logits.shape[-1], 1.0)
            places = torch.arange(place, place + len(logits))
            drawn = drawn_from_rest(outputs.rest, draws, places) if draws else None
        place += len(logits)
        kept.append(outputs.tokens._replace(drawn=drawn))
    return kept


def _answer_logits(model: Any, batch: Any) -> Any:
    """The logits that answer tokens follow, shape (positions, vocabulary)."""
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return logits[:, :-1][batch["labels"][:, 1:] != -100]


if __name__ == "__main__":
    main()
