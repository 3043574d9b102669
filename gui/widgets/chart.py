"""A chart with its title, its table and its corner: copy, save (SVG, PNG, CSV), table."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.charts import ChartSpec
from gui.i18n import Translator, words_of
from gui.models.chart_rows import table_cells
from gui.theme import GAP_ROWS, GAP_TIGHT, Theme
from gui.widgets.chart_canvas import ChartCanvas
from gui.widgets.chart_export import FORMATS, chart_image, chart_svg, image_bytes, table_csv, write_whole
from gui.widgets.chart_growth import only_appended
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.rows_table import RowsTable

LIVE_INTERVAL_MS = 100
MIN_HEIGHT = 240


class ChartView(QWidget):
    """Shows a ChartSpec. `message` carries what was done or went wrong (level, text) for the message bar.

    `set_live_spec` draws at most ten times a second, for curves that grow while a job runs.
    """

    message = Signal(str, object)
    point_clicked = Signal(str)

    def __init__(self, theme: Theme, translator: Translator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._translator = translator
        self._spec: ChartSpec | None = None
        self._waiting: ChartSpec | None = None
        self.title = ElidedLabel(parent=self, mode=Qt.TextElideMode.ElideRight)
        self.title.setProperty("type", "section")
        self.canvas = ChartCanvas(theme, translator, self)
        self.canvas.point_clicked.connect(self.point_clicked)
        self.table = RowsTable(theme, grow=False, parent=self)
        self.empty = QLabel(self)
        self.empty.setProperty("type", "muted")
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.copy_button, self.save_button, self.table_button = (self._link() for _ in range(3))
        self._prepare_links()
        self._stack = QStackedLayout()
        for page in (self.canvas, self.table, self.empty):
            self._stack.addWidget(page)
        self._lay_out()
        self._live = QTimer(self, singleShot=True, interval=LIVE_INTERVAL_MS)
        self._live.timeout.connect(self._draw_waiting)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        translator.language_changed.connect(self.retranslate)
        self.retranslate()

    @property
    def spec(self) -> ChartSpec | None:
        """What is shown."""
        return self._spec

    def set_spec(self, spec: ChartSpec) -> None:
        """Show a chart at once."""
        self._waiting = None
        grew = self._spec is not None and only_appended(self._spec, spec)
        self._spec = spec
        self.canvas.set_spec(spec)
        if grew and not self.table_button.isChecked():
            return
        self._fill()

    def set_live_spec(self, spec: ChartSpec) -> None:
        """Show a chart that changes often: the newest one, at most ten times a second."""
        self._waiting = spec
        if not self._live.isActive():
            self._draw_waiting()
            self._live.start()

    def retranslate(self) -> None:
        """Set every text again."""
        tr = self._translator.tr
        for button, code in (
            (self.copy_button, "copy"),
            (self.save_button, "save"),
            (self.table_button, "table"),
        ):
            button.setText(tr(f"gui_decide.chart.{code}"))
            button.setToolTip(tr(f"gui_decide.chart.{code}.tip"))
        for action, kind in zip(self.save_button.menu().actions(), FORMATS, strict=True):
            action.setText(tr(f"gui_decide.chart.save.{kind}"))
        self._fill()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Room for a readable plot."""
        return QSize(480, MIN_HEIGHT + 80)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """The least that still shows ticks and labels."""
        return QSize(280, MIN_HEIGHT)

    def copy(self) -> None:
        """Put the chart on the clipboard: as an image, and as the table's text."""
        self._fill_table()
        data = QMimeData()
        data.setImageData(self.image())
        data.setText(self.table.selected_text())
        QApplication.clipboard().setMimeData(data)
        self.message.emit("good", words_of("gui_decide.chart.copied"))

    def image(self) -> object:
        """The chart with its title as a QImage."""
        self.canvas.settle()
        return chart_image(self.canvas.scene, self._region(), self.title.full_text, self._theme)

    def save(self, path: Path) -> None:
        """Write the chart to a file; its suffix (svg, png, csv) says how. Raises OSError, and ValueError for others."""
        kind = path.suffix.lower().removeprefix(".")
        if kind not in FORMATS or self._spec is None:
            raise ValueError(f"no chart to write as {kind!r}")
        self.canvas.settle()
        if kind == "csv":
            titles, rows = table_cells(self._spec, self._translator)
            data = table_csv(titles, [[cell.value for cell in row] for row in rows])
        elif kind == "svg":
            data = chart_svg(self.canvas.scene, self._region(), self.title.full_text, self._theme)
        else:
            data = image_bytes(chart_image(self.canvas.scene, self._region(), self.title.full_text, self._theme))
        write_whole(path, data)

    def _region(self) -> QRectF:
        return QRectF(self.canvas.rect())

    def _fill(self) -> None:
        spec = self._spec
        for button in (self.copy_button, self.save_button, self.table_button):
            button.setEnabled(spec is not None and spec.empty is None)
        if spec is None:
            return
        title = self.canvas.words(spec.title)
        self.title.setText(title)
        self.canvas.setAccessibleName(title)
        self.table.setAccessibleName(self._translator.tr("gui_decide.chart.table_of", title=title))
        for button, code in ((self.copy_button, "copy"), (self.save_button, "save"), (self.table_button, "table")):
            button.setAccessibleName(self._translator.tr(f"gui_decide.chart.{code}.name", title=title))
        if spec.empty is not None:
            self.empty.setText(self.canvas.words(spec.empty))
        else:
            caption = self.canvas.axis_caption(spec.x, vertical=False)
            description = self._translator.tr("gui_decide.chart.description", rows=_row_count(spec), caption=caption)
            self.canvas.setAccessibleDescription(description)
            if self.table_button.isChecked():
                self._fill_table()
        self._choose_page()

    def _fill_table(self) -> None:
        """Fill the table; left until it is looked at or copied, for a long curve has many rows."""
        if self._spec is not None and self._spec.empty is None:
            titles, rows = table_cells(self._spec, self._translator)
            self.table.set_rows(titles, rows)

    def _choose_page(self) -> None:
        if self._spec is not None and self._spec.empty is not None:
            self._stack.setCurrentWidget(self.empty)
        else:
            self._stack.setCurrentWidget(self.table if self.table_button.isChecked() else self.canvas)

    def _show_table(self) -> None:
        self._fill_table()
        self._choose_page()

    def _draw_waiting(self) -> None:
        if self._waiting is not None:
            self.set_spec(self._waiting)
            self._live.start()

    def _ask_and_save(self, kind: str) -> None:
        dialog = QFileDialog(self, self._translator.tr("gui_decide.chart.save.tip"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"{kind.upper()} (*.{kind})")
        dialog.setDefaultSuffix(kind)
        dialog.selectFile(f"{self._spec.code if self._spec else 'chart'}.{kind}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._save_and_tell)
        dialog.open()

    def _save_and_tell(self, name: str) -> None:
        try:
            self.save(Path(name))
        except OSError as problem:
            self.message.emit(
                "bad",
                words_of("gui_decide.chart.save_failed", path=name, problem=problem.strerror or str(problem)),
            )
        else:
            self.message.emit("good", words_of("gui_decide.chart.saved", path=name))

    def _link(self) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("kind", "link")
        return button

    def _prepare_links(self) -> None:
        self.copy_button.clicked.connect(self.copy)
        self.table_button.setCheckable(True)
        self.table_button.toggled.connect(self._show_table)
        menu = QMenu(self.save_button)
        for kind in FORMATS:
            menu.addAction("").triggered.connect(lambda _checked=False, kind=kind: self._ask_and_save(kind))
        self.save_button.setMenu(menu)
        self.save_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(0)
        head.addWidget(self.title, 1)
        for button in (self.copy_button, self.save_button, self.table_button):
            head.addWidget(button)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(GAP_ROWS + GAP_TIGHT)
        outer.addLayout(head)
        outer.addLayout(self._stack, 1)


def _row_count(spec: ChartSpec) -> int:
    return len(spec.points) + len(spec.bars) + sum(len(line.xs) for line in spec.lines if line.kind != "pareto")
