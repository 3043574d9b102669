"""Which answered rows a language model is shown, and how they stand in its message."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from core.domain import Example, Picture, Split
from core.engines.benchmark.answering import as_messages
from core.engines.language.few_shot import draw_shots
from core.engines.language.picture_part import content_of
from core.engines.language.prompts import message_of
from core.engines.language.question import Question, question_of_row
from core.errors import UserError
from core.spec import FewShot, Task

LABELS = ("card", "loan", "rate")


def rows(count: int = 40) -> list[Example]:
    """Train and test rows in turn; most are of the first label."""
    found = []
    for row in range(count):
        label = LABELS[0] if row % 5 else LABELS[1 + row // 5 % 2]
        split = Split.TRAIN if row % 4 else Split.TEST
        found.append(Example(f"r{row}", split, f"g{row}", f"question {row}", label, fields=(("text", f"q {row}"),)))
    return found


def task(examples: int, seed: int = 7, kind: str = "classification", prompt: str | None = None) -> Task:
    metric = "accuracy" if kind == "classification" else "exact_match"
    return Task(kind=kind, metric=metric, prompt=prompt, few_shot=FewShot(examples=examples, seed=seed))


def test_examples_are_of_train_the_same_each_time_and_others_by_another_seed() -> None:
    drawn = draw_shots(task(6), rows()).drawn
    assert {example.split for example in drawn} == {Split.TRAIN}
    assert drawn == draw_shots(task(6), rows()).drawn
    assert {example.example_id for example in drawn} != {
        example.example_id for example in draw_shots(task(6, seed=8), rows()).drawn
    }


def test_labels_take_turns_however_rare_they_are() -> None:
    shots = draw_shots(task(6), rows())
    counted = Counter(example.target for example in shots.before(rows()[0]))
    assert counted == dict.fromkeys(LABELS, 2)


def test_a_row_and_its_duplicates_are_no_examples_of_themselves() -> None:
    shots = draw_shots(task(2), rows())
    first = shots.before(rows()[0])[0]
    twin = Example("twin", Split.TRAIN, first.group, first.input, first.target)
    assert first not in shots.before(twin)
    assert len(shots.before(twin)) == 2


def test_no_two_examples_are_the_same_text() -> None:
    doubled = [Example(f"r{row}", Split.TRAIN, f"g{row % 3}", f"q{row % 3}", "a") for row in range(12)]
    assert len({example.group for example in draw_shots(task(3), doubled).drawn}) == 3
    with pytest.raises(UserError, match=r"few_shot.examples: 4 examples .* 3 different rows"):
        draw_shots(task(4), doubled)


def test_without_few_shot_nothing_stands_before_the_question() -> None:
    plain = Task(kind="generation", metric="exact_match")
    assert draw_shots(plain, []).before(rows()[0]) == ()
    assert message_of(plain, rows()[0], shots=()) == "question 0"


def test_examples_stand_before_the_question_with_their_answers() -> None:
    asked, *others = rows()
    shots = others[:2]
    message = message_of(task(2), asked, LABELS, shots)
    assert message.count("- loan") == 1
    assert f"Text: question 1\nCategory: {shots[0].target}\n\nText: question 2\n" in message
    assert message.index("question 2") < message.index("question 0")
    written = message_of(task(2, kind="generation", prompt="Say {text}!"), asked, (), shots)
    assert f"Say q 1!\n\nRight answer: {shots[0].target}\n\n---" in written
    assert written.endswith("Say q 0!")


def test_examples_with_pictures_call_them_by_marks_and_the_pictures_go_along_in_their_order() -> None:
    pictured = [replace(row, picture=Picture(f"https://host/{row.example_id}.png")) for row in rows(8)]
    blank = [replace(row, picture=None) if row.example_id == "r4" else row for row in pictured]
    (asked, bare) = as_messages(blank, task(2), LABELS)
    assert [name in asked.input for name in ("[Picture 1]\nText", "[Picture 3]\nText", "[Picture 4]")] == [
        True,
        True,
        False,
    ]
    question = question_of_row(asked)
    assert isinstance(question, Question)
    assert len(question.pictures) == 3
    assert question.pictures[-1] == asked.picture
    parts = content_of(question)
    assert isinstance(parts, list)
    kinds = [part.get("text") or part["image_url"]["url"] for part in parts[1:]]
    assert kinds[::2] == ["[Picture 1]", "[Picture 2]", "[Picture 3]"]
    assert kinds[-1] == "https://host/r0.png"
    assert "[Picture 3]" not in bare.input


def test_a_message_whose_only_picture_is_its_own_calls_it_by_no_mark() -> None:
    alone = replace(rows()[0], picture=Picture("https://host/a.png"))
    assert message_of(task(2), alone, LABELS, rows()[1:3]) == message_of(task(2), rows()[0], LABELS, rows()[1:3])


def test_rows_without_targets_are_no_examples() -> None:
    with pytest.raises(UserError) as refused:
        draw_shots(task(2, kind="generation"), [replace(row, target="") for row in rows()])
    assert refused.value.code == "language.few_shot_targets"
