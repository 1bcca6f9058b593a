"""The planner behind the package ``cosma``."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Optional, Protocol, Union, final

__all__ = [
    "Error",
    "Graph",
    "GraphError",
    "Infeasible",
    "Machine",
    "ModelError",
    "Progress",
    "RawPlan",
    "ScratchpadTooSmall",
    "Tensor",
    "Undecided",
    "__version__",
    "has_ilp",
    "pack",
    "plan",
    "sweep",
]

__version__: str
#: Whether integer programming is built in. Without it, the search decides.
has_ilp: bool

_Size = Union[int, str]
_Rate = Union[int, float, str, Fraction]

class _Serializable(Protocol):
    def SerializeToString(self) -> bytes: ...

class Error(Exception):
    """What COSMA cannot do. All its other exceptions are this one, too."""

class ModelError(Error):
    """A model cannot be read: what is wrong with it, and at which node or value."""

    #: The symbolic dimensions whose sizes are not known.
    dimensions: list[str]
    #: The node at which it occurred, if it was one.
    node: Optional[str]

class GraphError(Error):
    """A graph contradicts itself, or cannot be planned."""

class ScratchpadTooSmall(Error):
    """An operator needs more at once than the scratchpad has."""

    #: The operator that needs the most.
    operator: str
    #: The least scratchpad with which it can run.
    needed: int
    #: What there is.
    scratchpad: int
    #: The least scratchpad with which the whole network can run.
    min_scratchpad: int

class Infeasible(Error):
    """Buffers have no packing, and that is proven."""

    #: The indices of buffers that cannot be packed together; empty if which ones was not found in time.
    buffers: list[int]

class Undecided(Error):
    """The time limit came before a packing or a proof that there is none."""

    #: The bytes that any packing needs.
    lower_bound: int

@final
class Progress:
    """How far planning has come. Costs are non-compulsory bytes."""

    #: What planning is at: ``"greedy"``, ``"search"``, ``"packing"``, and so on until ``"done"``.
    @property
    def phase(self) -> str: ...
    #: What the best order and residencies so far cost; None before the first.
    @property
    def best(self) -> Optional[int]: ...
    #: What the best plan with addresses so far costs; None before the first.
    @property
    def planned(self) -> Optional[int]: ...
    #: No plan costs less; proven.
    @property
    def lower_bound(self) -> int: ...
    #: How many cycles the fastest program so far takes; None before the first, and if it is not about time.
    @property
    def cycles(self) -> Optional[int]: ...
    #: No program takes fewer cycles, in whatever order is allowed; proven. None if it is not about time.
    @property
    def least_cycles(self) -> Optional[int]: ...
    #: Seconds since planning began.
    @property
    def elapsed(self) -> float: ...
    #: Seconds after which planning stops looking for something better.
    @property
    def time_limit(self) -> float: ...
    #: The scratchpad that is planned for.
    @property
    def scratchpad(self) -> int: ...
    #: How much less might be possible, as a part of what the best costs, 0 to 1; None before the first.
    @property
    def gap(self) -> Optional[float]: ...

@final
class Tensor:
    """A tensor of a graph."""

    #: Its name, unique in its graph.
    @property
    def name(self) -> str: ...
    #: Its size in bytes.
    @property
    def size(self) -> int: ...

@final
class Graph:
    """Operators in an order that respects the dependences, and the tensors that they read and write."""

    def __new__(cls, name: str = "net") -> Graph: ...
    @staticmethod
    def from_onnx(
        model: Union[str, os.PathLike[str], bytes, _Serializable],
        *,
        dimensions: Optional[Mapping[str, int]] = None,
        element_bytes: Optional[int] = None,
        group: bool = True,
        in_place: bool = True,
    ) -> Graph:
        """The graph of an ONNX model: a path, the bytes of its file, or an ``onnx.ModelProto``."""
    @staticmethod
    def from_text(text: str, name: str = "net") -> Graph:
        """The graph of a problem in COSMA's text form; the machine in it counts for nothing."""
    def argument(self, name: str, size: _Size) -> Tensor:
        """Adds a tensor that lies in host memory from the start."""
    def weight(self, name: str, size: _Size, *, keep: bool = False) -> Tensor:
        """Adds a weight that lies in host memory from the start; with ``keep``, in the scratchpad from run to run."""
    def staged(self, name: str, size: _Size, parts: Sequence[Tensor]) -> Tensor:
        """Adds a tensor that is a region of a larger one in host memory, to which operators wrote these parts."""
    def op(
        self,
        name: str,
        reads: Sequence[Tensor],
        writes: Union[Mapping[str, _Size], Iterable[tuple[str, _Size]]],
        *,
        workspace: Optional[_Size] = None,
        macs: Optional[int] = None,
        cycles: Optional[int] = None,
    ) -> list[Tensor]:
        """Adds an operator, and returns the tensors that it writes."""
    def in_place(self, result: Tensor, operand: Tensor, at: int = 0) -> None:
        """Says that a result and an operand of one operator may share their bytes once nothing else reads the operand."""
    def order(self, before: str, after: str) -> None:
        """Says that an operator has to run before another one, which was added after it."""
    def result(self, tensor: Tensor) -> None:
        """Says that host memory must have a tensor at the end."""
    @property
    def name(self) -> str: ...
    @property
    def tensors(self) -> list[Tensor]: ...
    @property
    def operators(self) -> list[str]: ...
    def problem(self, scratchpad: _Size, *, alignment: int = 64, weights: str = "resident") -> str:
        """The problem of planning it for a scratchpad, in COSMA's text form."""

@final
class Machine:
    """What is known of a machine: scratchpad, alignment, how weights reach operators, and a clock; or all of its memories."""

    def __new__(cls, name: Union[str, os.PathLike[str]]) -> Machine:
        """One that comes with COSMA, or of a file."""
    @staticmethod
    def names() -> list[str]:
        """The names of the machines that come with COSMA."""
    @staticmethod
    def from_text(text: str, name: str = "machine") -> Machine:
        """A machine of the lines that a file has."""
    @staticmethod
    def from_rates(dma_bytes_per_cycle: _Rate, cycles_per_mac: _Rate) -> Machine:
        """A machine with a clock: bytes per cycle of transfers, and cycles per multiply-accumulate."""
    def without_moves(self) -> Machine:
        """The same machine, on which each tensor has one place for good."""
    @property
    def name(self) -> str: ...
    @property
    def scratchpad(self) -> Optional[int]: ...
    @property
    def alignment(self) -> Optional[int]: ...
    @property
    def weights(self) -> Optional[str]: ...
    @property
    def memories(self) -> list[str]: ...
    @property
    def moves(self) -> bool: ...
    @property
    def has_clock(self) -> bool: ...

@final
class RawPlan:
    def report(self) -> str: ...
    def program(self) -> str: ...
    def residencies(self, memory: Optional[str] = None) -> str: ...
    def tiles(self) -> str: ...
    def obstacle(self) -> Optional[str]: ...
    def memories(self) -> list[str]: ...
    def program_text(self) -> str: ...
    def problem(self) -> str: ...
    def explain(self, larger: Optional[float]) -> str: ...
    def time_chart(self) -> str: ...
    def svg(self) -> str: ...
    def html(self) -> str: ...
    def trace(self) -> str: ...
    def dot(self) -> str: ...

def plan(
    graph: Graph,
    scratchpad: Optional[_Size],
    effort: Mapping[str, Any],
    progress: Optional[Callable[[Progress], Any]],
) -> RawPlan: ...
def sweep(
    graph: Graph,
    scratchpads: Optional[Sequence[_Size]],
    steps: int,
    effort: Mapping[str, Any],
    progress: Optional[Callable[[Progress], Any]],
) -> str: ...
def pack(
    buffers: Sequence[Mapping[str, Any]], capacity: Optional[int], alignment: int, time_limit: float
) -> tuple[list[int], int, int]: ...
