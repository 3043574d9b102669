"""The step `trim_vocabulary` of a compress job."""

from __future__ import annotations

from pathlib import Path

from core.data.examples import read_examples
from core.domain import Split
from core.engines.compress.trim import trim_vocabulary
from core.engines.compress.work import Work
from core.errors import UserError
from core.i18n import english
from core.spec import Prune, Quantize, TrimVocabulary
from core.worker.context import JobContext

COMPARISONS = 0


def run(source: Path, out: Path, step: Prune | TrimVocabulary | Quantize, work: Work) -> None:
    """Write the model folder `out`: the model of `source` with the vocabulary of the train rows."""
    work.tell("phase.trim", 0, 1)
    texts = _texts_to_keep(work.context)
    before, after = trim_vocabulary(source, texts, out)
    work.context.log(english("compress.log.trimmed", before=before, after=after, rows=len(texts)))
    work.tell("phase.trim", 1, 1)


def _texts_to_keep(context: JobContext) -> list[str]:
    """Train inputs, or calibration inputs where nothing is trained; never test inputs. Raises UserError for none."""
    examples = read_examples(context.input_folder("data"))
    for split in (Split.TRAIN, Split.CALIBRATION):
        inputs = [example.input for example in examples if example.split is split]
        if inputs:
            return inputs
    raise UserError("compress.no_rows")
