"""Changes of a study's candidates as pure functions on the document under edit; no widget, no undo.

`shapes`: which parts a source, a method and a role have. `edits`: one candidate's fields. `references`: what names
what. `lists`: add, rename, duplicate, remove. `presets`: whole candidates for common jobs.
"""
