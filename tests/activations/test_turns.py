"""In which order clips are read for several models."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from otoscope.activations.plan import batches
from otoscope.activations.turns import turns

lengths = st.integers(1, 40).flatmap(
    lambda clips: st.lists(
        st.lists(st.integers(0, 4), min_size=clips, max_size=clips), min_size=1, max_size=3
    )
)


@given(lengths, st.integers(1, 6))
def test_every_clip_is_read_once_and_every_batch_heard_once_it_is_there(by_model, batch_size):
    plans = [batches(each, batch_size) for each in by_model]
    order = turns(plans)
    read = [clip for turn in order for clip in turn.read]
    assert len(read) == len(set(read))
    assert set(read) == {clip for plan in plans for batch in plan for clip in batch}
    heard = Counter(key for turn in order for key in turn.hear)
    assert heard == Counter((model, n) for model, plan in enumerate(plans) for n in range(len(plan)))
    known = set()
    for turn in order:
        known.update(turn.read)
        assert all(known.issuperset(plans[model][batch]) for model, batch in turn.hear)
        assert len(turn.read) <= batch_size


def test_one_model_keeps_the_order_of_its_plan():
    plan = batches([5, 7, 5, 0, 5, 9, 7], 2)
    assert [turn.read for turn in turns([plan])] == plan
    assert [turn.hear for turn in turns([plan])] == [[(0, n)] for n in range(len(plan))]


def test_models_with_the_same_batches_hear_them_together():
    plan = batches([5, 7, 5, 0, 5, 9, 7], 2)
    assert [turn.read for turn in turns([plan, plan])] == plan
    assert [turn.hear for turn in turns([plan, plan])] == [[(0, n), (1, n)] for n in range(len(plan))]


def test_nothing_to_read():
    assert turns([]) == turns([[], []]) == []


def most_held(plans):
    """Clips in memory at the worst moment: read and still wanted."""
    wanted = Counter(clip for plan in plans for batch in plan for clip in batch)
    held, most = set(), 0
    for turn in turns(plans):
        held.update(turn.read)
        most = max(most, len(held))
        for model, batch in turn.hear:
            wanted.subtract(plans[model][batch])
        held = {clip for clip in held if wanted[clip]}
    return most


def test_few_clips_wait_where_two_lengths_alternate():
    apart, alike = batches([1, 2] * 128, 16), batches([1] * 256, 16)
    # In the first model's order, the second's first batch would wait for half of all clips to be read.
    assert most_held([apart]) == most_held([alike]) == 16
    assert most_held([apart, alike]) == most_held([alike, apart]) == 24
