"""A question about test rows as SQL: the examples with each side's predictions joined to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
)

from core.domain import RIGHT_FROM, Answer, ComparedExample, Example, Prediction, Split
from core.store import schema
from core.store.question import MeasuredSide, Place, Question, RoutedSide, Show, Side

APART_FROM = 0.25
"""Answers in words disagree from this difference of their scores on: two texts are hardly ever the same."""
EXAMPLES = schema.examples
_FIGURES = ("output", "score", "confidence", "latency_ms", "input_tokens", "output_tokens")


class RowsQuery:
    """One question as SQL."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._sides = [_SideColumns(side) for side in question.sides]

    @property
    def narrows(self) -> bool:
        """Whether the answers decide which rows are meant."""
        return self._question.show is not Show.ALL or bool(self._question.search)

    def rows(self, with_answers: bool) -> FromClause:
        """The examples, with each side's predictions where they are asked for."""
        joined: FromClause = EXAMPLES
        for side in self._sides if with_answers else ():
            joined = side.join(joined)
        return joined

    def keys(self, after: Place | None, limit: int) -> Select[Any]:
        """Ids, ordinals and keys of the next rows."""
        sort = self._question.sort
        key, by_answer = self._key()
        chosen = select(EXAMPLES.c.example_id, EXAMPLES.c.ordinal, key.label("key"))
        chosen = chosen.select_from(self.rows(self.narrows or by_answer)).where(*self.conditions())
        if after is not None:
            chosen = chosen.where(_after(key, after, descending=sort.descending))
        order = key.desc() if sort.descending else key.asc()
        return chosen.order_by(key.is_(None), order, EXAMPLES.c.ordinal).limit(limit)

    def _key(self) -> tuple[ColumnElement[Any], bool]:
        """What rows are sorted by, and whether the answers hold it."""
        sort = self._question.sort
        if sort.side is not None:
            return self._sides[sort.side].column(sort.name), True
        if sort.name == "difference":
            return self._difference(), True
        return {"row": EXAMPLES.c.ordinal, "input": EXAMPLES.c.input, "target": EXAMPLES.c.target}[sort.name], False

    def conditions(self) -> list[ColumnElement[bool]]:
        """What a row must be."""
        question = self._question
        found: list[ColumnElement[bool]] = [
            EXAMPLES.c.job_id == question.data_job,
            EXAMPLES.c.split == Split.TEST.value,
        ]
        if question.target is not None:
            found.append(EXAMPLES.c.target == question.target)
        if question.part is not None:
            # Stored as JSON, in which a quote within a text is escaped: the pair stands in no other place.
            pair = json.dumps(list(question.part))
            found.append(type_coerce(EXAMPLES.c.slices, Text).contains(pair, autoescape=True))
        if question.search:
            columns = [EXAMPLES.c.input, EXAMPLES.c.target, *(side.column("output") for side in self._sides)]
            found.append(or_(*(column.icontains(question.search, autoescape=True) for column in columns)))
        return found + self._shown()

    def _shown(self) -> list[ColumnElement[bool]]:
        show = self._question.show
        if show is Show.ALL:
            return []
        right = [side.column("score") >= RIGHT_FROM for side in self._sides[:2]]
        wrong = [side.column("score") < RIGHT_FROM for side in self._sides[:2]]
        if show is Show.DISAGREE:
            return [self._differ()]
        if show is Show.ONLY_FIRST:
            return [right[0], *wrong[1:]]
        if show is Show.ONLY_SECOND:
            return [wrong[0], right[1]]
        return right if show is Show.BOTH_RIGHT else wrong

    def _differ(self) -> ColumnElement[bool]:
        """The outputs differ, or the scores where an output is not known or says little by itself."""
        if self._question.by_score:
            return self._difference() >= APART_FROM
        outputs = [func.trim(side.column("output")) for side in self._sides[:2]]
        scores = [side.column("score") for side in self._sides[:2]]
        known = and_(*(output.is_not(None) for output in outputs))
        return or_(and_(known, outputs[0] != outputs[1]), and_(~known, scores[0] != scores[1]))

    def _difference(self) -> ColumnElement[float]:
        return func.abs(self._sides[0].column("score") - self._sides[1].column("score"))

    def texts(self, connection: Connection, ids: Sequence[str]) -> dict[str, ComparedExample]:
        """The whole rows by id."""
        columns = [column for place, side in enumerate(self._sides) for column in side.labelled(place)]
        chosen = select(EXAMPLES, *columns).select_from(self.rows(with_answers=True))
        chosen = chosen.where(EXAMPLES.c.job_id == self._question.data_job, EXAMPLES.c.example_id.in_(ids))
        return {row.example_id: self._compared(row._mapping) for row in connection.execute(chosen)}

    def _compared(self, row: Any) -> ComparedExample:
        example = Example(
            example_id=row["example_id"],
            split=Split(row["split"]),
            group=row["group_key"],
            input=row["input"],
            target=row["target"],
            slices=tuple((name, value) for name, value in row["slices"]),
        )
        answers = tuple(side.answer(place, row) for place, side in enumerate(self._sides))
        return ComparedExample(example, row["ordinal"], answers)


def _after(key: ColumnElement[Any], place: Place, *, descending: bool) -> ColumnElement[bool]:
    later = EXAMPLES.c.ordinal > place.ordinal
    if place.key is None:
        return and_(key.is_(None), later)
    beyond = key < place.key if descending else key > place.key
    return or_(key.is_(None), beyond, and_(key == place.key, later))


class _SideColumns:
    """A side's predictions, joined to the examples."""

    def __init__(self, side: Side) -> None:
        self._side = side
        parts = (side,) if isinstance(side, MeasuredSide) else (side.teacher, side.student)
        self._aliases: list[tuple[MeasuredSide, FromClause]] = [(part, schema.predictions.alias()) for part in parts]
        self._sent: ColumnElement[bool] | None = None
        if isinstance(side, RoutedSide):
            ids = func.json_each(json.dumps(sorted(side.sent))).table_valued("value")
            self._sent = EXAMPLES.c.example_id.in_(select(ids.c.value))

    def join(self, rows: FromClause) -> FromClause:
        """The rows with this side's predictions, null where it has none."""
        for part, alias in self._aliases:
            same = and_(alias.c.job_id == part.job_id, alias.c.example_id == EXAMPLES.c.example_id)
            rows = rows.outerjoin(alias, same)
        return rows

    def column(self, name: str) -> ColumnElement[Any]:
        """A figure of this side."""
        if self._sent is None:
            return self._aliases[0][1].c[name]
        if name not in ("output", "score"):
            return cast(null(), Float)
        return case((self._sent, self._aliases[0][1].c[name]), else_=self._aliases[1][1].c[name])

    def labelled(self, place: int) -> list[ColumnElement[Any]]:
        """Every figure under a name of its own, and which path a hybrid took."""
        sent = literal(0) if self._sent is None else case((self._sent, 1), else_=0)
        return [*(self.column(name).label(f"{name}_{place}") for name in _FIGURES), sent.label(f"sent_{place}")]

    def answer(self, place: int, row: Any) -> Answer | None:
        """What this side said of a row; null where nothing is stored of it."""
        if row[f"score_{place}"] is None:
            return None
        figures = {name: row[f"{name}_{place}"] for name in _FIGURES}
        answered = None
        if isinstance(self._side, RoutedSide):
            answered = (self._side.teacher if row[f"sent_{place}"] else self._side.student).name
        return Answer(Prediction(example_id=row["example_id"], **figures), answered)
