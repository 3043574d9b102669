"""Which part of a candidate a job makes: the model of one seed, an assistant, the baseline on the targets alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.jobs.model_sources import seeds_of
from core.spec import Study

_PART = re.compile(
    r"^(?P<prefix>(?:baseline_|first_|uncompressed_|curve_)*)(?P<name>[a-z]+?)(?P<stage>\d+)?"
    r"(?::(?P<share>[0-9.e-]+))?(?:@(?P<seed>\d+))?$"
)


@dataclass(frozen=True)
class JobPart:
    """`stage` counts assistants from 1. `first` is the student before it learns on from a stream, `reference` a
    search's teacher trained without the rows that judge, `uncompressed` what is compressed afterwards. `share` is that
    of the train rows which a training of a learning curve sees."""

    stage: int | None = None
    baseline: bool = False
    first: bool = False
    reference: bool = False
    uncompressed: bool = False
    seed: int | None = None
    share: float | None = None


def job_parts(study: Study, candidate_jobs: Mapping[str, Mapping[str, str]]) -> dict[str, JobPart]:
    """What each job makes, by its id; jobs that make a candidate's only model in one go are left out."""
    found: dict[str, JobPart] = {}
    for candidate in study.candidates:
        seeds = seeds_of(study, candidate)
        first_seed = seeds[0] if len(seeds) > 1 else None
        for name, job_id in candidate_jobs.get(candidate.name, {}).items():
            part = _parsed(name, None if name == "route" else first_seed)
            if part != JobPart():
                found.setdefault(job_id, part)
    return found


def part_words(tr: Callable[..., str], part: JobPart | None, percent: Callable[[float], str]) -> list[str]:
    """What of its candidate a job makes, in words; empty where it makes all of it. `tr` looks words up by their code,
    `percent` writes a share."""
    if part is None:
        return []
    words = [tr("job.part.stage", number=part.stage)] if part.stage is not None else []
    words += [tr("job.part.baseline")] if part.baseline else []
    words += [tr("job.part.first")] if part.first else []
    words += [tr("job.part.reference")] if part.reference else []
    words += [tr("job.part.uncompressed")] if part.uncompressed else []
    words += [tr("job.part.curve", share=percent(part.share))] if part.share is not None else []
    words += [tr("job.part.seed", seed=part.seed)] if part.seed is not None else []
    return words


def _parsed(name: str, first_seed: int | None) -> JobPart:
    match = _PART.match(name)
    if match is None:
        return JobPart()
    prefix, stage, seed = match["prefix"], match["stage"], match["seed"]
    return JobPart(
        stage=int(stage) if stage else None,
        baseline="baseline_" in prefix,
        first="first_" in prefix,
        reference=match["name"] == "reference",
        uncompressed="uncompressed_" in prefix,
        seed=int(seed) if seed else first_seed,
        share=float(match["share"]) if match["share"] else None,
    )
