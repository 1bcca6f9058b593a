"""Checks of `examples/executorch_plan.py` against a plan for `x -> a -> b -> c`, where `b` lies over `a`.

Called with the folder of the examples and the plan. What takes ExecuTorch itself is skipped where that is not installed,
with a line that says so.
"""

import sys

sys.path.insert(0, sys.argv[1])
from executorch_plan import CosmaPlan, PlanError, Wanted, place, read_plan  # noqa: E402

plan = read_plan(sys.argv[2])


def tensor(name: str, first: int, last: int, size: int = 64) -> Wanted:
    return Wanted((name,), size, -(-size // 16) * 16, (first, last))


def refused(wanted: list, alignment: int = 16) -> str:
    try:
        place(plan, wanted, alignment)
    except PlanError as error:
        return str(error)
    raise AssertionError("it was accepted")


program = [tensor("x", 0, 1), tensor("a", 1, 2), tensor("b", 2, 3), tensor("c", 3, 4)]
places, sizes = place(plan, program, 16)
of = {it.names[0]: at for it, at in zip(program, places)}
assert of["a"].mem_offset == of["b"].mem_offset and of["a"].mem_obj_id == of["b"].mem_obj_id, of
assert of["x"].mem_offset != of["a"].mem_offset and of["b"].mem_offset != of["c"].mem_offset, of
assert all(it.is_planned and it.mem_id == 1 for it in places)
assert sizes == plan["non_const_buffer_sizes"] and sizes[0] == 0, sizes
assert all(at.mem_offset + it.bytes <= sizes[1] for it, at in zip(program, places))

# What the plan does not know lies behind all that it knows.
places, larger = place(plan, program + [tensor("scratch", 0, 4, 20), tensor("more", 0, 4, 16)], 16)
assert [it.mem_offset for it in places[4:]] == [sizes[1], sizes[1] + 32], places
assert larger == [0, sizes[1] + 48] and len({it.mem_obj_id for it in places[4:]} & {it.mem_obj_id for it in places[:4]}) == 0

assert "in each other's way" in refused([tensor("x", 0, 1), tensor("a", 1, 3), tensor("b", 2, 3), tensor("c", 3, 4)])
assert "64 B in the plan, and 65 B" in refused([tensor("a", 1, 2, 65)])
assert "no tensor of the plan" in refused([tensor("q", 0, 1)])
assert "several tensors" in refused([tensor("a", 0, 1), tensor("a", 2, 3)])
assert "aligned" in refused(program, 128)

try:
    import torch
    from executorch.exir import ExecutorchBackendConfig, to_edge
    from executorch.exir.passes import MemoryPlanningPass
except ImportError:
    print("SKIPPED: ExecuTorch is not installed, so the plan was not applied to a program of it")
    sys.exit(0)


class Module(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(torch.tanh(torch.abs(x)))


exported = torch.export.export(Module(), (torch.zeros(16),))
renamed = dict(plan, tensors=[dict(it) for it in plan["tensors"]])
for it in renamed["tensors"]:
    it["name"] = {"x": "x", "a": "abs_1", "b": "tanh", "c": "sigmoid"}[it["name"]]
algorithm = CosmaPlan(sys.argv[2])
algorithm.plan = renamed
# Results over operands are what ExecuTorch's own check does not know of.
memory_pass = MemoryPlanningPass(algorithm, allow_lifetime_and_storage_overlap=True)
program = to_edge(exported).to_executorch(ExecutorchBackendConfig(memory_planning_pass=memory_pass))
assert algorithm.left == [], algorithm.left
assert program.executorch_program.execution_plan[0].non_const_buffer_sizes == renamed["non_const_buffer_sizes"]
print("applied to a program of ExecuTorch")
