"""What a language model is asked, and where its answer begins and ends."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_language_models import CHAT_TEMPLATE, END, UNKNOWN, character_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from core.domain import Example, Split
from core.engines.language.prompts import answer_ids, completion_ids, message_of, prompt_ids
from core.errors import UserError
from core.spec import Task

EXAMPLE = Example("r1", Split.TEST, "g1", "lost card", "card", fields=(("text", "lost {card}"), ("a.b", "x")))


def task(kind: str, prompt: str | None = None) -> Task:
    metric = "accuracy" if kind == "classification" else "exact_match"
    return Task.model_validate({"kind": kind, "metric": metric, "prompt": prompt})


def test_a_prompt_gets_the_cells_of_its_columns_and_nothing_in_a_cell_is_a_column() -> None:
    asked = message_of(task("generation", "Say {{it}}: {text} ({a.b})"), EXAMPLE)
    assert asked == "Say {it}: lost {card} (x)"


def test_a_column_that_the_data_has_not_is_named() -> None:
    with pytest.raises(UserError, match="colour"):
        message_of(task("generation", "Say {colour}"), EXAMPLE)


def test_without_a_prompt_the_input_is_asked_and_a_classification_lists_its_labels() -> None:
    assert message_of(task("generation"), EXAMPLE) == "lost card"
    asked = message_of(task("classification"), EXAMPLE, ("card", "loan"))
    assert "- card\n- loan\n" in asked
    assert "lost card" in asked


def test_an_extraction_without_a_prompt_asks_for_its_schema_once() -> None:
    task = Task(kind="extraction", metric="field_f1", json_schema={"properties": {"city": {"type": "string"}}})
    asked = message_of(task, EXAMPLE)
    assert asked.count('{"properties": {"city": {"type": "string"}}}') == 1
    assert "Text: lost card\n" in asked
    shown = message_of(task, EXAMPLE, (), [Example("r2", Split.TRAIN, "g2", "in Oslo", '{"city": "Oslo"}')])
    assert shown.count("properties") == 1
    assert 'Text: in Oslo\nJSON: {"city": "Oslo"}\n\nText: lost card\n' in shown


def test_several_labels_are_asked_for_as_a_list() -> None:
    task = Task(kind="multi_label", metric="micro_f1")
    shot = Example("r2", Split.TRAIN, "g2", "rates", '["loan"]')
    asked = message_of(task, EXAMPLE, ("card", "loan"), [shot])
    assert "- card\n- loan\n" in asked
    assert 'Text: rates\nCategories: ["loan"]\n\nText: lost card\n' in asked
    assert "JSON list" in asked


def test_a_request_ends_where_the_answer_begins() -> None:
    tokenizer: Any = character_tokenizer(CHAT_TEMPLATE)
    ids = prompt_ids(tokenizer, "hi")
    assert tokenizer.decode(ids) == "<s><|user|>hi<|assistant|>"
    whole = tokenizer.apply_chat_template(
        [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}], tokenize=True
    )["input_ids"]
    assert ids + completion_ids(tokenizer, "yes") == whole


def test_without_a_chat_template_the_answer_goes_on_from_the_message() -> None:
    tokenizer = character_tokenizer()
    ids = prompt_ids(tokenizer, "hi")
    assert tokenizer.decode(ids) == "<s>hi"
    assert tokenizer.decode(ids + completion_ids(tokenizer, "yes")) == "<s>hi yes</s>"
    assert tokenizer.decode(answer_ids(tokenizer, "yes")) == " yes"


def test_a_tokenizer_that_ends_every_text_does_not_end_a_request() -> None:
    tokenizer = character_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    assert prompt_ids(tokenizer, "hi")[-1] != tokenizer.eos_token_id
    assert completion_ids(tokenizer, "yes").count(tokenizer.eos_token_id) == 1


def test_a_tokenizer_that_adds_the_space_itself_gets_no_second_one() -> None:
    backend = Tokenizer(models.WordLevel({UNKNOWN: 0, "▁yes": 1, "▁": 2, "▁a": 3, END: 4}, unk_token=UNKNOWN))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer: Any = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token=UNKNOWN, eos_token=END)  # type: ignore[no-untyped-call]  # untyped there
    assert completion_ids(tokenizer, "yes") == [1, 4]


def test_a_tokenizer_without_an_end_token_cannot_be_trained_to_stop() -> None:
    tokenizer = character_tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(UserError, match="end token"):
        completion_ids(tokenizer, "yes")
