"""COSMA plans the memory of neural-network accelerators with a software-managed scratchpad: the order of the operators,
the address of each tensor, and which tensors are evicted and reloaded, so that the traffic to host memory is least.

>>> import cosma
>>> plan = cosma.plan("net.onnx", scratchpad="512KiB", element_bytes=1)
>>> plan.report.traffic.total, plan.report.status
>>> plan.memory_map()  # shown by a notebook

Sizes are numbers of bytes, or texts with a unit: ``"512KiB"``, ``"1.5MiB"``.
"""

from ._cosma import (
    Error,
    Graph,
    GraphError,
    Infeasible,
    Machine,
    ModelError,
    Progress,
    ScratchpadTooSmall,
    Tensor,
    Undecided,
    __version__,
    has_ilp,
)
from ._models import read
from ._pack import Buffer, Gap, Packing, pack
from ._plan import (
    Action,
    Channel,
    Cost,
    LeastTraffic,
    Link,
    MemoryMap,
    Place,
    Plan,
    Report,
    Residency,
    Slot,
    Stalls,
    Tile,
    TileGroup,
    Tiling,
    Time,
    Traffic,
    plan,
)
from ._records import Records
from ._sweep import Point, Sweep, plot_sweeps, sweep

__all__ = [
    "Action",
    "Buffer",
    "Channel",
    "Cost",
    "Error",
    "Gap",
    "Graph",
    "GraphError",
    "Infeasible",
    "LeastTraffic",
    "Link",
    "Machine",
    "MemoryMap",
    "ModelError",
    "Packing",
    "Place",
    "Plan",
    "Point",
    "Progress",
    "Records",
    "Report",
    "Residency",
    "ScratchpadTooSmall",
    "Slot",
    "Stalls",
    "Sweep",
    "Tensor",
    "Tile",
    "TileGroup",
    "Tiling",
    "Time",
    "Traffic",
    "Undecided",
    "__version__",
    "has_ilp",
    "pack",
    "plan",
    "plot_sweeps",
    "read",
    "sweep",
]
