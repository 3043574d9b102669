"""What is timed, and for how long. The constants stand here, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# p99 needs 299 samples before it has an upper bound at all (core.metrics.percentiles).
SINGLE_REQUESTS = 300
# The first requests pay for lazy initialisation, memory pools and caches.
WARM_UP_REQUESTS = 10
# A slow model stops early, but not before p95 has its bound (59 samples), and never takes longer than the last limit.
SINGLE_SECONDS = 4.0
SINGLE_REQUESTS_AT_LEAST = 60
SINGLE_SECONDS_AT_MOST = 60.0
# The contract's batch size, and enough batches for a mix of lengths.
BATCH_ROWS = 32
THROUGHPUT_BATCHES = 4
# In the quality pass each step over the weights serves as many written answers as a kill may cost tokens.
WRITTEN_ROWS_AT_MOST = 128
WRITTEN_TOKENS = 8192
# Passes over these batches: the median of three, or of as many as fit into the time.
THROUGHPUT_PASSES = 3
THROUGHPUT_SECONDS_AT_LEAST = 1.0
THROUGHPUT_SECONDS = 2.0
# A slow model ends its throughput run after the batch that reaches this.
THROUGHPUT_SECONDS_AT_MOST = 20.0
# Its warm-up likewise, after the request that reaches this, and without a batch.
WARM_UP_SECONDS_AT_MOST = 3.0
# An answer in text takes as long as it is: the repeated request that shows the machine's noise is cut off here.
REPEATED_OUTPUT_TOKENS = 16
# One request again and again: what varies then is the machine, not the length of the input.
REPEATED_REQUESTS = 30
# Above either, the figures say as much about the machine as about the model.
NOISY_VARIATION = 0.25
NOISY_FOREIGN_SHARE = 0.15
# As for exports: runtimes of the same weights round differently, never more.
MINIMUM_RUNTIME_AGREEMENT = 0.99
SEED = 1


def batches_by_length(lengths: Sequence[int], batch_rows: int | None = None) -> list[list[int]]:
    """Batches of 32 rows of like length, as row numbers, shortest first: little padding, and the same on every run.

    `batch_rows` stands in for the 32. INT8 models scale activations by the batch, so that a row's answer depends on its
    neighbours: resuming keeps the batches as they are.
    """
    order = sorted(range(len(lengths)), key=lambda row: lengths[row])
    count = batch_rows or BATCH_ROWS
    return [order[begin : begin + count] for begin in range(0, len(order), count)]


def written_rows(max_output_tokens: int) -> int:
    """Rows that are answered at once in text: the shorter the answers may be, the more."""
    return min(WRITTEN_ROWS_AT_MOST, max(BATCH_ROWS, WRITTEN_TOKENS // max_output_tokens))


def timing_sample(rows: int) -> list[int]:
    """Row numbers of the requests to be timed, in a random order that is the same on every run; small data repeats."""
    generator = np.random.default_rng(SEED)
    rounds = -(-SINGLE_REQUESTS // rows)
    drawn = np.concatenate([generator.permutation(rows) for _ in range(rounds)])
    return [int(row) for row in drawn[:SINGLE_REQUESTS]]
