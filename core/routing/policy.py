"""A fitted policy as it is served: read back from its JSON, it scores one request at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.metrics.calibration import IsotonicMapping, PlattMapping
from core.routing.features import TextFeatures, lengths, term_counts


@dataclass(frozen=True)
class CascadePolicy:
    """The student answers first; its confidence decides whether its answer stands."""

    mapping: PlattMapping | IsotonicMapping

    def priority(self, confidence: float | None) -> float:
        """1 - P(the student is right), 0 to 1; 1 where the student gave no confidence, as when it did not answer."""
        if confidence is None:
            return 1.0
        return float(1 - self.mapping.probability(np.array([confidence]))[0])

    def document(self) -> dict[str, object]:
        """The policy as plain JSON."""
        match self.mapping:
            case PlattMapping(slope, intercept):
                return {"kind": "cascade", "mapping": "platt", "slope": slope, "intercept": intercept}
            case IsotonicMapping(confidences, probabilities):
                points = {"confidences": list(confidences), "probabilities": list(probabilities)}
                return {"kind": "cascade", "mapping": "isotonic", **points}


@dataclass(frozen=True)
class RouterPolicy:
    """Before any answer, a linear model of the teacher's gain decides. `weights` follow the columns of `features`."""

    features: TextFeatures
    weights: tuple[float, ...]
    intercept: float

    def priority(self, text: str) -> float:
        """The expected gain in score of asking the teacher, -1 to 1."""
        columns, values = self.features.row(term_counts(text), lengths(text))
        gain = self.intercept + sum(self.weights[column] * value for column, value in zip(columns, values, strict=True))
        return min(1.0, max(-1.0, gain))

    def document(self) -> dict[str, object]:
        """The policy as plain JSON."""
        return {
            "kind": "router",
            "terms": list(self.features.columns),
            "idf": list(self.features.idf),
            "length_means": list(self.features.length_means),
            "length_deviations": list(self.features.length_deviations),
            "weights": list(self.weights),
            "intercept": self.intercept,
        }


def policy_of(document: Mapping[str, Any]) -> CascadePolicy | RouterPolicy:
    """The policy of a document that `document()` wrote. Raises KeyError or ValueError for anything else."""
    match document["kind"]:
        case "cascade" if document["mapping"] == "platt":
            return CascadePolicy(PlattMapping(float(document["slope"]), float(document["intercept"])))
        case "cascade" if document["mapping"] == "isotonic":
            return CascadePolicy(IsotonicMapping(tuple(document["confidences"]), tuple(document["probabilities"])))
        case "router":
            means, deviations = document["length_means"], document["length_deviations"]
            features = TextFeatures(
                columns={term: column for column, term in enumerate(document["terms"])},
                idf=tuple(document["idf"]),
                length_means=(means[0], means[1]),
                length_deviations=(deviations[0], deviations[1]),
            )
            return RouterPolicy(features, tuple(document["weights"]), float(document["intercept"]))
        case kind:
            raise ValueError(f"no such policy: {kind}")
