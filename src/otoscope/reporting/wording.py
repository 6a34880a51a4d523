"""How numbers and names are written in sentences and tables."""

import math
from collections.abc import Sequence

MISSING = "–"


def number(value: float | None, digits: int = 3) -> str:
    """A measured value, to a few significant digits; an en dash where there is none.

    >>> number(0.031249), number(172.4), number(9216), number(0.0), number(None)
    ('0.0312', '172', '9,216', '0', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value == int(value):
        return f"{int(value):,}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{max(digits - 1 - math.floor(math.log10(abs(value))), 0)}f}"


def percent(value: float | None) -> str:
    """A share as a percentage.

    >>> percent(0.9583).split(), percent(None)
    (['96', '%'], '–')
    """
    return MISSING if value is None or not math.isfinite(value) else f"{100 * value:.0f}\N{NO-BREAK SPACE}%"


def band(low: float, high: float) -> str:
    """An interval of shares as percentages.

    >>> band(0.701, 0.9).split()
    ['70', 'to', '90', '%']
    """
    return f"{100 * low:.0f} to {percent(high)}"


def spread(value: float, mean: float, low: float, high: float) -> str:
    """A chance level beside a value, with the decimals that the larger of them needs: mean, and its band.

    >>> spread(0.125, 0.00369, 0.000827, 0.00924), spread(92, 90.21, 88.0, 92.0)
    ('0.004 · 0.001 to 0.009', '90 · 88 to 92')
    """
    largest = max(abs(value), abs(high))
    decimals = max(2 - math.floor(math.log10(largest)), 0) if largest else 0
    if all(each == int(each) for each in (value, low, high)):
        decimals = 0 if largest >= 20 else 1
    return f"{mean:,.{decimals}f} · {low:,.{decimals}f} to {high:,.{decimals}f}"


def tied(text: str) -> str:
    """A text in which no line breaks between a number and its percent sign.

    >>> tied("95 % of them").split(" ")
    ['95\\xa0%', 'of', 'them']
    """
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def unbroken(text: str) -> str:
    """A chance level whose band stays on one line; between mean and band there may be a break.

    >>> unbroken("90 · 88 to 92").split(" ")
    ['90\\xa0·', '88\\xa0to\\xa092']
    """
    return text.replace(" to ", "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}").replace(" ·", "\N{NO-BREAK SPACE}·")


def signed(value: float | None, digits: int = 1) -> str:
    """A change, with its sign and a fixed number of decimals.

    >>> signed(-1.513), signed(0.38), signed(0.0), signed(-0.01)
    ('−1.5', '+0.4', '0', '0')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return "0"
    return ("−" if value < 0 else "+") + text


def p_value(p: float | None) -> str:
    """A p-value, for a sentence.

    >>> p_value(0.00990099), p_value(0.5), p_value(0.0009990)
    ('p = 0.0099', 'p = 0.50', 'p = 0.0010')
    """
    if p is None or not math.isfinite(p):
        return "not tested"
    return f"p = {p:.2f}" if p >= 0.1 else f"p = {p:.2g}" if p >= 0.01 else f"p = {p:.4f}"


def listing(names: Sequence[str]) -> str:
    """Names in a row, as a sentence has them.

    >>> listing(["a"]), listing(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))


def counted(count: int, thing: str, things: str | None = None) -> str:
    """A count with its noun.

    >>> counted(1, "class", "classes"), counted(1200, "clip")
    ('1 class', '1,200 clips')
    """
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def short_model(name: str) -> str:
    """A model's spec, short enough for a table: a weight file by its folder and name.

    >>> short_model("m2d:/data/weights/m2d_vit_base-80x608p16x16-221006-mr7/checkpoint-300.pth")
    'm2d:m2d_vit_base-80x608p16x16-221006-mr7/checkpoint-300.pth'
    >>> short_model("mini:ssl")
    'mini:ssl'
    """
    family, colon, place = name.partition(":")
    return family + colon + "/".join(place.replace("\\", "/").split("/")[-2:])
