"""Exact numbers, with decimal.Decimal as the independent arithmetic."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.bars.scale import divide_half_even, format_scaled, parse_scaled
from shared.errors import InvalidRecord

digits = st.integers(0, 15)
wide = st.integers(-(10**40), 10**40)


def exactly(text: str, digits: int) -> Decimal:
    """The number times 10^digits, with room for every digit."""
    with localcontext() as context:
        context.prec = 400
        return Decimal(text).scaleb(digits)


def read_or_refused(text: str, digits: int) -> int | str:
    """What is read, or the reason for refusing it. Any other error is the test's."""
    try:
        return parse_scaled(text, digits)
    except InvalidRecord as error:
        return error.reason


@given(wide, digits)
def test_writing_and_reading_gives_the_same_number(value: int, digits: int) -> None:
    assert parse_scaled(format_scaled(value, digits), digits) == value


@given(wide, digits)
def test_what_is_written_is_the_number_as_a_plain_decimal(value: int, digits: int) -> None:
    text = format_scaled(value, digits)
    assert exactly(text, digits) == value
    assert set(text) <= set("-.0123456789")
    assert "." not in text or text[-1] not in "0."


@given(wide, st.integers(-20, 20), digits)
def test_what_is_read_is_the_decimal_times_its_scale_or_refused_for_its_digits(
    coefficient: int, exponent: int, digits: int
) -> None:
    for text in (f"{coefficient}e{exponent}", f"{Decimal(coefficient).scaleb(exponent):f}"):
        expected = exactly(text, digits)
        if expected == expected.to_integral_value():
            assert parse_scaled(text, digits) == expected
        else:
            with pytest.raises(InvalidRecord) as caught:
                parse_scaled(text, digits)
            assert caught.value.reason == "digits"


@given(st.floats())
@example(1e300)
@example(5e-324)
@example(-0.0)
def test_any_double_is_read_exactly_as_its_shortest_decimal_or_refused(value: float) -> None:
    found = read_or_refused(repr(value), 9)
    if found not in ("number", "digits"):
        assert found == exactly(repr(value), 9)


@given(st.text(alphabet="0123456789.eE+-_ \t\n１٣infaNx", max_size=12))
@example("1e400")
@example("1e-400")
@example("1e99999999999999999999")
def test_any_text_is_read_exactly_or_refused_with_a_reason(text: str) -> None:
    found = read_or_refused(text, 6)
    if found not in ("number", "digits"):
        assert found == exactly(text, 6)
        assert text.isascii()


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "-", "e5", "1e", "0x10", "1,5", "1_000", " 1", "1\n", "１２", "٣", "1.2.3", "--1", "null"),
        *("NaN", "sNaN", "inf", "-Infinity", "1e300", "1e400", "9" * 5_000, "1." + "0" * 200),
    ],
)
def test_what_is_no_number_of_a_market_is_refused(text: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        parse_scaled(text, 6)
    assert caught.value.reason == "number"
    assert len(str(caught.value)) < 120, "the message does not carry the whole input"


@pytest.mark.parametrize("text", ["0.0000001", "1e-7", "1e-400", "0." + "1" * 90])
def test_more_decimals_than_the_scale_holds_are_refused_not_rounded(text: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        parse_scaled(text, 6)
    assert caught.value.reason == "digits"


def test_zeros_after_the_last_decimal_of_the_scale_are_no_digits() -> None:
    assert parse_scaled("1.5000000000", 6) == 1_500_000


@pytest.mark.parametrize(("text", "scaled"), [("5.", 5_000_000), (".5", 500_000), ("+5", 5_000_000), ("-0", 0)])
def test_decimals_without_a_part_or_with_a_sign_are_read(text: str, scaled: int) -> None:
    assert parse_scaled(text, 6) == scaled


@given(st.integers(0, 10**60), st.integers(1, 10**40))
@example(5, 10)
@example(15, 10)
@example(25, 10)
def test_quotients_are_rounded_half_to_even_as_decimal_rounds(numerator: int, denominator: int) -> None:
    with localcontext() as context:
        context.prec = 400
        expected = (Decimal(numerator) / denominator).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert divide_half_even(numerator, denominator) == expected


@given(st.integers(0, 10**30), st.integers(1, 10**20))
def test_an_exact_half_goes_to_the_even_neighbour(quotient: int, half: int) -> None:
    rounded = divide_half_even((2 * quotient + 1) * half, 2 * half)
    assert rounded in (quotient, quotient + 1)
    assert rounded % 2 == 0
