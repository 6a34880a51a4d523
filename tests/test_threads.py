"""in_threads: in order, a bounded way ahead, and nothing begun once nobody wants more."""

import threading
import time

import pytest

from otoscope.threads import in_threads


def test_results_come_in_the_order_of_the_items() -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert list(in_threads(slow_at_first, range(1000))) == [number * number for number in range(1000)]
    assert list(in_threads(slow_at_first, [])) == []


def test_items_are_taken_a_bounded_way_ahead() -> None:
    taken = []

    def items():
        for number in range(100_000):
            taken.append(number)
            yield number

    results = in_threads(abs, items())
    assert next(results) == 0
    assert len(taken) < 1000
    results.close()


def test_an_error_is_raised_and_no_thread_left() -> None:
    before = threading.active_count()

    def work(number: int) -> int:
        if number == 500:
            raise ValueError("500 it is")
        return number

    got: list[int] = []
    with pytest.raises(ValueError, match="500 it is"):
        got.extend(in_threads(work, range(100_000)))
    assert got == list(range(len(got)))
    assert threading.active_count() == before
