"""Test rows with the answers of some candidates side by side: filtered, sorted and paged by SQLite.

A page is asked for by the place of the row before it (a keyset), so that the last of 100,000 rows comes as fast as the
first. The keys of a page are found first and its texts read after it, for sorting long texts takes long.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from core.domain import Split
from core.store.question import ExamplePage, Facets, Place, Question
from core.store.rows_query import EXAMPLES, RowsQuery

_MOST_CLASSES = 2_000


def facets(connection: Connection, data_job: str) -> Facets:
    """The classes and slices of the test rows, sorted."""
    test = (EXAMPLES.c.job_id == data_job, EXAMPLES.c.split == Split.TEST.value)
    targets = select(EXAMPLES.c.target).where(*test, EXAMPLES.c.target != "").distinct().limit(_MOST_CLASSES + 1)
    classes = sorted(connection.execute(targets).scalars())
    parts = {
        (str(name), str(value))
        for pairs in connection.execute(select(EXAMPLES.c.slices).where(*test).distinct()).scalars()
        for name, value in pairs
    }
    rows = connection.execute(select(func.count()).select_from(EXAMPLES).where(*test)).scalar_one()
    few = len(classes) <= min(_MOST_CLASSES, max(2, rows // 2))
    return Facets(tuple(classes) if few else (), tuple(sorted(parts)))


def example_count(connection: Connection, question: Question) -> int:
    """How many rows a question means."""
    query = RowsQuery(question)
    chosen = select(func.count()).select_from(query.rows(query.narrows)).where(*query.conditions())
    return connection.execute(chosen).scalar_one()


def example_page(connection: Connection, question: Question, after: Place | None, limit: int) -> ExamplePage:
    """Up to `limit` rows after a place, or from the first."""
    query = RowsQuery(question)
    found = connection.execute(query.keys(after, limit + 1)).all()
    places = found[:limit]
    rows = query.texts(connection, [row.example_id for row in places])
    more = Place(places[-1].key, places[-1].ordinal) if len(found) > limit else None
    return ExamplePage(tuple(rows[row.example_id] for row in places), more)
