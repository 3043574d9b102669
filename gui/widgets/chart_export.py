"""A chart as a file: SVG and PNG of what is drawn, with its title; CSV of its table with full figures."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from PySide6.QtCore import QBuffer, QIODevice, QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QGraphicsScene

from gui.theme import PADDING_CARD, SECTION_PX, Theme, font

TITLE_HEIGHT = 36
SCALE = 2
FORMATS = ("svg", "png", "csv")


def chart_image(scene: QGraphicsScene, region: QRectF, title: str, theme: Theme) -> QImage:
    """The chart with its title as an image of twice its size on screen."""
    size = _size(region)
    image = QImage(size * SCALE, QImage.Format.Format_ARGB32)
    image.setDevicePixelRatio(SCALE)
    image.fill(theme.color("surface"))
    painter = QPainter(image)
    _paint(painter, scene, region, title, theme)
    painter.end()
    return image


def chart_svg(scene: QGraphicsScene, region: QRectF, title: str, theme: Theme) -> bytes:
    """The chart with its title as an SVG document."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    size = _size(region)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle(title)
    painter = QPainter(generator)
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), QColor(theme.color("surface")))
    _paint(painter, scene, region, title, theme)
    painter.end()
    return bytes(buffer.data().data())


def table_csv(titles: Sequence[str], rows: Sequence[Sequence[str | float | None]]) -> bytes:
    """The chart's rows as CSV in UTF-8 with a byte order mark, so that spreadsheets read every script."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(titles)
    writer.writerows([["" if value is None else value for value in row] for row in rows])
    return text.getvalue().encode("utf-8-sig")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is either there whole or not at all. Raises OSError."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
        try:
            part.write(data)
            part.flush()
            os.fsync(part.fileno())
        except OSError:
            Path(part.name).unlink(missing_ok=True)
            raise
    Path(part.name).chmod(0o644)
    Path(part.name).replace(path)


def image_bytes(image: QImage) -> bytes:
    """The image as PNG."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs want the format as bytes; Qt takes a str
    return bytes(buffer.data().data())


def _size(region: QRectF) -> QSize:
    width, height = round(region.width()) + 2 * PADDING_CARD, round(region.height()) + TITLE_HEIGHT + PADDING_CARD
    return QSize(width, height)


def _paint(painter: QPainter, scene: QGraphicsScene, region: QRectF, title: str, theme: Theme) -> None:
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.setFont(font(SECTION_PX, bold=True))
    painter.setPen(theme.color("text"))
    painter.drawText(QPointF(PADDING_CARD, TITLE_HEIGHT - 12), title)
    scene.render(painter, QRectF(PADDING_CARD, TITLE_HEIGHT, region.width(), region.height()), region)
