"""What every step of a compress job works with: the job's folder and rows, and how far the job is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.domain import FloatArray, IntArray
from core.engines.compress.parity import answer_all, best_class
from core.engines.models import Classifier, open_classifier
from core.engines.models.protocol import Runtime
from core.jobs.results import RungRecord
from core.jobs.specs import CompressParameters
from core.worker.context import JobContext, Stopped


@dataclass
class Work:
    """A job, the model that it starts from, and the rows on which models are compared.

    `comparisons` is how many models will answer those rows, `answered` how many have. `rungs` are those of the step
    that pruned, if any.
    """

    context: JobContext
    parameters: CompressParameters
    parent: Path
    inputs: list[str]
    comparisons: int
    answered: int = 0
    rungs: list[RungRecord] = field(default_factory=list)

    def answers(self, classifier: Classifier) -> FloatArray:
        """Probabilities of all rows under one model. Raises Stopped."""
        before, total = self.answered * len(self.inputs), self.comparisons * len(self.inputs)
        found = answer_all(
            classifier, self.inputs, lambda rows: self.tell("phase.compare", min(total, before + rows), total)
        )
        self.answered += 1
        return found

    def choices(self, folder: Path, runtime: Runtime | None = None) -> IntArray:
        """What the model of a folder chooses in each row. Raises Stopped."""
        return best_class(self.answers(open_classifier(folder, runtime)))

    def tell(self, phase: str, step: int, total_steps: int) -> None:
        """Say how far a phase is. Raises Stopped."""
        self.context.progress(phase, step, total_steps)
        if self.context.should_stop():
            raise Stopped
