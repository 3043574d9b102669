from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts import Axis
from core.decide.outcome import Message
from gui.formatting import SPACE, Formats
from gui.widgets.chart_decimation import thin
from gui.widgets.chart_scale import linear_ticks, log_ticks, scale_of, tick_texts

TITLE = Message("test.axis", {}, "Axis")
MONEY = Axis(TITLE, "USD", "money", better="low", log=True)
SHARE = Axis(TITLE, "", "percent", better="high", maximum=1.0)


def test_a_log_axis_of_money_is_told_in_readable_amounts() -> None:
    assert log_ticks(0.08, 4) == (0.1, 0.3, 1.0, 3.0)
    assert tick_texts(MONEY, (0.1, 0.3, 1.0, 3.0), Formats("en")) == ["$0.10", "$0.30", "$1", "$3"]


def test_a_log_axis_over_many_decades_shows_some_of_them() -> None:
    assert log_ticks(0.001, 1000) == (0.001, 0.1, 10.0, 1000.0)


def test_amounts_near_each_other_are_told_apart() -> None:
    ticks = (0.042, 0.044, 0.046)
    assert tick_texts(MONEY, ticks, Formats("en")) == ["$0.042", "$0.044", "$0.046"]
    assert tick_texts(MONEY, (0.04, 0.045, 0.05), Formats("en")) == ["$0.040", "$0.045", "$0.050"]
    assert tick_texts(MONEY, (0.0000003, 0.03), Formats("en")) == ["$0.0000003", "$0.03"]


def test_amounts_of_a_plain_axis_share_their_decimals() -> None:
    plain = Axis(TITLE, "USD", "money")
    assert tick_texts(plain, (0.0, 0.5, 1.0), Formats("en")) == ["$0.00", "$0.50", "$1.00"]
    assert tick_texts(plain, (0.0, 1000.0), Formats("en")) == ["$0", "$1,000"]


def test_percent_ticks_share_their_digits() -> None:
    assert tick_texts(SHARE, (0.8, 0.85, 0.9), Formats("en")) == [f"80{SPACE}%", f"85{SPACE}%", f"90{SPACE}%"]
    assert tick_texts(SHARE, (0.9, 0.925), Formats("zh_CN")) == ["90.0%", "92.5%"]


def test_a_limit_near_the_marks_widens_the_picture() -> None:
    near = scale_of(SHARE, [0.85, 0.9], [0.8])

    assert near.low < 0.8


def test_a_limit_far_from_the_marks_stays_out_of_the_picture() -> None:
    far = scale_of(SHARE, [0.9, 0.95], [0.2])

    assert far.low > 0.8


def test_a_share_axis_has_no_tick_above_one_hundred_percent() -> None:
    scale = scale_of(SHARE, [0.9, 1.0])

    assert max(scale.ticks) <= 1.0
    assert scale.high > 1.0


@pytest.mark.parametrize("axis", [MONEY, SHARE])
def test_a_single_value_still_gets_a_range(axis: Axis) -> None:
    scale = scale_of(axis, [0.5])

    assert scale.low < scale.coordinate(0.5) < scale.high
    assert scale.ticks


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_linear_ticks_lie_within_the_range_and_are_few(low: float, width: float) -> None:
    ticks = linear_ticks(low, low + width)

    assert len(ticks) <= 6
    assert all(low - 1e-6 * width <= tick <= low + width * (1 + 1e-6) for tick in ticks)


def test_thinning_keeps_both_ends_and_every_spike() -> None:
    xs = np.arange(50_000, dtype=np.float64)
    ys = np.sin(xs / 900)
    ys[31_234] = 9.0
    thin_xs, thin_ys = thin(xs, ys, 800)

    assert len(thin_xs) <= 802
    assert thin_xs[0] == 0
    assert thin_xs[-1] == 49_999
    assert thin_ys.max() == 9.0
    assert np.all(np.diff(thin_xs) > 0)


def test_short_curves_are_not_thinned() -> None:
    xs = np.arange(100, dtype=np.float64)

    assert thin(xs, xs, 800)[0] is xs


def test_both_ends_of_a_bounded_axis_keep_their_ticks_inside_the_picture() -> None:
    share = Axis(TITLE, "", "percent", minimum=0.0, maximum=1.0)
    scale = scale_of(share, [0.0, 1.0])

    assert scale.ticks[0] == 0.0
    assert scale.ticks[-1] == 1.0
    assert scale.low < 0.0 < 1.0 < scale.high
