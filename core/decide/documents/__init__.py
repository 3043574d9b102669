"""The two documents that scripts rely on: results and recommendation, as plain JSON values.

Keys are never missing: what was not measured is null, and NaN never appears. Candidates stand in study order.
"""

from __future__ import annotations

from core.decide.documents.recommendation import recommendation_document
from core.decide.documents.results import results_document

__all__ = ["recommendation_document", "results_document"]
