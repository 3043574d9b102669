"""Write `chain_sum.csv`: sums of reasoning-gym (Apache-2.0) as a task for language models.

pip install reasoning-gym==0.1.25
python tests/benchmarks/chain_sum_data.py FOLDER
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import reasoning_gym

ROWS, SEED = 1200, 7


def main() -> None:
    """One row a question, each only once, in a random but fixed order."""
    made = reasoning_gym.create_dataset(
        "chain_sum", size=ROWS * 2, seed=SEED, min_terms=2, max_terms=3, min_digits=1, max_digits=2
    )
    answers = {entry["question"]: str(entry["answer"]) for entry in made}
    with (Path(sys.argv[1]) / "chain_sum.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["question", "answer"])
        writer.writerows(list(answers.items())[:ROWS])


if __name__ == "__main__":
    main()
