"""A slider over orders of magnitude for one stated figure: its name, the slider, its value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QWidget

STEPS = 400
HANDLE_ROOM = 20
REACH = 30.0
"""The slider reaches from a thirtieth of the stated value to thirty times it."""

NullEnd = Literal["low", "high"] | None


class _QuietSlider(QSlider):
    """A slider that leaves the wheel to the page."""

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 (Qt's name)
        event.ignore()


class LogSlider(QWidget):
    """Chooses a positive figure, or null at the `null_end` (no limit, or not given). `moved` carries no value.

    The stated value sits in the middle and is given back exactly; all others are round to two figures.
    """

    moved = Signal()

    def __init__(self, null_end: NullEnd = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._null_end = null_end
        self._stated: float | None = None
        self._centre = 1.0
        self._write: Callable[[float | None], str] = str
        self.name = QLabel(self)
        self.name.setProperty("type", "muted")
        self.slider = _QuietSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, STEPS)
        self.slider.setSingleStep(5)
        self.slider.setPageStep(40)
        self.slider.setMinimumHeight(HANDLE_ROOM)
        self.figure = QLabel(self)
        self.figure.setProperty("type", "strong")
        self.figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.name.setBuddy(self.slider)
        self.slider.valueChanged.connect(self._changed)

    def place(self, grid: QGridLayout, row: int) -> None:
        """Put the three parts into a row of a grid, so that several sliders align."""
        grid.addWidget(self.name, row, 0)
        grid.addWidget(self.slider, row, 1)
        grid.addWidget(self.figure, row, 2)

    def set_words(self, name: str, write: Callable[[float | None], str]) -> None:
        """Set the name, and how values are written."""
        self.name.setText(name)
        self.slider.setAccessibleName(name)
        self._write = write
        self._show()

    def set_stated(self, value: float | None, centre: float) -> None:
        """Set the stated value (null: none given); `centre` is the middle of the slider where there is none."""
        self._stated = value if value is not None and value > 0 else None
        self._centre = self._stated or centre
        self.reset()

    def reset(self) -> None:
        """Go back to the stated value, silently."""
        self.slider.blockSignals(True)
        self.slider.setValue(self._rest())
        self.slider.blockSignals(False)
        self._show()

    @property
    def changed(self) -> bool:
        """Whether the value is another than the stated one."""
        return self.slider.value() != self._rest()

    @property
    def value(self) -> float | None:
        """The chosen figure; null at the null end."""
        position = self.slider.value()
        if position == self._rest():
            return self._stated
        if (self._null_end == "high" and position == STEPS) or (self._null_end == "low" and position == 0):
            return None
        exact = self._centre * REACH ** ((position - STEPS / 2) / (STEPS / 2))
        return float(f"{exact:.2g}")

    def set_value(self, value: float | None) -> None:
        """Move the slider to the position nearest to a figure."""
        if value is None:
            self.slider.setValue(STEPS if self._null_end == "high" else 0)
            return
        share = math.log(value / self._centre) / math.log(REACH)
        self.slider.setValue(round(STEPS / 2 + max(-1.0, min(1.0, share)) * STEPS / 2))

    def _rest(self) -> int:
        if self._stated is not None or self._null_end is None:
            return STEPS // 2
        return STEPS if self._null_end == "high" else 0

    def _changed(self) -> None:
        self._show()
        self.moved.emit()

    def _show(self) -> None:
        text = self._write(self.value)
        self.figure.setText(text)
        self.slider.setAccessibleDescription(text)
