"""The desktop app: PySide6 and pyqtgraph over the frozen rows of core.

app.py           the composition root: builds everything below and hands it on; no global state
main_window.py   top bar, rail, page stack, message bar
actions.py       actions as data: id, title, shortcut, menu, when enabled
document.py      the open study: rows, saving, read-only state; every database call goes through `jobs.background`
theme.py i18n.py colours by token, words by code; both switch live
undo.py          edits of the study form as commands
jobs/            runner (QProcess to typed events), queue, background (short work off the UI thread)
models/          Qt item models over frozen rows
pages/           one file per page
widgets/         form from spec, charts from ChartSpec, cards, bars

Nothing here imports torch, transformers or sqlalchemy; engines are reached by starting the worker process only.
"""
