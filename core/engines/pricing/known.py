"""What is there of a study before a run: rows, answers and passages, with stand-ins for those still to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from core.data.predictions import read_predictions
from core.domain import Example, JobKind, Prediction, Split
from core.engines.language.answer_store import FOLDER_NAME as ANSWERS_FOLDER
from core.engines.language.token_guess import filler
from core.engines.retrieval.given import FILE_NAME as FOUND_NAME
from core.engines.retrieval.given import FOUND_INPUT, INDEX_INPUT, GivenPassages, PassageSource, read_found
from core.engines.retrieval.index import FOLDER_NAME as INDEX_FOLDER
from core.engines.retrieval.index import Index, Passage
from core.jobs.plan import Plan, PlannedJob
from core.jobs.specs import BenchmarkParameters, CheckParameters, RetrievalUse
from core.lazy import load
from core.paths import job_folder

# Where answers are read: as they will be judged; as they are before second requests; nowhere, so that each is taken to
# be as long as its limit allows.
Basis = Literal["there", "before_second", "limit"]


@dataclass(frozen=True)
class ExpectedAnswers:
    """The answers that a job will get, and how well they are known. `limit` is the most tokens of one."""

    predictions: list[Prediction]
    basis: Basis
    limit: int


@dataclass(frozen=True)
class KnownStudy:
    """The plan of a study, the ids of its jobs that are done, its rows, and the folder of its files."""

    plan: Plan
    done: frozenset[str]
    examples: Sequence[Example]
    artefacts: Path

    @property
    def answers_folder(self) -> Path:
        """The folder of bought answers."""
        return self.artefacts / ANSWERS_FOLDER

    @cached_property
    def rows(self) -> dict[str, Example]:
        """The rows by their ids."""
        return {example.example_id: example for example in self.examples}

    def answers(self, job: PlannedJob) -> ExpectedAnswers:
        """The answers that a check or judge job will get. Raises UserError where imported ones cannot be read."""
        source, basis = self.plan.job(job.spec.inputs["answers"]), "there"
        parameters = source.spec.parameters
        if isinstance(parameters, CheckParameters) and source.job_id not in self.done:
            basis = "before_second" if parameters.checks.re_ask and not parameters.imported else "there"
            source = self.plan.job(source.spec.inputs["answers"])
        limit = self._benchmark(source).task.max_output_tokens
        if source.job_id in self.done:
            known = read_predictions(job_folder(self.artefacts, source.job_id))
            return ExpectedAnswers(known, "there" if basis == "there" else "before_second", limit)
        benchmark = self._benchmark(source)
        if benchmark.predictions is not None:
            given = benchmark.predictions
            read = load("core.data.imported").import_predictions
            return ExpectedAnswers(
                read(given.file, given.columns, self.examples, benchmark.task, judged=benchmark.judged), "there", limit
            )
        measured = [example for example in self.examples if example.split is not Split.TRAIN]
        return ExpectedAnswers([Prediction(one.example_id, filler(limit), 0.0) for one in measured], "limit", limit)

    def passages(self, job: PlannedJob) -> PassageSource:
        """The passages that the answers of a check or judge job were, or will be, given with."""
        if FOUND_INPUT not in job.spec.inputs:
            return GivenPassages()
        benchmark = self.plan.job(job.spec.inputs[FOUND_INPUT])
        if benchmark.job_id in self.done:
            found = read_found(job_folder(self.artefacts, benchmark.job_id) / FOUND_NAME)
            return GivenPassages(Index(job_folder(self.artefacts, job.spec.inputs[INDEX_INPUT]) / INDEX_FOLDER), found)
        use = self._benchmark(benchmark).retrieval
        return GivenPassages() if use is None else LongestPassages(use)

    def _benchmark(self, job: PlannedJob) -> BenchmarkParameters:
        """The parameters of a benchmark, or of the one whose answers a check job has checked."""
        benchmark = self.plan.job(job.spec.inputs["answers"]) if job.kind is JobKind.CHECK else job
        if not isinstance(benchmark.spec.parameters, BenchmarkParameters):
            raise TypeError(benchmark.kind)
        return benchmark.spec.parameters


@dataclass(frozen=True)
class LongestPassages:
    """Passages as long as they can be, while nobody has searched for them. Satisfies `PassageSource`."""

    use: RetrievalUse

    def of(self, example_id: str) -> list[Passage]:
        """As many passages as a search gives, each with all the words that it may have."""
        return [Passage(number, "", 0, 0, " passage" * self.use.chunk_words) for number in range(self.use.top_k)]
