"""What is wrong with a field, in one sentence of the language in force."""

from __future__ import annotations

import re
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from core.errors import UserError
from core.spec import Name
from gui.i18n import Translator
from gui.widgets.fields import FieldKind, FieldSpec

_SENTENCES = {
    "greater_than": "above",
    "greater_than_equal": "at_least",
    "less_than": "below",
    "less_than_equal": "at_most",
    "literal_error": "choice",
    "enum": "choice",
}
_NUMBER_TYPES = ("float_parsing", "int_parsing", "int_from_float", "float_type", "int_type", "finite_number")
# Kinds that are written in a form of their own: any value that cannot be read is told by an example.
_WRITTEN = {
    FieldKind.INTEGERS: "integers",
    FieldKind.NUMBERS: "numbers",
    FieldKind.LAYERS: "layers",
    FieldKind.LAYER_CHOICES: "layer_choices",
    FieldKind.WIDTHS: "widths",
    FieldKind.RANGE: "range",
    FieldKind.PAIRS: "pairs",
    FieldKind.JSON: "json",
}
_UNREAD = (*_NUMBER_TYPES, "list_type", "tuple_type", "dict_type", "string_type", "bool_type", "missing", "too_long")
_NAMES: TypeAdapter[str] = TypeAdapter(Name)
# The sentences of the study file's schema (core/spec), which are English only.
SCHEMA_SENTENCES: tuple[tuple[str, str], ...] = (
    (r"a name cannot hold (?P<sign>.+?); write", "name_sign"),
    (r"a name has no blanks at its ends", "name_blanks"),
    (r"seeds names one twice", "seeds_twice"),
    (r"sizes names one twice", "curve_sizes_twice"),
    (r"sizes are too few", "curve_sizes_few"),
    (r"(?P<name>\w+) belongs to method distill", "distill_only"),
    (r"hard_label_baseline and (?P<name>\w+) make two", "baseline_pair"),
    (r"(?P<name>\w+) belongs to a training", "without_training"),
    (r"dynamic learns from soft labels", "dynamic_soft"),
    (r"weighted is for losses", "weighted_rows"),
    (r"(?P<name>\w+) is a range from low to high", "range_order"),
    (r"chosen_by chooses a number of layers", "layers_chosen"),
    (r"layers names one twice", "layers_twice"),
    (r"a hybrid needs teacher and student", "hybrid_parts"),
    (r"a hybrid has no model", "hybrid_alone"),
    (r"policies is empty", "policies_empty"),
    (r"model is missing", "model_missing"),
    (r"teacher and student belong to a hybrid", "only_hybrid_has_parts"),
    (r"metric (?P<name>\w+) does not fit", "metric_fits"),
    (r"json_schema is missing", "schema_missing"),
    (r"json_schema belongs to kind", "schema_unused"),
    (r"separator belongs to kind", "separator_unused"),
    (r"prompt has a stray brace", "prompt_brace"),
    (r"prompt names no column", "prompt_column"),
    (r"test must be above 0", "test_share"),
    (r"test and calibration together", "shares_together"),
    (r"give either file or files", "one_source"),
    (r"split belongs to file", "split_of_file"),
    (r"folds must be 0", "folds"),
    (r"a machine of one's own is never free", "never_free"),
    (r"packs: unknown pack", "pack"),
    (r"overlap_words must be below chunk_words", "overlap_words"),
    (r"method \w+ needs an encoder", "encoder_missing"),
    (r"prompt needs the placeholders", "retrieval_prompt"),
    (r"a hybrid retrieves nothing", "hybrid_retrieval"),
    (r"task names one task of lm-eval", "suite_task"),
    (r"format needs exactly one of", "check_format"),
    (r"regex is no regular expression", "check_regex"),
    (r"checks checks nothing", "checks_empty"),
    (r"checks belong to kinds", "checks_kind"),
    (r"judge is of no use", "judge_unused"),
    (r"concurrency must ascend", "load_levels"),
    (r"rates need arrivals", "load_rates"),
)


def problem_sentence(translator: Translator, problem: UserError | ErrorDetails, spec: FieldSpec | None = None) -> str:
    """What is wrong with a field in one sentence, in the field's own unit."""
    if isinstance(problem, UserError) and problem.code == "study.key_missing":
        return translator.tr("gui.field.problem.required")
    if isinstance(problem, UserError):
        return translator.error(problem)
    kind = problem["type"]
    if kind == "value_error":
        return _schema_sentence(translator, str(problem["msg"]))
    if problem.get("input") in (None, "") or kind in ("missing", "too_short"):
        return translator.tr("gui.field.problem.required")
    if spec is not None and spec.kind in _WRITTEN and kind in _UNREAD:
        return translator.tr(f"gui.field.problem.{_WRITTEN[spec.kind]}")
    if kind.startswith("date_"):
        return translator.tr("gui.field.problem.date")
    if kind in _NUMBER_TYPES:
        whole = kind.startswith("int")
        return translator.tr("gui.field.problem.whole" if whole else "gui.field.problem.number")
    return _limit_sentence(translator, problem, spec)


def name_problem(translator: Translator, name: str) -> str:
    """Why a text cannot be a name, in one sentence; empty where it can."""
    try:
        _NAMES.validate_python(name)
    except ValidationError as error:
        return problem_sentence(translator, error.errors()[0])
    return ""


def _limit_sentence(translator: Translator, problem: ErrorDetails, spec: FieldSpec | None) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in ("string_too_long", "string_pattern_mismatch"):
        return _text_sentence(translator, kind, context, spec)
    limit = next((value for key, value in context.items() if key in ("gt", "ge", "lt", "le")), None)
    if kind in _SENTENCES and limit is not None:
        scaled = float(limit) * (spec.presentation.scale if spec else 1.0)
        return translator.tr(f"gui.field.problem.{_SENTENCES[kind]}", limit=translator.formats.number(scaled))
    if kind in _SENTENCES:
        return translator.tr(f"gui.field.problem.{_SENTENCES[kind]}")
    message = str(problem["msg"])
    return message[:1].upper() + message[1:]


def _text_sentence(translator: Translator, kind: str, context: dict[str, Any], spec: FieldSpec | None) -> str:
    if kind == "string_too_long":
        return translator.tr("gui.field.problem.too_long", limit=context.get("max_length"))
    name = spec.path.rpartition(".")[2] if spec is not None else ""
    return translator.tr("gui.field.problem.address" if name == "base_url" else "gui.field.problem.pattern")


def _schema_sentence(translator: Translator, message: str) -> str:
    """A sentence of the schema in the language in force; as it is where the table does not know it."""
    bare = message.removeprefix("Value error, ")
    for pattern, code in SCHEMA_SENTENCES:
        match = re.search(pattern, bare)
        if match is not None:
            return translator.tr(f"gui.schema.{code}", **match.groupdict())
    return bare[:1].upper() + bare[1:]
