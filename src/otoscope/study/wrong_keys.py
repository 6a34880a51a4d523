"""What is wrong with a key of a study file, in one sentence: its place, its value, what was expected."""

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel

__all__ = ["sentence"]


def sentence(kind: type[BaseModel], item: Any) -> str:
    """One of pydantic's errors in a sentence.

    Args:
        kind: the whole document's model.
        item: an entry of `ValidationError.errors()`.
    """
    place, what = item["loc"], item["type"]
    key = ".".join(map(str, place))
    if what == "extra_forbidden":
        above = ".".join(map(str, place[:-1])) or "the study"
        expected = ", ".join(_keys(kind, place[:-1]))
        return f"{above} has no key {place[-1]!r}; expected {expected}"
    if what == "missing":
        return f"{key} is missing"
    said = item["msg"].removeprefix("Value error, ")
    if what == "value_error":
        return f"{key}: {said}" if key else said
    return f"{key.removesuffix('.[key]')} is {_short(item['input'])}; expected {_expected(item, said)}"


def _expected(item: Any, said: str) -> str:
    if item["type"] == "string_pattern_mismatch":
        return "letters, digits, _, . and -, a letter or a digit first"
    if item["type"] == "too_short":
        least = item["ctx"]["min_length"]
        return f"at least {least} item{'' if least == 1 else 's'}"
    for start in ("Input should be ", "Input should have "):
        said = said.removeprefix(start)
    return said[:1].lower() + said[1:]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys(kind: Any, place: Sequence[Any]) -> list[str]:
    """The keys of the section at a place of the document."""
    for step in place:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(step)].annotation
        else:  # an item of a dictionary or of a tuple: the type that stands last, ellipsis aside
            kind = next(each for each in reversed(get_args(kind)) if each is not Ellipsis)
    return list(kind.model_fields)
