"""Rows to charts: every chart's data and labels, drawn by the window and by the report alike.

- `spec`: the frozen ChartSpec and its parts
- `build`: the charts of a decision; `learning`: a student's learning curve
- `training`: a job's live curves; `trials`: a finished search
- `table`: each chart as a table
"""

from core.charts.build import excluded_label, quality_cost_chart, routing_curve_chart, tornado_chart
from core.charts.learning import learning_curve_chart
from core.charts.spec import Axis, Band, Bar, ChartSpec, ChartTable, Corner, Line, Point
from core.charts.table import chart_table
from core.charts.training import loss_chart
from core.charts.trials import trials_chart

__all__ = [
    "Axis",
    "Band",
    "Bar",
    "ChartSpec",
    "ChartTable",
    "Corner",
    "Line",
    "Point",
    "chart_table",
    "excluded_label",
    "learning_curve_chart",
    "loss_chart",
    "quality_cost_chart",
    "routing_curve_chart",
    "tornado_chart",
    "trials_chart",
]
