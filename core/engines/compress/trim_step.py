"""The step `trim_vocabulary` of a compress job."""

from __future__ import annotations

from pathlib import Path

from core.domain import Example, Split
from core.engines.compress.trim import trim_vocabulary, uses_of_texts
from core.engines.compress.work import Work
from core.errors import UserError
from core.i18n import english
from core.spec import Prune, Quantize, TrimVocabulary

COMPARISONS = 0


def run(source: Path, out: Path, step: Prune | TrimVocabulary | Quantize, work: Work) -> None:
    """Write the model folder `out`: the model of `source` with the vocabulary of the train rows.

    Of a language model prompts and targets count, with all that its chat template adds.
    """
    work.tell("phase.trim", 0, 1)
    rows = _rows_to_keep(work)
    uses = work.language_rows(rows).uses if work.language_model else uses_of_texts([example.input for example in rows])
    before, after = trim_vocabulary(source, uses, out, language_model=work.language_model)
    work.context.log(english("compress.log.trimmed", before=before, after=after, rows=len(rows)))
    work.tell("phase.trim", 1, 1)


def _rows_to_keep(work: Work) -> list[Example]:
    """Train rows, or calibration rows where nothing is trained; never test rows. Raises UserError for none."""
    for split in (Split.TRAIN, Split.CALIBRATION):
        rows = [example for example in work.examples if example.split is split]
        if rows:
            return rows
    raise UserError("compress.no_rows")
