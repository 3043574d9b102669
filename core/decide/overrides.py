"""`--set criteria.cost.monthly_budget=500`: another value for one criterion or profile, without touching the rows."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from core.errors import UserError
from core.prices import find_list_price, list_date, list_price
from core.spec import Api, PriceFromList, Study
from core.study_file import validate_study

_ROOTS = ("criteria", "profiles")
_OPEN = ("criteria.compliance.facts",)  # a mapping whose keys are the user's own, dots included


def apply_overrides(study: Study, settings: Sequence[str]) -> Study:
    """The study with each `PATH=VALUE` applied in order; values are YAML, so `null` takes a limit away.

    Only `criteria` and `profiles` can be set, for they alone leave what was measured as it is. Raises UserError for an
    unknown path (naming near ones), a value that does not fit, and a setting without `=`.
    """
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not text.strip():
            raise UserError("decide.override.no_value", setting=setting)
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UserError("decide.override.not_yaml", setting=setting) from error
        study = with_value(study, path.strip(), value)
    return study


def with_value(study: Study, path: str, value: Any) -> Study:
    """The study with one dotted path set to `value`. Raises UserError as `apply_overrides` does."""
    if path.split(".")[0] not in _ROOTS:
        raise UserError("decide.override.refused", path=path)
    keys = _keys(study, path)
    document = study.model_dump(mode="json", exclude_unset=True)
    if keys[0] == "profiles" and len(keys) == 4 and keys[2] == "price":
        _take_price_in_hand(study, keys[1], document)
    here = document
    for key in keys[:-1]:
        here = here.setdefault(key, {})
    here[keys[-1]] = value
    return validate_study(document)


def value_at(study: Study, path: str) -> Any:
    """What stands at a dotted path. Raises UserError for an unknown path."""
    here: Any = _dump(study)
    for key in _keys(study, path):
        here = here.get(key) if isinstance(here, Mapping) else None
    return here


def _dump(study: Study) -> dict[str, Any]:
    document = study.model_dump(mode="json", include={"criteria", "profiles"})
    for name, profile in study.profiles.items():
        if isinstance(profile, Api) and isinstance(profile.price, PriceFromList):
            found = find_list_price(profile.price, None)
            document["profiles"][name]["price"] |= {
                "per_million_input_tokens": None if found is None else found.per_million_input_tokens,
                "per_million_output_tokens": None if found is None else found.per_million_output_tokens,
            }
    return document


def _keys(study: Study, path: str) -> list[str]:
    """The path as keys; profile names and facts may hold dots themselves. Raises UserError for an unknown path."""
    here: Any = _dump(study)
    keys: list[str] = []
    rest = path
    while rest:
        prefix = ".".join(keys)
        if prefix in _OPEN:
            return [*keys, rest]
        options = (
            [key for key in here if rest == key or rest.startswith(f"{key}.")] if isinstance(here, Mapping) else []
        )
        if not options:
            raise _unknown(path, _paths(_dump(study)))
        key = max(options, key=len)
        keys.append(key)
        rest = rest[len(key) + 1 :]
        here = here[key]
    return keys


def _paths(document: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Every dotted path that can be set."""
    found: list[str] = []
    for key, value in document.items():
        path = f"{prefix}{key}"
        found.append(path)
        if isinstance(value, Mapping):
            found += _paths(value, f"{path}.")
    return found


def _unknown(path: str, known: list[str]) -> UserError:
    leaf = path.rsplit(".", 1)[-1]
    near = difflib.get_close_matches(path, known, n=4, cutoff=0.5)
    near += [other for other in known if other.rsplit(".", 1)[-1] == leaf and other not in near]
    if not near:
        near = [other for other in known if other.startswith("criteria.") and other.count(".") == 2]
    return UserError("decide.override.unknown", path=path, near=", ".join(near[:6]))


def _take_price_in_hand(study: Study, name: str, document: dict[str, Any]) -> None:
    """A listed price becomes one by hand, so that one of its two figures can be set; the other stays as listed."""
    profile = study.profiles[name]
    if not isinstance(profile, Api) or not isinstance(profile.price, PriceFromList):
        return
    found = list_price(name, profile.price, None)
    document["profiles"][name]["price"] = {
        "per_million_input_tokens": found.per_million_input_tokens,
        "per_million_output_tokens": found.per_million_output_tokens,
        "source": found.source,
        "as_of": list_date().isoformat(),
    }
