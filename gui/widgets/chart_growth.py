"""Whether a chart only grew, so that its curves are extended and nothing else is drawn again."""

from __future__ import annotations

from core.charts import ChartSpec, Line


def only_appended(before: ChartSpec, after: ChartSpec) -> bool:
    """Whether `after` is `before` with points appended to its lines and nothing else changed."""
    same = (before.code, before.kind, before.points, before.bands, before.x, before.y, before.empty)
    if same != (after.code, after.kind, after.points, after.bands, after.x, after.y, after.empty):
        return False
    if [line.name for line in before.lines] != [line.name for line in after.lines] or not after.lines:
        return False
    return all(_is_prefix(old, new) for old, new in zip(before.lines, after.lines, strict=True))


def _is_prefix(old: Line, new: Line) -> bool:
    """Compares the ends only, so that a long curve costs nothing; a curve's recorded points never change."""
    count = len(old.xs)
    if count > len(new.xs) or new.y_lows or old.kind != new.kind:
        return False
    before = (old.xs[0], old.ys[0], old.xs[-1], old.ys[-1]) if count else ()
    return before == ((new.xs[0], new.ys[0], new.xs[count - 1], new.ys[count - 1]) if count else ())
