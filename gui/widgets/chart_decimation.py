"""Fewer points that look the same: long curves are thinned to what the pixels can show."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from core.domain import FloatArray


def thin(xs: FloatArray, ys: FloatArray, most: int) -> tuple[FloatArray, FloatArray]:
    """At most about `most` of the points, shapes (n,), keeping each bucket's lowest and highest and both ends.

    Every spike stays visible: minimum and maximum of each of `most` / 2 buckets survive.
    """
    if len(xs) <= max(most, 4):
        return xs, ys
    inner = len(xs) - 2
    buckets = max(1, (most - 2) // 2)
    edges = np.linspace(1, 1 + inner, buckets + 1).astype(np.int64)
    kept = {0, len(xs) - 1}
    for start, end in pairwise(edges.tolist()):
        if end > start:
            part = ys[start:end]
            kept.update((start + int(np.argmin(part)), start + int(np.argmax(part))))
    index = np.array(sorted(kept), dtype=np.int64)
    return xs[index], ys[index]
