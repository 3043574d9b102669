"""Profiles under edit: fresh ones, the price that one has, and another name wherever a profile is named."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel

from core.spec import PriceFromList, PricePerRequest, PricePerToken, SelfHosted
from gui.study_edits.shapes import Document, defaults_of

PRICES: dict[str, type[BaseModel]] = {
    "per_token": PricePerToken,
    "per_request": PricePerRequest,
    "genai-prices": PriceFromList,
}
"""How a vendor is paid: by a price of the user's own, or by one looked up in a list."""


def pricing_of(profile: Document) -> str | None:
    """The key of `PRICES` that a vendor's price is of; null for a machine of one's own."""
    price = profile.get("price")
    if profile.get("kind") != "api" or not isinstance(price, dict):
        return None
    if price.get("source") == "genai-prices" and "model" in price:
        return "genai-prices"
    return "per_request" if "per_million_requests" in price else "per_token"


def model_of(profile: Document) -> type[BaseModel]:
    """The part of the study file's schema that a profile's figures belong to."""
    pricing = pricing_of(profile)
    return SelfHosted if pricing is None else PRICES[pricing]


def figures_of(profile: Document) -> Document:
    """The figures of a profile, wherever they stand in it."""
    figures = profile if pricing_of(profile) is None else profile["price"]
    return dict(figures)


def fresh_profile(kind: str, pricing: str = "per_token") -> Document:
    """A profile without the figures that only the user knows: they are null until they are given."""
    if kind == "self_hosted":
        return {**defaults_of(SelfHosted), "kind": kind, "capex": None}
    price: Document = {**defaults_of(PRICES[pricing]), "as_of": date.today().isoformat()}
    if pricing == "genai-prices":
        return {"kind": kind, "price": {"source": pricing, "model": None}}
    return {"kind": kind, "price": {name: None if value == "" else value for name, value in price.items()}}


def with_figure(profile: Document, name: str, value: Any) -> Document:
    """The profile with one figure changed; an empty text is none."""
    value = None if value == "" else value
    if pricing_of(profile) is None:
        return {**profile, name: value}
    return {**profile, "price": {**profile["price"], name: value}}


def users_of_profile(candidates: list[Document], judge: Document | None, name: str, count: int) -> list[str]:
    """The names of the candidates that run on a profile; a study's only profile serves all."""
    plain = [one for one in candidates if one.get("role") != "hybrid"]
    found = [str(one.get("name")) for one in plain if one.get("profile") == name or count == 1]
    return [*found, "judge"] if (judge or {}).get("profile") == name else found


def renamed_profile(parts: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """`profiles`, `candidates` and `task.judge` of a study after a profile was renamed; what stays as it is is left
    out."""
    profiles = {new if name == old else name: profile for name, profile in parts["profiles"].items()}
    candidates = copy.deepcopy(list(parts["candidates"]))
    for candidate in candidates:
        if candidate.get("profile") == old:
            candidate["profile"] = new
    changed = {"profiles": profiles, "candidates": candidates}
    judge = parts.get("task.judge")
    if judge and judge.get("profile") == old:
        changed["task.judge"] = {**judge, "profile": new}
    return changed
