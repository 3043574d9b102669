from __future__ import annotations

from datetime import date

import pytest

from gui.formatting import MINUS, SPACE, Formats, decimals_of_interval

ENGLISH, CHINESE = Formats("en"), Formats("zh_CN")


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [(0.918, 0.900, 0.934, "91.8"), (0.9184, 0.87, 0.96, "92"), (0.91842, 0.9180, 0.9188, "91.84")],
)
def test_percentages_carry_no_digit_that_the_interval_does_not_support(
    value: float, low: float, high: float, text: str
) -> None:
    assert ENGLISH.percent(value, low, high) == f"{text}{SPACE}%"


def test_interval_without_width_gives_no_digits_to_go_by() -> None:
    assert decimals_of_interval(0.5, 0.5) is None
    assert decimals_of_interval(None, 1.0) is None
    assert decimals_of_interval(float("nan"), 1.0) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(4380.4, "$4,380"), (38.2, "$38"), (1.5, "$1.50"), (0.412, "$0.41"), (0.00214, "$0.0021"), (0, "$0")],
)
def test_money_shows_whole_units_from_ten_on_and_two_figures_below_one(value: float, text: str) -> None:
    assert ENGLISH.money(value, "USD") == text


def test_a_loss_has_its_minus_before_the_currency_sign() -> None:
    assert ENGLISH.money(-38.2, "USD") == f"{MINUS}$38"
    assert ENGLISH.money(-38.2, "CHF") == f"{MINUS}CHF{SPACE}38"


def test_an_amount_that_rounds_to_nothing_has_no_minus() -> None:
    assert ENGLISH.money(-0.0004, "USD", -20.0, 20.0) == "$0"


@pytest.mark.parametrize(("low", "high", "text"), [(2.8, 3.5, "$3.20"), (2.0, 4.0, "$3.20"), (0.0, 60.0, "$3")])
def test_money_has_cents_or_none_and_never_tenths(low: float, high: float, text: str) -> None:
    assert ENGLISH.money(3.2, "USD", low, high) == text


def test_an_interval_of_money_has_the_decimals_of_its_figure() -> None:
    assert ENGLISH.money_with_interval(9.5, "USD", 8.9, 10.4) == ("$9.50", "$8.90 to $10.40")
    assert ENGLISH.money_with_interval(12.0, "USD", 8.2, 15.4) == ("$12", "$8 to $15")


def test_stated_money_loses_no_digit() -> None:
    assert ENGLISH.stated_money(0.00125, "EUR") == "€0.00125"
    assert ENGLISH.stated_money(6.5, "EUR") == "€6.50"


def test_money_a_month_names_its_period_in_either_language() -> None:
    assert ENGLISH.money_a_month(38.2, "USD") == "$38 a month"
    assert CHINESE.money_a_month(38.2, "USD") == "每月 $38"


def test_counts_are_said_as_people_of_each_language_say_them() -> None:
    assert ENGLISH.count(3_000_000) == f"3.0{SPACE}M"
    assert CHINESE.count(3_000_000) == f"300{SPACE}万"
    assert ENGLISH.count(400_000) == "400,000"
    assert ENGLISH.count(12) == "12"


@pytest.mark.parametrize(("value", "text"), [(0.4213, "0.42"), (8.13, "8.13"), (148.3, "148")])
def test_latencies_below_a_second_are_milliseconds_of_three_figures_at_most(value: float, text: str) -> None:
    assert ENGLISH.milliseconds(value) == f"{text}{SPACE}ms"


def test_latencies_from_a_second_on_are_seconds() -> None:
    assert ENGLISH.milliseconds(1250) == f"1.25{SPACE}s"


def test_an_interval_writes_a_shared_unit_once() -> None:
    assert ENGLISH.interval(f"90.0{SPACE}%", f"93.4{SPACE}%") == f"90.0 to 93.4{SPACE}%"
    assert CHINESE.interval("90.0%", "93.4%") == "90.0 至 93.4%"


def test_spans_are_days_months_or_years() -> None:
    assert ENGLISH.months(0.5) == "15 days"
    assert ENGLISH.months(1) == "1 month"
    assert ENGLISH.months(4.23) == "4.2 months"
    assert ENGLISH.months(60) == "5.0 years"


def test_dates_are_written_in_the_order_of_each_language() -> None:
    assert ENGLISH.day(date(2026, 11, 24)) == "24 Nov 2026"
    assert CHINESE.day(date(2026, 11, 24)) == "2026年11月24日"


def test_differences_of_shares_are_points_with_their_sign() -> None:
    assert ENGLISH.points(0.08) == "+8.0 points"
    assert ENGLISH.points_with_interval(-0.08, -0.12, -0.04) == f"{MINUS}8 points ({MINUS}12 to {MINUS}4)"


def test_a_small_amount_a_month_is_told_to_the_cent() -> None:
    assert ENGLISH.money_a_month(0.0808, "USD") == "$0.08 a month"
    assert ENGLISH.money_a_month(0.0004, "USD") == "$0 a month"
