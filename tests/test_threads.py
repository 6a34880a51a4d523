"""in_threads: in order, a bounded way ahead, and nothing begun once nobody wants more."""

import threading
import time

import pytest

from otoscope.threads import in_threads


@pytest.fixture(params=["short", "long"])
def slow(request):
    """Work that takes a while on the first items, which threads are then used for, or never does."""
    wait = 0.002 if request.param == "long" else 0

    def work(number: int) -> int:
        time.sleep(wait if number < 8 else 0)
        return number

    return work


def test_results_come_in_the_order_of_the_items(slow) -> None:
    assert list(in_threads(slow, range(1000))) == list(range(1000))
    assert list(in_threads(slow, [])) == []


def test_items_are_taken_a_bounded_way_ahead(slow) -> None:
    taken = []

    def items():
        for number in range(100_000):
            taken.append(number)
            yield number

    results = in_threads(slow, items())
    assert [next(results) for _ in range(10)] == list(range(10))
    assert len(taken) < 1000
    results.close()


def test_an_error_is_raised_and_no_thread_left(slow) -> None:
    before = threading.active_count()

    def work(number: int) -> int:
        if number == 500:
            raise ValueError("500 it is")
        return slow(number)

    got: list[int] = []
    with pytest.raises(ValueError, match="500 it is"):
        got.extend(in_threads(work, range(100_000)))
    assert got == list(range(len(got)))
    assert threading.active_count() == before


def test_threads_are_used_where_items_take_long_only() -> None:
    def where(seconds: float) -> str:
        time.sleep(seconds)
        return threading.current_thread().name

    here = threading.current_thread().name
    assert set(in_threads(where, [0.0] * 100)) == {here}
    assert len(set(in_threads(where, [0.002] * 100))) > 2
