"""Write `family.csv` and `chain_sum.csv`: tasks of reasoning-gym (Apache-2.0) for language models.

pip install reasoning-gym==0.1.25
python tests/benchmarks/reasoning_data.py FOLDER
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import reasoning_gym

SEED = 7
TASKS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "family": ("family_relationships", 1000, {"min_family_size": 4, "max_family_size": 4}),
    "chain_sum": ("chain_sum", 1200, {"min_terms": 2, "max_terms": 3, "min_digits": 1, "max_digits": 2}),
}


def main() -> None:
    """One row a question, each only once, in a random but fixed order."""
    for file, (dataset, rows, options) in TASKS.items():
        made = reasoning_gym.create_dataset(dataset, size=rows * 2, seed=SEED, **options)
        answers = {entry["question"]: str(entry["answer"]) for entry in made}
        with (Path(sys.argv[1]) / f"{file}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["question", "answer"])
            writer.writerows(list(answers.items())[:rows])


if __name__ == "__main__":
    main()
