import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.report import figures


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.41, "$0.410"), (0.000123, "$0.000123"), (12.5, "$12.50"), (4380, "$4,380"), (-3.2, "−$3.20"), (0, "$0")],
)
def test_money_has_no_more_digits_than_a_reader_uses(value: float, expected: str) -> None:
    assert figures.money(value, "USD") == expected


def test_money_of_a_currency_without_a_common_sign_names_it() -> None:
    assert figures.money(12.5, "CHF") == "CHF 12.50"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0123456, "0.0123"),
        (4.5678, "4.57"),
        (12345.6, "12,346"),
        (0, "0"),
        (-2.5, "−2.5"),
        (100, "100"),
        (999.96, "1,000"),
    ],
)
def test_numbers_have_three_significant_digits(value: float, expected: str) -> None:
    assert figures.number(value) == expected


def test_shares_and_differences_have_one_decimal() -> None:
    assert figures.percent(0.9184) == "91.8\u00a0%"
    assert figures.points(-0.0188) == "−1.9"
    assert figures.points(0.0188) == "+1.9"


def test_nothing_is_below_zero_by_less_than_a_shown_digit() -> None:
    assert figures.percent(-0.00001) == "0.0\u00a0%"


def test_sizes_change_unit_above_ten_thousand_mebibytes() -> None:
    assert figures.mebibytes(22.44) == "22.4 MiB"
    assert figures.mebibytes(20480) == "20 GiB"


@given(st.floats(-1e12, 1e12))
def test_a_written_number_is_within_half_a_percent_of_its_value(value: float) -> None:
    written = float(figures.number(value).replace(",", "").replace("−", "-"))
    assert written == pytest.approx(value, rel=0.0051, abs=1e-300)
