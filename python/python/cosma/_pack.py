"""Addresses for given lifetimes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional, Union

from . import _cosma
from ._cosma import Infeasible


@dataclass(frozen=True)
class Gap:
    """Steps during which others may use a buffer's memory."""

    #: The first step of the gap.
    lower: int
    #: The first step after it.
    upper: int
    #: The bytes of the buffer that are in use nevertheless, half-open; None if all are free.
    window: Optional[tuple[int, int]] = None


@dataclass(frozen=True)
class Buffer:
    """A block of memory that is needed during some steps."""

    #: The first step.
    lower: int
    #: The first step after the last one.
    upper: int
    #: In bytes.
    size: int
    #: Its offset is a multiple of it.
    alignment: int = 1
    #: The offset that it must have; None if it may lie anywhere.
    offset: Optional[int] = None
    #: Steps in between during which it needs no memory, or less of it.
    gaps: tuple[Gap, ...] = ()
    #: What it is called in errors.
    id: Optional[str] = None


@dataclass(frozen=True)
class Packing:
    """Offsets of buffers, of which no two overlap in time and in address."""

    #: By buffer.
    offsets: tuple[int, ...]
    #: Where the highest buffer ends.
    height: int
    #: No packing is lower than this.
    lower_bound: int

    @property
    def is_lowest(self) -> bool:
        """Whether no packing is lower, and that is proven."""
        return self.height == self.lower_bound


#: A buffer; or its fields by name; or lower, upper, size and, if need be, alignment.
BufferLike = Union[Buffer, Mapping[str, object], Sequence[int]]


def pack(
    buffers: Iterable[BufferLike],
    capacity: Optional[int] = None,
    *,
    alignment: int = 1,
    time_limit: float = 10.0,
) -> Packing:
    """Packs buffers within a capacity or, without one, as low as can be found.

    >>> cosma.pack([(0, 3, 4), (2, 9, 4), (5, 9, 4)], capacity=8).offsets

    Args:
        buffers: The buffers: as :class:`Buffer`, as dictionaries of its fields, or as tuples of ``lower``, ``upper``,
            ``size`` and, if need be, ``alignment``. Steps are half-open.
        capacity: The size of the memory in bytes.
        alignment: All offsets are multiples of it, and of the buffer's own.
        time_limit: Seconds after which it gives up, or without a capacity takes the lowest packing so far.

    Raises:
        Infeasible: There is no packing, and that is proven.
        Undecided: The time limit came first.
    """
    known = [_buffer(index, it) for index, it in enumerate(buffers)]
    raw = [
        {
            "lower": it.lower,
            "upper": it.upper,
            "size": it.size,
            "alignment": it.alignment,
            "offset": it.offset,
            "gaps": [(gap.lower, gap.upper, gap.window) for gap in it.gaps],
        }
        for it in known
    ]
    try:
        offsets, height, lower_bound = _cosma.pack(raw, capacity, alignment, time_limit)
    except Infeasible as error:
        names = [known[it].id for it in error.buffers]
        if any(name is not None for name in names):
            error.args = (f"{error.args[0]}: {', '.join(str(name) for name in names[:8])}",)
        raise
    return Packing(tuple(offsets), height, lower_bound)


def _buffer(index: int, it: BufferLike) -> Buffer:
    try:
        if isinstance(it, Buffer):
            return it
        if isinstance(it, Mapping):
            return Buffer(**it)  # type: ignore[arg-type]
        if 3 <= len(it) <= 4:
            lower, upper, size, *alignment = it
            return Buffer(lower, upper, size, alignment[0] if alignment else 1)
    except TypeError as error:
        raise TypeError(f"buffer {index}: {error}") from None
    raise TypeError(f"buffer {index} has {len(it)} numbers: it is lower, upper, size and, if need be, alignment")
