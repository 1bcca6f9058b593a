"""The plot of a sweep as SVG, without another package."""

from __future__ import annotations

import math
from html import escape

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 16, 36, 48
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size_text(size: float) -> str:
    """A size with the largest unit that it reaches: ``1.5 MiB``."""
    unit = 0
    while 1024 <= size and unit + 1 < len(_UNITS):
        size, unit = size / 1024, unit + 1
    return f"{size:.3g} {_UNITS[unit]}"


def curve(name: str, points: list[tuple[int, int, int]], compulsory: int) -> str:
    """Traffic and its lower bound against scratchpads, which are on a logarithmic axis.

    ``points`` have a scratchpad, its traffic and the bound, by ascending scratchpad.
    """
    sizes = [max(1, size) for size, _, _ in points] or [1]
    low, high = math.log2(sizes[0]), math.log2(sizes[-1])
    most = max([total for _, total, _ in points] + [compulsory, 1])

    def x(size: float) -> float:
        part = (math.log2(max(1, size)) - low) / (high - low) if low < high else 0.5
        return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)

    def y(traffic: float) -> float:
        return _HEIGHT - _BOTTOM - traffic / most * (_HEIGHT - _TOP - _BOTTOM)

    def steps(values: list[int]) -> str:
        path = ""
        for index, value in enumerate(values):
            if index == 0:
                path = f"M{x(sizes[0]):.1f} {y(value):.1f}"
            else:
                path += f" H{x(sizes[index]):.1f} V{y(value):.1f}"
        return path

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_WIDTH / 2}" y="20" text-anchor="middle" font-size="14">{escape(name)}</text>',
    ]
    for index in range(5):
        traffic = most * index / 4
        lines.append(
            f'<path d="M{_LEFT} {y(traffic):.1f} H{_WIDTH - _RIGHT}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 6}" y="{y(traffic) + 4:.1f}" text-anchor="end">{size_text(traffic)}</text>'
        )
    # No more labels than there is room for.
    every = math.ceil(len(points) / 7) or 1
    for size in sizes[::every]:
        lines.append(
            f'<text x="{x(size):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{size_text(size)}</text>'
        )
    bottom = _HEIGHT - 10
    lines.append(f'<text x="{(_LEFT + _WIDTH) / 2}" y="{bottom}" text-anchor="middle">scratchpad</text>')
    lines.append(
        f'<path d="M{_LEFT} {y(compulsory):.1f} H{_WIDTH - _RIGHT}" stroke="#888">'
        f"<title>compulsory: {compulsory} B</title></path>"
    )
    bounds, totals = steps([it[2] for it in points]), steps([it[1] for it in points])
    lines.append(f'<path d="{bounds}" fill="none" stroke="#d95f02" stroke-dasharray="4 3"><title>lower bound</title></path>')
    lines.append(f'<path d="{totals}" fill="none" stroke="#1f77b4" stroke-width="2"><title>traffic</title></path>')
    for size, total, bound in points:
        says = f"{size} B: {total} B of traffic, at least {bound} B"
        lines.append(f'<circle cx="{x(size):.1f}" cy="{y(total):.1f}" r="3" fill="#1f77b4"><title>{says}</title></circle>')
    return "\n".join([*lines, "</svg>"])
