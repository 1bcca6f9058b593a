"""Addresses for given lifetimes."""

from __future__ import annotations

import random

import cosma
import pytest
from cosma import Buffer, Gap


def overlaps(buffers: list[Buffer], offsets: tuple[int, ...]) -> bool:
    placed = list(zip(buffers, offsets))
    return any(
        one.lower < other.upper and other.lower < one.upper and at < to + other.size and to < at + one.size
        for index, (one, at) in enumerate(placed)
        for other, to in placed[:index]
    )


def test_within_a_capacity() -> None:
    # The example of MiniMalloc.
    buffers = [
        Buffer(0, 3, 4),
        Buffer(3, 9, 4),
        Buffer(0, 9, 4),
        Buffer(9, 21, 4),
        Buffer(0, 21, 4),
    ]
    packing = cosma.pack(buffers, capacity=12)
    assert packing.height == 12 == packing.lower_bound and packing.is_lowest
    assert not overlaps(buffers, packing.offsets)


def test_buffers_as_tuples_dictionaries_and_records() -> None:
    one = cosma.pack([(0, 2, 4), (1, 3, 4, 8)], 16)
    other = cosma.pack([{"lower": 0, "upper": 2, "size": 4}, Buffer(lower=1, upper=3, size=4, alignment=8)], 16)
    assert one == other and one.offsets[1] % 8 == 0


def test_as_low_as_can_be() -> None:
    for seed in range(20):
        choose = random.Random(seed)
        buffers = []
        for _ in range(30):
            lower = choose.randrange(-50, 50)
            buffers.append(Buffer(lower, lower + choose.randrange(1, 20), choose.randrange(1, 40)))
        packing = cosma.pack(buffers, time_limit=2)
        assert not overlaps(buffers, packing.offsets)
        assert packing.lower_bound <= packing.height == max(it.size + at for it, at in zip(buffers, packing.offsets))
        assert cosma.pack(buffers, packing.height, time_limit=30).height <= packing.height


def test_alignment_fixed_offsets_and_gaps() -> None:
    packing = cosma.pack([Buffer(0, 9, 8, offset=16), (0, 9, 8), (0, 9, 3)], 64, alignment=8)
    assert packing.offsets[0] == 16 and all(it % 8 == 0 for it in packing.offsets)
    # The second one fits into the gap of the first, beside the byte that stays in use.
    buffers = [Buffer(0, 9, 8, gaps=(Gap(3, 6, (0, 1)),)), Buffer(3, 6, 7)]
    assert cosma.pack(buffers, 8).height == 8
    with pytest.raises(cosma.Infeasible):
        cosma.pack([Buffer(0, 9, 8), Buffer(3, 6, 7)], 8)


def test_what_cannot_be_packed() -> None:
    buffers = [Buffer(0, 2, 8, id="free"), Buffer(5, 9, 6, id="left"), Buffer(6, 8, 6, id="right")]
    with pytest.raises(cosma.Infeasible, match="left, right") as raised:
        cosma.pack(buffers, 11)
    assert raised.value.buffers == [1, 2]
    with pytest.raises(cosma.Infeasible):
        cosma.pack([Buffer(0, 2, 8, offset=0), Buffer(1, 3, 8, offset=4)])
    assert issubclass(cosma.Infeasible, cosma.Error) and issubclass(cosma.Undecided, cosma.Error)


def test_nothing_to_pack() -> None:
    assert cosma.pack([], 8).offsets == () and cosma.pack([]).height == 0
    assert cosma.pack([(3, 3, 8)], 0).height == 0


@pytest.mark.parametrize(
    ("buffers", "says"),
    [
        ([(0, 2, 1), (3, 1, 8)], "buffer 1: upper is 1"),
        ([(0, 1, 1 << 62)], "less than 2"),
        ([(0, 1, (1 << 61) + 1), (0, 1, 1 << 61)], "add up"),
        ([(0, 1, 8, 0)], "alignment is 0"),
        ([Buffer(0, 9, 8, gaps=(Gap(3, 10),))], "not within 0 to 9"),
        ([Buffer(0, 9, 8, gaps=(Gap(1, 4), Gap(3, 6)))], "overlap"),
        ([Buffer(0, 9, 8, gaps=(Gap(1, 4, (2, 9)),))], "window"),
    ],
)
def test_wrong_buffers(buffers: list, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cosma.pack(buffers, 64)


def test_wrong_kinds() -> None:
    with pytest.raises(TypeError, match="buffer 0 has 2 numbers"):
        cosma.pack([(1, 2)], 8)
    with pytest.raises(TypeError, match="buffer 0"):
        cosma.pack([{"lower": 1, "high": 2}], 8)
    with pytest.raises(ValueError, match="time_limit"):
        cosma.pack([(0, 1, 1)], 8, time_limit=-1)
    with pytest.raises(ValueError, match="alignment"):
        cosma.pack([(0, 1, 1)], 8, alignment=0)
    with pytest.raises((OverflowError, TypeError)):
        cosma.pack([(0, 1, -1)], 8)
