"""What a language model is trained on: the answer alone counts, whole, with its reasoning, tokenised apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_language_models import CHAT_TEMPLATE, character_tokenizer, word_tokenizer, write_text_dataset

from core.data.train_part import train_examples
from core.domain import Example, Split
from core.engines.distill.causal_rows import causal_rows, check_embedded
from core.engines.distill.cross_tokenizer import aligned_positions
from core.errors import UserError
from core.spec import Task

TASK = Task(kind="generation", metric="exact_match", prompt="{text}?")
# As DeepSeek-R1's: what stands before </think> is cut out of every answer of a conversation.
CUTTING_TEMPLATE = CHAT_TEMPLATE.replace(
    "message['content'] }}", "(message['content'].split('</think>')[-1] if '</think>' in message['content']"
    " else message['content']) }}",
)  # fmt: skip


def example(text: str = "a b", target: str = "b", name: str = "r0") -> Example:
    return Example(name, Split.TRAIN, name, text, target, fields=(("text", text),))


def decoded(tokenizer: Any, ids: np.ndarray[Any, Any]) -> str:
    return str(tokenizer.decode(ids))


@pytest.mark.parametrize("template", [None, CHAT_TEMPLATE])
def test_only_the_answer_and_its_end_are_to_be_predicted(template: str | None) -> None:
    tokenizer = character_tokenizer(template)
    rows = causal_rows([example()], TASK, tokenizer, 64)
    answer = rows.tokens.ids[int(rows.prompt_lengths[0]) :]
    assert decoded(tokenizer, answer).strip() == "b</s>"
    assert rows.followed(np.array([0])).sum() == len(answer)
    assert not rows.followed(np.array([0]))[0, : int(rows.prompt_lengths[0]) - 1].any()


def test_reasoning_stays_in_what_is_learnt_although_the_template_would_cut_it() -> None:
    tokenizer = character_tokenizer(CUTTING_TEMPLATE)
    text = "<think>b is last</think>b"
    conversation = [{"role": "user", "content": "q"}, {"role": "assistant", "content": text}]
    assert "is last" not in tokenizer.apply_chat_template(conversation, tokenize=False)
    rows = causal_rows([example()], TASK, tokenizer, 128, {"r0": text})
    assert "is last" in decoded(tokenizer, rows.tokens.ids)


@pytest.mark.parametrize(
    ("answer", "learnt"),
    [
        ("<think>\nb is last\n</think>\n\nb", "b is last\n</think>\n\nb</s>"),
        ("b", "</think>\n\nb</s>"),
        ("b is last</think>b", "b is last</think>b</s>"),
    ],
    ids=["reasoning", "answer alone", "half marked"],
)
def test_reasoning_that_the_prompt_has_opened_is_closed_once(answer: str, learnt: str) -> None:
    opening = CHAT_TEMPLATE.replace("'<|assistant|>' }}{% endif %}", "'<|assistant|><think>\n' }}{% endif %}")
    assert opening != CHAT_TEMPLATE
    tokenizer = character_tokenizer(opening)
    rows = causal_rows([example()], TASK, tokenizer, 128, {"r0": answer})
    assert decoded(tokenizer, rows.tokens.ids[int(rows.prompt_lengths[0]) :]) == learnt


def test_padding_of_a_batch_is_never_predicted() -> None:
    rows = causal_rows([example(), example("a b c d e", "e", "r1")], TASK, character_tokenizer(), 64)
    followed = rows.followed(np.array([0, 1]))
    assert followed.sum(axis=1).tolist() == rows.completion_lengths.tolist()
    assert not followed[0, int(rows.tokens.lengths[0]) - 1 :].any()


def test_an_empty_answer_is_refused_by_its_row() -> None:
    with pytest.raises(UserError, match="row r7"):
        causal_rows([example(target="  ", name="r7")], TASK, character_tokenizer(), 64)


def test_prompts_without_room_are_left_out_and_answers_cut_are_counted() -> None:
    tokenizer = character_tokenizer()
    long, short = example("x" * 60, "y", "long"), example("a", "b" * 40, "short")
    rows = causal_rows([long, short], TASK, tokenizer, 20)
    assert (rows.names, rows.dropped, rows.tokens.truncated) == (("short",), 1, 1)
    assert int(rows.tokens.lengths[0]) == 20
    with pytest.raises(UserError, match="max_length"):
        causal_rows([long], TASK, tokenizer, 20)


def test_rows_are_of_the_train_split_alone(tmp_path: Path) -> None:
    examples = train_examples(write_text_dataset(tmp_path, rows=10))
    assert len(examples) == 10
    assert {one.split for one in examples} == {Split.TRAIN}


def test_tokens_of_two_tokenizers_meet_where_both_have_read_the_same_characters() -> None:
    words, characters = word_tokenizer(("ab", "cd", "q", "?")), character_tokenizer(CHAT_TEMPLATE)
    examples = [example("q", "ab cd")]
    own, theirs = causal_rows(examples, TASK, characters, 64), causal_rows(examples, TASK, words, 64)
    (aligned,) = aligned_positions(own, characters, theirs, words)
    # a b ' ' c d </s>: the word model stands at the start of "ab", after "ab", and at the end.
    assert aligned.tolist() == [0, -1, 1, -1, -1, 2]


def test_tokens_meet_although_one_template_has_opened_the_reasoning() -> None:
    opening = CHAT_TEMPLATE.replace("'<|assistant|>' }}{% endif %}", "'<|assistant|><think>' }}{% endif %}")
    words, characters = word_tokenizer(("ab", "cd", "q", "?")), character_tokenizer(opening)
    examples = [example("q", "ab cd")]
    own, theirs = causal_rows(examples, TASK, characters, 64), causal_rows(examples, TASK, words, 64)
    (aligned,) = aligned_positions(own, characters, theirs, words)
    before = len("</think>\n\n")
    assert own.texts[0] == "</think>\n\nab cd"
    assert aligned.tolist() == [-1] * before + [0, -1, 1, -1, -1, 2]


def test_a_token_that_was_added_without_an_embedding_is_refused_with_its_row() -> None:
    tokenizer = character_tokenizer()
    embedded = len(tokenizer)
    tokenizer.add_tokens(["card"])
    rows = causal_rows([example(), example("my card", "a", "r7")], TASK, tokenizer, 64)
    with pytest.raises(UserError, match=r"r7.*'card'"):
        check_embedded(rows, embedded, tokenizer)
    check_embedded(rows, len(tokenizer), tokenizer)
