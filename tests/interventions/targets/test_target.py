"""Targets: names of their own."""

import pytest

from otoscope.errors import UsageError
from otoscope.interventions.targets import Target, unique


def test_names_are_unique():
    one, other = Target("a", (), ((0, 1),)), Target("b", (), ((0, 1),))
    assert unique([one, other]) == (one, other)
    with pytest.raises(UsageError, match=r"several targets are named 'a'; expected a name of its own"):
        unique([one, other, one])
    with pytest.raises(UsageError, match="there is no target; expected at least one set of neurons"):
        unique([])
