"""Plans, and what there is to say of them."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

from . import _cosma
from ._models import read
from ._records import Records

if TYPE_CHECKING:
    from ._cosma import Progress
    from ._models import Model

    #: Called with how far planning has come, some twenty times a second at most. If it returns ``False``, planning
    #: stops, and the best plan so far is taken.
    Callback = Callable[[Progress], Optional[bool]]

Weights = Literal["resident", "streamed", "auto"]
Order = Literal["free", "source"]
Solver = Literal["auto", "search", "ilp", "greedy"]
Keep = Literal["none", "auto"]
Objective = Literal["traffic", "latency"]
Tiles = Literal["none", "auto"]
Address = Union[int, str]


@dataclass(frozen=True)
class LeastTraffic:
    """Proven lower bounds on the bytes that programs in tiles move, compulsory ones included."""

    #: Of every program.
    all_tilings: int
    #: Of every program that computes each element once.
    without_recomputation: int


@dataclass(frozen=True)
class Traffic:
    """Bytes moved between scratchpad and host memory."""

    #: All of them.
    total: int
    #: Each argument that is used, once in; each result, once out. Every plan moves them.
    compulsory: int
    #: Spills and reloads, and further uses of streamed weights.
    non_compulsory: int
    #: A proven lower bound on ``non_compulsory`` of any plan.
    lower_bound: int
    #: The non-compulsory bytes caused by addresses: a plan that counted only sums of sizes would avoid them.
    fragmentation: int
    #: Where weights stay in the scratchpad from run to run: what the first run moves besides, to load them. All else is
    #: what each further run moves.
    prologue: int = 0
    #: If operators may be split into tiles: what every tiling moves; None if that is not known.
    least: Optional[LeastTraffic] = None


@dataclass(frozen=True)
class Stalls:
    """Cycles in which the compute engine stands still, by reason."""

    #: A channel is busy with others, or has too little time: more bandwidth would help.
    channel: int
    #: What is needed has no place before: a larger scratchpad would help.
    place: int
    #: The channel is done already.
    latency: int
    #: What comes back is still on its way out.
    write_back: int
    #: A transfer begins later than it could, as without overlap.
    late: int


@dataclass(frozen=True)
class Channel:
    """What a channel of the machine does."""

    name: str
    #: Bytes that it carries.
    bytes: int
    #: Cycles in which it is busy.
    busy: int


@dataclass(frozen=True)
class Time:
    """How long a run of the program takes, in cycles of the compute engine."""

    #: All of it.
    cycles: int
    #: No program of this order and these residencies takes less.
    lower_bound: int
    #: How that is known: ``"B0"`` to ``"B5"``, as the documentation of time has them.
    bound: str
    #: No program of any order takes less.
    any_order_lower_bound: int
    #: How that is known.
    any_order_bound: str
    #: The sum over all operators.
    compute: int
    #: The cycles in which none computes. With ``compute``, they add up to ``cycles``.
    stalls: Stalls
    #: The channels of the machine.
    channels: tuple[Channel, ...]
    #: The part of the time of transfers in which an operator computes, 0 to 1; None if nothing is transferred.
    hidden: Optional[float] = None


@dataclass(frozen=True)
class Link:
    """A link of the machine, and what goes over it."""

    #: The memory from which it leads.
    source: str
    #: The memory to which it leads.
    destination: str
    #: How many bytes go over it.
    bytes: int
    #: What a byte costs.
    price: int
    #: What all of them cost.
    cost: int


@dataclass(frozen=True)
class Cost:
    """What all transfers cost, on a machine of several memories; where nothing moves, what all accesses cost."""

    #: All of them, each byte at the price of its link.
    total: int
    #: A proven lower bound on ``total`` of any plan, in any order that is allowed.
    lower_bound: int
    #: The links of the machine.
    links: tuple[Link, ...]


@dataclass(frozen=True)
class TileGroup:
    """Operators whose tiles take turns."""

    #: Their names, in the order in which they begin.
    operators: tuple[str, ...]
    #: The most turns that one of them takes.
    bands: int
    #: How many tiles they have.
    tiles: int


@dataclass(frozen=True)
class Tiling:
    """How operators are split into tiles."""

    #: How many operators there were.
    operators: int
    #: How many of them are split.
    tiled_operators: int
    #: How many tiles there are, operators that are whole included.
    tiles: int
    #: Whether some elements are computed more than once, since tiles of an operator overlap.
    recomputes: bool
    #: Operators that run together.
    groups: tuple[TileGroup, ...]
    #: By operator that is split: how many tiles it has.
    tiles_of: Mapping[str, int]


@dataclass(frozen=True)
class Report:
    """A plan in numbers. Sizes are in bytes."""

    #: The network's name.
    name: str
    #: The number of operators, one per step.
    operators: int
    #: ``"optimal"`` if no plan moves less, and that is proven; otherwise ``"feasible"``. Where there is a ``cost``, it is about
    #: that: no plan costs less.
    status: str
    #: The bytes that the plan moves; where there is a ``cost``, those from and to home.
    traffic: Traffic
    #: The size of the scratchpad.
    scratchpad: int
    #: The alignment of all addresses.
    alignment: int
    #: ``"resident"``, ``"streamed"`` or ``"auto"``.
    weights: str
    #: The most bytes in use at once, without padding.
    peak: int
    #: The smallest scratchpad with which the network can run.
    min_scratchpad: int
    #: Whether ``min_scratchpad`` is exact. If not, it is a lower bound.
    is_min_exact: bool
    #: How long planning took.
    seconds: float
    #: The solver that found the plan: ``"search"``, ``"ilp"`` or ``"greedy"``; ``"placement"`` where nothing moves.
    solver: str
    #: ``"auto"`` where weights may stay in the scratchpad from run to run, or ``"none"``.
    keep: str = "none"
    #: How long a run takes; None if the machine has no clock.
    time: Optional[Time] = None
    #: What the transfers cost; None unless the machine has several memories, or nothing moves on it.
    cost: Optional[Cost] = None
    #: If operators may be split: ``"all tilings"`` if no tiling moves less; ``"all tilings without recomputation"`` if none
    #: does that computes each element once; otherwise ``"these tiles"`` or, in the order of the source, ``"this order"``, to
    #: which the lower bound belongs.
    proof: Optional[str] = None
    #: How operators are split into tiles; None if none is.
    tiling: Optional[Tiling] = None

    @property
    def is_optimal(self) -> bool:
        """Whether no plan moves less, or costs less where there is a ``cost``, and that is proven."""
        return self.status == "optimal"


@dataclass(frozen=True)
class Place:
    """A place in a memory of the machine."""

    #: The memory's name.
    memory: str
    #: Of the first byte; None in a memory without a size, where no addresses are decided.
    offset: Optional[int]

    def __str__(self) -> str:
        return self.memory if self.offset is None else f"{self.memory}:{self.offset}"


@dataclass(frozen=True)
class Slot:
    """A tensor in the scratchpad or, on a machine on which nothing moves, in any memory."""

    tensor: str
    #: Of its first byte; None in a memory without a size.
    offset: Optional[int]
    #: The memory's name, on a machine on which nothing moves; None if it is the scratchpad in any case.
    memory: Optional[str] = None

    def __str__(self) -> str:
        return f"{self.tensor} at {self.offset if self.memory is None else Place(self.memory, self.offset)}"


@dataclass(frozen=True)
class Action:
    """A line of a planned program: a transfer, or an operator that runs."""

    #: ``"load"``, ``"reload"``, ``"spill"``, ``"store"`` or ``"run"``; ``"move"``, a copy between two memories that are not
    #: home; ``"keep"``, a load of the prologue, which runs once; ``"wait"``, from which on a transfer that overlaps is
    #: complete; ``"start"``, where a tensor lies from the start, on a machine on which nothing moves.
    kind: str
    #: The step to which it belongs: transfers in to that of the operator after them, transfers out to that of the
    #: operator before them.
    step: int
    #: The operator that runs; None in a transfer.
    operator: Optional[str]
    #: What is moved or waited for; None in a run.
    tensor: Optional[str]
    #: How many bytes are moved, those of a slice if it is one; None in a run and a wait.
    bytes: Optional[int]
    #: Whether operators go on beside it, until a wait.
    overlaps: bool
    #: Where the moved tensor lies in the scratchpad; None in a run, where it is streamed to its operator, and where neither
    #: end of the copy is in the scratchpad.
    offset: Optional[int]
    #: What the operator reads in the scratchpad; where nothing moves, in any memory.
    reads: tuple[Slot, ...]
    #: What the operator writes.
    writes: tuple[Slot, ...]
    #: Where the operator's workspace lies; None if it has none.
    workspace: Optional[int]
    #: Where a moved tensor comes from; None in a run and a wait.
    source: Optional[Place] = None
    #: Where it goes, or is by now; None in a run, and where it is streamed to its operator.
    destination: Optional[Place] = None

    def __str__(self) -> str:
        if self.kind != "run":
            return f"{self.kind} {self.tensor}{self._where()}{' beside operators' if self.overlaps else ''}"
        return f"run {self.operator}: {', '.join(map(str, self.reads))} -> {', '.join(map(str, self.writes))}"

    def _where(self) -> str:
        if self.offset is not None and self.kind != "move":
            return f" at {self.offset}"
        if self.source is not None and self.destination is not None:
            return f" from {self.source} to {self.destination}"
        if self.source is not None:
            return " past the scratchpad"
        # What is waited for or starts elsewhere, in a memory with addresses or not.
        is_said = self.destination is not None and (self.kind == "start" or self.destination.offset is not None)
        return f" at {self.destination}" if is_said else ""


@dataclass(frozen=True)
class Tile:
    """A part of an operator, or all of it."""

    #: The step in which it runs.
    step: int
    #: Its name.
    name: str
    #: The operator that it is of.
    operator: str
    #: By loop of the operator: the first iteration that it runs. Empty if it is the whole operator.
    offsets: tuple[int, ...]
    #: By loop of the operator: how many iterations it runs. Empty if it is the whole operator.
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Residency:
    """Steps during which a tensor is in a memory, half-open, and where. A tensor can have several."""

    tensor: str
    #: ``"argument"``, ``"weight"``, ``"staged"`` or ``"operator"``: where the tensor comes from.
    origin: str
    #: The first step.
    start: int
    #: The first step after the last one.
    end: int
    #: Of its first byte.
    offset: int
    #: Its bytes, without padding.
    size: int


class MemoryMap:
    """The picture of a plan: steps to the right, addresses upwards. A notebook shows the interactive one."""

    def __init__(self, name: str, svg: str, html: str) -> None:
        self._name = name
        #: The picture as SVG.
        self.svg = svg
        #: The picture as a page with zoom, tooltips and search, which needs nothing else.
        self.html = html

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes the picture to a file, ``*.svg`` or ``*.html``."""
        path = Path(path)
        if path.suffix not in (".svg", ".html"):
            raise ValueError(f"{path} is neither *.svg nor *.html")
        path.write_text(self.svg if path.suffix == ".svg" else self.html, encoding="utf-8")

    def _repr_html_(self) -> str:
        # Apart from the notebook's own page; scripts draw, and can reach nothing.
        style = "width: 100%; height: 36em; border: 0"
        title = escape(f"Memory map of {self._name}", quote=True)
        page = escape(self.html, quote=True)
        return f'<iframe title="{title}" sandbox="allow-scripts" style="{style}" srcdoc="{page}"></iframe>'

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<MemoryMap of {self._name}>"


class Plan:
    """A plan of a network, which the judge believes: a run of its program moves what it should, and only finds what it
    put there."""

    def __init__(self, raw: _cosma.RawPlan) -> None:
        self._raw = raw

    @cached_property
    def report(self) -> Report:
        """The plan in numbers."""
        report = json.loads(self._raw.report())
        least = report["traffic"].pop("least", None)
        least = None if least is None else LeastTraffic(**least)
        report["traffic"] = Traffic(**report["traffic"], least=least)
        if (tiling := report.get("tiling")) is not None:
            groups = tuple(TileGroup(**{**it, "operators": tuple(it["operators"])}) for it in tiling.pop("groups"))
            tiles_of = {it["operator"]: it["tiles"] for it in tiling.pop("tiles_of")}
            report["tiling"] = Tiling(**tiling, groups=groups, tiles_of=tiles_of)
        report["is_min_exact"] = report.pop("min_scratchpad_is", None) is None
        if (time := report.get("time")) is not None:
            channels = tuple(Channel(**it) for it in time.pop("channels"))
            report["time"] = Time(**{**time, "stalls": Stalls(**time["stalls"])}, channels=channels)
        if (cost := report.get("cost")) is not None:
            ends = {"from": "source", "to": "destination"}
            links = tuple(Link(**{ends.get(key, key): value for key, value in it.items()}) for it in cost.pop("links"))
            report["cost"] = Cost(**cost, links=links)
        return Report(**report)

    @cached_property
    def program(self) -> Records[Action]:
        """The planned program, line by line."""

        def action(record: dict[str, Any]) -> Action:
            for key in ("reads", "writes"):
                record[key] = tuple(Slot(**it) for it in record[key])
            for key in ("source", "destination"):
                record[key] = None if record[key] is None else Place(**record[key])
            return Action(**record)

        return Records(Action, map(action, json.loads(self._raw.program())))

    @cached_property
    def residencies(self) -> Records[Residency]:
        """Which tensors are in the scratchpad when and where, by their first step."""
        return Records(Residency, (Residency(**it) for it in json.loads(self._raw.residencies())))

    def residencies_in(self, memory: str) -> Records[Residency]:
        """Which tensors are in a memory of the machine when and where, by their first step. In another memory than the
        scratchpad, a tensor that only passes through between two steps is there for no step.

        Args:
            memory: The memory's name, one of :attr:`memories`. It has a size: in others, no addresses are decided.
        """
        return Records(Residency, (Residency(**it) for it in json.loads(self._raw.residencies(memory))))

    @cached_property
    def tiles(self) -> Records[Tile]:
        """The operators in the order in which they run, with the part of an operator that each one is."""
        tiles = json.loads(self._raw.tiles())
        lists = ("offsets", "sizes")
        return Records(Tile, (Tile(**{**it, **{key: tuple(it[key]) for key in lists}}) for it in tiles))

    @property
    def memories(self) -> list[str]:
        """The names of the machine's memories: home, the scratchpad, and then all others."""
        return self._raw.memories()

    @property
    def order(self) -> list[str]:
        """The operators in the order in which they run."""
        return [it.operator for it in self.program if it.operator is not None]

    def explain(self, *, larger: bool = False, time_limit: float = 10.0) -> str:
        """The plan in words: how good it is, what is moved and why, and what costs most. With several memories, what is
        moved is what crosses the border of the scratchpad, and what goes over each link is said besides.

        Args:
            larger: Whether to plan for larger scratchpads, too, and say what they would save.
            time_limit: Seconds for that.
        """
        return self._raw.explain(time_limit if larger else None)

    def time_chart(self) -> str:
        """When each line runs, as SVG: a row for the compute engine, which says why it stands still, and one for each
        channel. It takes a machine with a clock."""
        return self._raw.time_chart()

    def memory_map(self) -> MemoryMap:
        """The picture of the plan, which a notebook shows. It is one of the scratchpad: what goes to another memory, if the
        machine has several, is spilled."""
        return MemoryMap(self.report.name, self._raw.svg(), self._raw.html())

    def trace(self) -> str:
        """The program as a trace, JSON that Perfetto and Chrome show."""
        return self._raw.trace()

    def dot(self) -> str:
        """The operators and what flows between them, in the language of Graphviz."""
        return self._raw.dot()

    def problem(self) -> str:
        """What was planned, in COSMA's text form."""
        return self._raw.problem()

    def __str__(self) -> str:
        return self._raw.program_text()

    def __repr__(self) -> str:
        report = self.report
        return (
            f"<Plan of '{report.name}': {report.operators} operators in {report.scratchpad} B, "
            f"{report.traffic.total} B of traffic, {report.status}>"
        )

    def _repr_html_(self) -> str:
        report, traffic, tiling = self.report, self.report.traffic, self.report.tiling
        rows = [
            ("operators", f"{report.operators:,}" if tiling is None else f"{tiling.tiles:,} tiles of {tiling.operators:,}"),
            ("scratchpad", f"{report.scratchpad:,} B, at least {report.min_scratchpad:,} B"),
            ("traffic", f"{traffic.total:,} B"),
            ("of it not compulsory", f"{traffic.non_compulsory:,} B, at least {traffic.lower_bound:,} B"),
            *([("once, before the first run", f"{traffic.prologue:,} B")] if traffic.prologue else []),
            *([("time", f"{report.time.cycles:,} cycles")] if report.time is not None else []),
            *([("cost", f"{cost.total:,}, at least {cost.lower_bound:,}")] if (cost := report.cost) is not None else []),
            ("status", f"{report.status}, by {report.solver} in {report.seconds:.2f} s"),
        ]
        body = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
        return f"<table><caption>Plan of {escape(report.name)}</caption>{body}</table>"


def effort(
    *,
    machine: Union[_cosma.Machine, str, os.PathLike[str], None],
    alignment: Optional[int],
    weights: Optional[Weights],
    keep: Keep,
    reserved: Iterable[tuple[Address, Address]],
    order: Order,
    solver: Solver,
    objective: Objective,
    overlap: bool,
    tiles: Tiles,
    time_limit: float,
) -> dict[str, Any]:
    """How to plan, as the planner takes it."""
    if machine is not None and not isinstance(machine, _cosma.Machine):
        machine = _cosma.Machine(machine)
    return {
        "machine": machine,
        "alignment": alignment,
        "weights": weights,
        "keep": keep,
        "reserved": [(start, end) for start, end in reserved],
        "order": order,
        "solver": solver,
        "objective": objective,
        "overlap": overlap,
        "tiles": tiles,
        "time_limit": time_limit,
    }


def plan(
    model: Model,
    inputs: Any = None,
    *,
    scratchpad: Union[int, str, None] = None,
    machine: Union[_cosma.Machine, str, os.PathLike[str], None] = None,
    alignment: Optional[int] = None,
    weights: Optional[Weights] = None,
    keep: Keep = "none",
    reserved: Iterable[tuple[Address, Address]] = (),
    order: Order = "free",
    solver: Solver = "auto",
    objective: Objective = "traffic",
    overlap: bool = True,
    tiles: Tiles = "none",
    time_limit: float = 60.0,
    dimensions: Optional[Mapping[str, int]] = None,
    element_bytes: Optional[int] = None,
    group: bool = True,
    in_place: bool = True,
    progress: Optional[Callback] = None,
) -> Plan:
    """Plans a model for a scratchpad. Other threads run meanwhile.

    Args:
        model: The path of an ONNX file, its bytes, an ``onnx.ModelProto``, a ``torch.nn.Module``, or a :class:`Graph`.
        inputs: The example inputs of a ``torch.nn.Module``: a tensor or a tuple of them. They give the shapes.
        scratchpad: The size of the scratchpad (default: that of the machine).
        machine: A :class:`Machine`, or the name or file of one: its scratchpad, alignment, weights and clock, or all of its
            memories. Where it has a clock, transfers run beside operators, and the report says how long all takes. Where it
            has several memories, what does not fit into the scratchpad may wait in another one, and what is least is what
            all transfers cost by the prices of its links (``report.cost``). Where nothing moves
            (:meth:`Machine.without_moves`), each tensor gets one place for good, so that its accesses cost least.
        alignment: Every address is a multiple of it, in bytes (default: that of the machine, or 64).
        weights: Whether weights take room in the scratchpad while their operator runs (``"resident"``), or stream past
            it, once per use (``"streamed"``), or whichever moves less, use by use (``"auto"``) (default: that of the
            machine, or resident).
        keep: Whether weights stay in the scratchpad from one run of the network to the next where that saves traffic
            (``"auto"``), or not (``"none"``).
        reserved: Addresses of the scratchpad that are not to be used: pairs of the first one and the one after the last.
        order: Whether operators may change places (``"free"``) or not (``"source"``).
        solver: Which solver decides; ``"auto"`` has all of them. ``"greedy"`` proves no lower bound.
        objective: What is least: the traffic, and of the programs that move it the one that is fastest
            (``"traffic"``), or the time (``"latency"``), which takes a machine with a clock.
        overlap: Whether transfers run beside operators, if the machine has a clock.
        tiles: Whether operators of a model are split into tiles if they do not fit, or if tiles move less (``"auto"``), or
            stay whole (``"none"``). Tiles are an estimate of what a compiler could do that makes them: they have no bodies.
            What every tiling moves is in ``report.traffic.least``, and the parts are in ``tiles`` of the plan.
        time_limit: Seconds after which planning stops looking for something better. There is a plan in any case.
        dimensions: The sizes of symbolic dimensions, by name. An anonymous one is called ``INPUT[AXIS]``.
        element_bytes: The size of floats after quantisation: 1, 2, 4 or 8. Without it, it is that of their type.
        group: Whether nodes that an accelerator runs as one operator are grouped.
        in_place: Whether results may lie where operands lie.
        progress: Called with how far planning has come, some twenty times a second at most. If it returns ``False``,
            planning stops, and the best plan so far is taken.

    Raises:
        ModelError: The model cannot be read.
        GraphError: The graph contradicts itself.
        ScratchpadTooSmall: An operator needs more at once than the scratchpad has.
        ValueError: An argument has a value that it cannot have, or two of them exclude each other.
        KeyboardInterrupt: Ctrl-C was pressed; planning has stopped.
    """
    how = effort(
        machine=machine,
        alignment=alignment,
        weights=weights,
        keep=keep,
        reserved=reserved,
        order=order,
        solver=solver,
        objective=objective,
        overlap=overlap,
        tiles=tiles,
        time_limit=time_limit,
    )
    graph = read(
        model, inputs, dimensions=dimensions, element_bytes=element_bytes, group=group, in_place=in_place
    )
    raw = _cosma.plan(graph, scratchpad, how, progress)
    if (why := raw.obstacle()) is not None:
        warnings.warn(f"no operator is split into tiles: {why}", stacklevel=2)
    return Plan(raw)
