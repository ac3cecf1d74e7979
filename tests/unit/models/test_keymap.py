from __future__ import annotations

import numpy as np

from hypothesis import given
from hypothesis import strategies as st

from models.keymap import ABSENT, KeyMap


KEYS = st.integers(1, 40) | st.integers(1, (1 << 64) - 1)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "find", "rebuild"]),
        st.lists(st.tuples(KEYS, st.integers(0, (1 << 31) - 1)), max_size=30),
    ),
    max_size=20,
)


def keys_of(pairs: list[tuple[int, int]]) -> np.ndarray:
    return np.array([key for key, _ in pairs], np.uint64)


def values_of(pairs: list[tuple[int, int]]) -> np.ndarray:
    return np.array([value for _, value in pairs], np.int32)


@given(CALLS)
def test_answers_what_a_dict_answers(calls: list[tuple[str, list[tuple[int, int]]]]) -> None:
    keymap, plain = KeyMap(), dict[int, int]()
    for what, pairs in calls:
        if what == "insert":
            keymap.insert(keys_of(pairs), values_of(pairs))
            plain.update(pairs)
        elif what == "rebuild":
            plain = dict(pairs)
            kept = list(plain.items())
            keymap.rebuild(keys_of(kept), values_of(kept))
        found = keymap.find(keys_of(pairs)).tolist()
        assert found == [plain.get(key, ABSENT) for key, _ in pairs]
        assert len(keymap) == len(plain)
    keys, values = keymap.items()
    assert dict(zip(keys.tolist(), values.tolist(), strict=True)) == plain


@given(st.lists(KEYS, min_size=1, max_size=50))
def test_claimed_slots_are_one_for_each_key_and_absent_until_set(keys: list[int]) -> None:
    keymap = KeyMap()
    slots = keymap.claim(np.array(keys, np.uint64))
    assert len(dict.fromkeys(slots.tolist())) == len(dict.fromkeys(keys))
    assert (keymap.values[slots] == ABSENT).all()
    assert np.array_equal(keymap.claim(np.array(keys, np.uint64)), slots)


def test_grows_far_beyond_its_first_size_without_losing_a_key() -> None:
    rng = np.random.default_rng(1)
    # Partitioning leaves keys of one partition equal in their low bits.
    keys = np.unique(rng.integers(1, 1 << 60, 200_000).astype(np.uint64) * np.uint64(8))
    keymap = KeyMap()
    for begin in range(0, len(keys), 7_000):
        part = keys[begin : begin + 7_000]
        keymap.insert(part, np.arange(begin, begin + len(part), dtype=np.int32))
    assert np.array_equal(keymap.find(keys), np.arange(len(keys)))
    assert (keymap.find(keys + np.uint64(1)) == ABSENT).all()
    assert keymap.nbytes < 50 * len(keys)


def test_is_full_when_the_next_insertion_would_grow_the_table() -> None:
    keymap = KeyMap()
    assert not keymap.is_full(500)
    keymap.insert(np.arange(1, 501, dtype=np.uint64), np.arange(500, dtype=np.int32))
    before = keymap.nbytes
    assert not keymap.is_full(10)
    assert keymap.is_full(200)
    keymap.insert(np.arange(1, 701, dtype=np.uint64), np.arange(700, dtype=np.int32))
    assert keymap.nbytes > before
