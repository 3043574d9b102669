"""The store: one study in one SQLite file, through functions that return frozen rows.

Map: `schema` (tables), `header` (is this file ours?), `engine` (connections, pragmas), `migrate` (Alembic), `writes`
(what the recorder does, each in one transaction), `queries` (frozen rows), `evidence` (what a decision rests on),
`study_store` (the one class that the rest of Tercet uses).
"""

from core.store.study_store import StudyStore, is_being_written

__all__ = ["StudyStore", "is_being_written"]
