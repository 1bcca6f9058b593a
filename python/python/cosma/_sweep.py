"""One network for many scratchpads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional, Union

from . import _cosma
from ._models import read
from ._plan import Keep, Objective, Order, Solver, Weights, effort
from ._records import Records
from ._svg import curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._models import Model
    from ._plan import Callback


@dataclass(frozen=True)
class Point:
    """What is known of one scratchpad. Sizes are in bytes."""

    #: Its size.
    scratchpad: int
    #: ``"optimal"``, ``"feasible"`` or ``"too small"``.
    status: str
    #: All traffic; None if there is no plan.
    total: Optional[int]
    #: Spills and reloads, and further uses of streamed weights; None if there is no plan.
    non_compulsory: Optional[int]
    #: A proven lower bound on ``non_compulsory`` of any plan; None if there is no plan.
    lower_bound: Optional[int]
    #: The solver that found the plan; None if there is no plan.
    solver: Optional[str]
    #: How long planning took.
    seconds: float
    #: How many cycles the program takes; None without a clock, or if nothing overlaps.
    cycles: Optional[int] = None
    #: No program of any order takes fewer; None where ``cycles`` is.
    least_cycles: Optional[int] = None


class Sweep:
    """The plans of one network for many scratchpads, which a notebook shows as a plot."""

    def __init__(self, name: str, compulsory: int, min_scratchpad: int, points: Records[Point]) -> None:
        #: The network's name.
        self.name = name
        #: The bytes that every plan moves.
        self.compulsory = compulsory
        #: The smallest scratchpad with which the network can run.
        self.min_scratchpad = min_scratchpad
        #: By scratchpad, ascending.
        self.points = points

    def _known(self) -> list[tuple[int, int, int]]:
        """Scratchpad, traffic, and its lower bound, where there is a plan."""
        return [
            (it.scratchpad, it.total, self.compulsory + it.lower_bound)
            for it in self.points
            if it.total is not None and it.lower_bound is not None
        ]

    def svg(self) -> str:
        """The plot of traffic against scratchpad as SVG, which takes no other package."""
        return curve(self.name, self._known(), self.compulsory)

    def plot(self, ax: Optional[Axes] = None) -> Axes:
        """Plots traffic against scratchpad with matplotlib, into ``ax`` or a new figure, and returns the axes."""
        if ax is None:
            from matplotlib import pyplot

            ax = pyplot.subplots()[1]
        known = self._known()
        sizes = [size / 1024 for size, _, _ in known]
        kibibytes = 1024
        ax.step(sizes, [total / kibibytes for _, total, _ in known], where="post", marker=".", label="traffic")
        bounds = [bound / kibibytes for _, _, bound in known]
        ax.step(sizes, bounds, where="post", linestyle="--", label="lower bound")
        ax.axhline(self.compulsory / kibibytes, color="grey", linewidth=0.8, label="compulsory")
        ax.set_xscale("log")
        ax.set_xlabel("scratchpad in KiB")
        ax.set_ylabel("traffic in KiB")
        ax.set_title(self.name)
        ax.legend()
        return ax

    def _repr_html_(self) -> str:
        return self.svg() + self.points._repr_html_()

    def __repr__(self) -> str:
        return f"<Sweep of '{self.name}' over {len(self.points)} scratchpads>"


#: Colours of equal lightness, dashes and marks, by which curves are told apart.
_COLOURS = ("#0d7dd4", "#c55123", "#119245", "#ad51a7", "#95760d", "#138b90")
_DASHES = ("-", (0, (6, 2)), (0, (1, 2)), (0, (6, 2, 1, 2)), (0, (12, 3)))
_MARKS = ("o", "s", "^", "D")


def plot_sweeps(sweeps: Iterable[Sweep], ax: Optional[Axes] = None) -> Axes:
    """Plots the curves of several networks with matplotlib, into ``ax`` or a new figure, and returns the axes.

    Traffic is a multiple of what is compulsory for each network, so that they can be compared.
    """
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.subplots()[1]
    for index, it in enumerate(sweeps):
        known = it._known()
        # A network without a tensor has to move nothing, and does.
        totals = [total / it.compulsory if it.compulsory else 1.0 for _, total, _ in known]
        ax.step(
            [size / 1024 for size, _, _ in known],
            totals,
            where="post",
            color=_COLOURS[index % len(_COLOURS)],
            linestyle=_DASHES[index % len(_DASHES)],
            marker=_MARKS[index % len(_MARKS)],
            markersize=5,
            label=it.name,
        )
    ax.axhline(1, color="grey", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_xlabel("scratchpad in KiB")
    ax.set_ylabel("traffic / compulsory")
    ax.legend()
    return ax


def sweep(
    model: Model,
    inputs: Any = None,
    *,
    scratchpads: Optional[Iterable[Union[int, str]]] = None,
    steps: int = 8,
    machine: Union[_cosma.Machine, str, os.PathLike[str], None] = None,
    alignment: Optional[int] = None,
    weights: Optional[Weights] = None,
    keep: Keep = "none",
    order: Order = "free",
    solver: Solver = "auto",
    objective: Objective = "traffic",
    overlap: bool = True,
    time_limit: float = 60.0,
    dimensions: Optional[Mapping[str, int]] = None,
    element_bytes: Optional[int] = None,
    group: bool = True,
    in_place: bool = True,
    progress: Optional[Callback] = None,
) -> Sweep:
    """Plans a model for many scratchpads, from the smallest to the largest.

    The arguments are those of :func:`plan`, except for these, and for the scratchpad of a machine, which does not count:

    Args:
        scratchpads: The sizes to plan for. Without them there are ``steps``, from the smallest scratchpad with which the
            network can run to one with which only compulsory traffic is left.
        steps: How many sizes, if ``scratchpads`` does not say which: at least 2.
        time_limit: Seconds for each size.
        progress: If it returns ``False``, sizes that are not planned yet are left out.

    Raises:
        ModelError: The model cannot be read.
        GraphError: The graph contradicts itself.
        ValueError: An argument has a value that it cannot have, or the machine has several memories.
        KeyboardInterrupt: Ctrl-C was pressed; planning has stopped.
    """
    graph = read(
        model, inputs, dimensions=dimensions, element_bytes=element_bytes, group=group, in_place=in_place
    )
    how = effort(
        machine=machine,
        alignment=alignment,
        weights=weights,
        keep=keep,
        reserved=(),
        order=order,
        solver=solver,
        objective=objective,
        overlap=overlap,
        tiles="none",
        time_limit=time_limit,
    )
    sizes = None if scratchpads is None else list(scratchpads)
    raw = _cosma.sweep(graph, sizes, steps, how, progress)
    found = json.loads(raw)
    points = Records(Point, (Point(**it) for it in found["points"]))
    return Sweep(found["name"], found["compulsory"], found["min_scratchpad"], points)
