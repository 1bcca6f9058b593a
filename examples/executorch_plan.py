"""COSMA's addresses in an ExecuTorch program.

`cosma` writes a memory plan for ExecuTorch as JSON: a `mem_id`, `mem_offset` and `mem_obj_id` for each tensor, by name. This
is a memory-planning algorithm for ExecuTorch 1.0 or newer that applies it:

    from executorch.exir import ExecutorchBackendConfig
    from executorch.exir.passes import MemoryPlanningPass
    from executorch_plan import CosmaPlan

    plan = CosmaPlan("plan.json")
    memory_pass = MemoryPlanningPass(plan, allow_lifetime_and_storage_overlap=True)
    config = ExecutorchBackendConfig(memory_planning_pass=memory_pass)
    program = edge_program_manager.to_executorch(config)
    print("left to a buffer's end:", plan.left)

A tensor is found by the name of its node in the program's graph, or by an earlier name from before the node was lowered,
which is also its name in an ONNX model exported from the same module. Tensors that are not in the plan are placed after
all others, without sharing. The lifetimes of the program are used to check that no two tensors overlap; results may lie
over operands as in the plan.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, List, Sequence, Tuple, Union


class PlanError(Exception):
    """The plan does not fit the program."""


@dataclass(frozen=True)
class Wanted:
    """A tensor of a program: its names, its bytes with and without padding, and its lifetime, both ends included."""

    names: Tuple[str, ...]
    bytes: int
    padded: int
    lifetime: Tuple[int, int]


@dataclass(frozen=True)
class Place:
    """The place of a tensor, and whether it is in the plan."""

    mem_id: int
    mem_offset: int
    mem_obj_id: int
    is_planned: bool


def read_plan(path: Union[str, Path]) -> dict:
    """The plan in a file."""
    plan = json.loads(Path(path).read_text())
    if (plan.get("format"), plan.get("version")) != ("cosma-executorch", 1):
        raise PlanError(f"{path} is no memory plan for ExecuTorch of version 1")
    return plan


def place(plan: dict, wanted: Sequence[Wanted], alignment: int) -> Tuple[List[Place], List[int]]:
    """The places of tensors, and the sizes of the buffers by `mem_id`.

    Raises PlanError if the plan does not fit.
    """
    if plan["alignment"] % alignment != 0:
        raise PlanError(f"the plan is aligned to {plan['alignment']} B, but the program to {alignment} B")
    by_name = {}
    for tensor in plan["tensors"]:
        if tensor["name"] in by_name:
            raise PlanError(f"the plan has several tensors {tensor['name']}")
        by_name[tensor["name"]] = tensor
    sizes = list(plan["non_const_buffer_sizes"])
    sizes[1] = -(-sizes[1] // alignment) * alignment
    next_object = max((it["mem_obj_id"] for it in plan["tensors"]), default=-1) + 1
    found: List[Any] = []
    places: List[Place] = []
    for tensor in wanted:
        known = next((by_name[it] for it in tensor.names if it in by_name), None)
        if known is not None and any(known is it for it in found):
            raise PlanError(f"the program has several tensors {known['name']}")
        found.append(known)
        if known is None:
            places.append(Place(1, sizes[1], next_object, False))
            sizes[1] += -(-tensor.padded // alignment) * alignment
            next_object += 1
            continue
        if known["bytes"] != tensor.bytes:
            raise PlanError(f"{known['name']} has {known['bytes']} B in the plan, and {tensor.bytes} B in the program")
        places.append(Place(known["mem_id"], known["mem_offset"], known["mem_obj_id"], True))
    if wanted and not any(found):
        raise PlanError(f"the program has no tensor of the plan; one of the program is {wanted[0].names}")
    _check(wanted, places, found)
    return places, sizes


def _check(wanted: Sequence[Wanted], places: Sequence[Place], found: Sequence[Any]) -> None:
    """Checks that no two planned tensors overlap."""
    planned = [at for at, known in enumerate(found) if known is not None]
    for index, first in enumerate(planned):
        for second in planned[index + 1 :]:
            low = max(places[first].mem_offset, places[second].mem_offset)
            high = min(places[it].mem_offset + wanted[it].bytes for it in (first, second))
            start = max(wanted[it].lifetime[0] for it in (first, second))
            end = min(wanted[it].lifetime[1] for it in (first, second))
            if high <= low or end < start:
                continue
            # In place: they overlap in one node, and in one step of the plan.
            steps = [max(found[first]["first"], found[second]["first"]), min(found[first]["end"], found[second]["end"])]
            if start == end and steps[0] + 1 == steps[1]:
                continue
            raise PlanError(
                f"{found[first]['name']} and {found[second]['name']} would be in each other's way: the program runs its "
                "operators in another order than the plan"
            )


def names_of(node: Any) -> List[str]:
    """The names of a node, before and after lowering, the latest first."""
    names = [str(node.name)]
    sources = list(node.meta.get("from_node") or [])
    while sources:
        source = sources.pop(0)
        # A pair in older versions of PyTorch, an object with its own sources in newer ones.
        names.append(str(source[0] if isinstance(source, tuple) else source.name))
        sources.extend(getattr(source, "from_node", None) or [])
    return names


class CosmaPlan:
    """The memory-planning algorithm. After it ran, `left` has the names of the tensors that are not in the plan."""

    def __init__(self, path: Union[str, Path]) -> None:
        self.plan = read_plan(path)
        self.left: List[str] = []

    def __call__(
        self, alignment: int, specs: Iterable[Any], graph_module: Any, graph_signature: Any, extra_padding: int
    ) -> List[int]:
        specs = list(specs)
        names: dict = {id(it): [] for it in specs}
        for node in graph_module.graph.nodes:
            of_node = node.meta.get("spec")
            several = list(of_node) if isinstance(of_node, (list, tuple)) else [of_node]
            for index, spec in enumerate(several):
                if id(spec) in names and node.op != "output":
                    suffixes = [""] if len(several) == 1 else [f".{index}"]
                    names[id(spec)].extend(name + suffix for name in names_of(node) for suffix in suffixes)
        wanted = []
        for spec in specs:
            spec.realign(alignment)
            wanted.append(Wanted(tuple(names[id(spec)]), spec.nbytes(), spec.allocated_memory, tuple(spec.lifetime)))
        places, sizes = place(self.plan, wanted, alignment)
        self.left = []
        for spec, tensor, it in zip(specs, wanted, places):
            spec.mem_id, spec.mem_offset, spec.mem_obj_id = it.mem_id, it.mem_offset, it.mem_obj_id
            if not it.is_planned:
                self.left.append(tensor.names[0] if tensor.names else "?")
        # Some delegates read beyond the end.
        sizes[1] += extra_padding
        return sizes
