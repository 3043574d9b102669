"""The report: one model, several renderers.

Map: `figures` (numbers as text), `model` (sections of paragraphs, tables, figures and charts, in message codes),
`sections` (each part of the report), `build` (all of them in order), `html` with `theme`, `svg` and `scale` (a page
that needs nothing else), `write` (the files that a user asked for).

Figures are taken from the results and recommendation documents, so that `report.html` and `results.json` agree.
"""

from core.report.write import FORMATS as REPORT_FORMATS
from core.report.write import write_report

__all__ = ["REPORT_FORMATS", "write_report"]
