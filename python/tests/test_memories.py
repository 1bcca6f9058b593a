"""Machines of several memories, and those on which nothing moves."""

from __future__ import annotations

import time
from xml.etree import ElementTree

import cosma
import pytest

CHIP = """
memory dram
memory l1 256 alignment 64
memory l2 1024 alignment 16 reserved 0..64
link dram l1 price 10
link l1 dram price 10
link dram l2 price 10
link l2 dram price 10
link l2 l1 price 1
link l1 l2 price 1
"""

TIMED = """
memory dram
memory l1 256 alignment 64
memory l2 1024 alignment 16
channel far
channel near
link dram l1 price 10 rate 1 on far
link l1 dram price 10 rate 1 on far
link dram l2 price 10 rate 1 on far
link l2 dram price 10 rate 1 on far
link l2 l1 price 1 rate 8 on near
link l1 l2 price 1 rate 8 on near
compute cycles_per_mac 1
"""


@pytest.fixture
def residual() -> cosma.Graph:
    """A residual connection around a wide layer, as in the book."""
    graph = cosma.Graph("residual")
    x = graph.argument("x", 64)
    [head] = graph.op("head", [x], {"a": 128}, macs=100)
    [left] = graph.op("left", [head], {"b": 64}, macs=100)
    [wide] = graph.op("wide", [left], {"c": 192}, macs=100)
    [narrow] = graph.op("narrow", [wide], {"d": 64}, macs=100)
    [y] = graph.op("join", [head, narrow], {"y": 64}, macs=100)
    graph.result(y)
    return graph


@pytest.fixture
def layers() -> cosma.Graph:
    """Two products with weights."""
    graph = cosma.Graph("layers")
    x, w, v = graph.argument("x", 64), graph.weight("w", 192), graph.weight("v", 512)
    [a] = graph.op("first", [x, w], {"a": 64})
    [y] = graph.op("second", [a, v], {"y": 64}, workspace=64)
    graph.result(y)
    return graph


def test_a_machine_knows_its_memories() -> None:
    chip = cosma.Machine.from_text(CHIP, "chip")
    assert (chip.scratchpad, chip.alignment, chip.has_clock, chip.moves) == (256, 64, False, True)
    assert chip.memories == ["dram", "l1", "l2"]
    assert repr(chip) == "<Machine 'chip', scratchpad 256 B, memories dram, l1, l2>"
    assert cosma.Machine.from_text(TIMED).has_clock
    assert cosma.Machine("imx-rt1170").memories == ["external", "tcm", "sram"]
    edge = cosma.Machine("soma-edge")
    assert (edge.memories, edge.moves) == (["host", "scratchpad"], True)


def test_what_does_not_fit_waits_halfway(residual: cosma.Graph) -> None:
    plan = cosma.plan(residual, machine=cosma.Machine.from_text(CHIP))
    report = plan.report
    assert report.cost is not None
    # 64 bytes in and 64 out at 10, and 128 bytes to the l2 and back at 1.
    assert (report.cost.total, report.cost.lower_bound, report.is_optimal) == (1536, 1536, True)
    assert report.traffic.total == 128
    carried = {(it.source, it.destination): it.bytes for it in report.cost.links if it.bytes}
    assert carried == {("dram", "l1"): 64, ("l1", "dram"): 64, ("l1", "l2"): 128, ("l2", "l1"): 128}
    assert sum(it.cost for it in report.cost.links) == report.cost.total
    assert "1,536, at least 1,536" in plan._repr_html_()
    out, back = [it for it in plan.program if it.kind == "move"]
    assert (out.tensor, out.bytes, back.tensor, back.bytes) == ("a", 128, "a", 128)
    assert out.source == cosma.Place("l1", out.offset) and back.destination == cosma.Place("l1", back.offset)
    assert out.destination == back.source and out.destination is not None and out.destination.memory == "l2"
    assert str(out) == f"move a from l1:{out.offset} to l2:{out.destination.offset}"
    assert out.step < back.step
    store = plan.program[-1]
    assert (store.kind, store.destination) == ("store", cosma.Place("dram", None))
    assert "move a@" in str(plan)
    table = plan.program.to_dicts()
    assert table[-1]["destination"] == {"memory": "dram", "offset": None}


def test_residencies_of_each_memory(residual: cosma.Graph) -> None:
    plan = cosma.plan(residual, machine=cosma.Machine.from_text(CHIP))
    assert plan.memories == ["dram", "l1", "l2"]
    assert plan.residencies_in("l1") == plan.residencies
    [it] = plan.residencies_in("l2")
    assert (it.tensor, it.size) == ("a", 128) and 64 <= it.offset and it.offset + it.size <= 1024
    assert it.start < it.end
    with pytest.raises(ValueError, match="no memory 'l3': there are dram, l1, l2"):
        plan.residencies_in("l3")
    with pytest.raises(ValueError, match="no addresses are decided in 'dram'"):
        plan.residencies_in("dram")
    usual = cosma.plan(residual, scratchpad=256)
    assert usual.memories == ["host", "scratchpad"] and usual.report.cost is None
    assert usual.residencies_in("scratchpad") == usual.residencies
    load = usual.program[0]
    assert (load.source, load.destination) == (cosma.Place("host", None), cosma.Place("scratchpad", load.offset))


def test_views_are_of_the_scratchpad(residual: cosma.Graph) -> None:
    plan = cosma.plan(residual, machine=cosma.Machine.from_text(CHIP))
    text = plan.explain(larger=True)
    assert "Optimal: all transfers together cost 1536; no program costs less." in text
    assert "What was moved and why" in text and "What a larger scratchpad would save" in text
    memory_map = plan.memory_map()
    assert ElementTree.fromstring(memory_map.svg).tag.endswith("svg") and "<iframe" in memory_map._repr_html_()
    assert "traceEvents" in plan.trace() and plan.dot().startswith("digraph")


def test_what_is_given_counts_before_the_machine(residual: cosma.Graph) -> None:
    chip = cosma.Machine.from_text(CHIP)
    report = cosma.plan(residual, machine=chip, scratchpad="1KiB").report
    assert report.cost is not None and (report.scratchpad, report.cost.total) == (1024, 1280)
    # All memories with addresses get the alignment.
    plan = cosma.plan(residual, machine=chip, alignment=32, reserved=[(0, 32)], scratchpad=320)
    assert plan.report.alignment == 32 and all(32 <= it.offset for it in plan.residencies)
    assert all(it.offset % 32 == 0 for it in plan.residencies_in("l2"))
    with pytest.raises(ValueError, match="0 to 512 are reserved, but the scratchpad ends at 256"):
        cosma.plan(residual, machine=chip, reserved=[(0, 512)])
    with pytest.raises(cosma.ScratchpadTooSmall, match="'wide' needs 256 B"):
        cosma.plan(residual, machine=chip, scratchpad=128)
    with pytest.raises(ValueError, match="alignment"):
        cosma.plan(residual, machine=chip, alignment=0)


def test_more_memory_never_costs_more(model: object) -> None:
    text = "memory dram\nmemory l1 {} alignment 16\nmemory l2 {} alignment 16\n" + "\n".join(
        f"link {a} {b} price {price}" for a, b, price in [("dram", "l2", 4), ("l2", "dram", 4), ("l2", "l1", 1), ("l1", "l2", 1)]
    )
    graph = cosma.read(model, dimensions={"batch": 1}, element_bytes=1)
    costs = []
    for size in [8192, 12288, 65536]:
        cost = cosma.plan(graph, machine=cosma.Machine.from_text(text.format(8192, size))).report.cost
        assert cost is not None and cost.lower_bound <= cost.total
        costs.append(cost.total)
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("weights", ["resident", "streamed", "auto"])
def test_weights_on_several_memories(layers: cosma.Graph, weights: str) -> None:
    plan = cosma.plan(layers, machine=cosma.Machine.from_text(CHIP), scratchpad=704, weights=weights)
    assert plan.report.weights == weights and plan.report.cost is not None
    assert sum(it.price * it.bytes for it in plan.report.cost.links) == plan.report.cost.total
    past = {it.tensor for it in plan.program if it.destination is None and it.source is not None}
    assert past <= {"w", "v"} and (weights != "streamed" or past == {"w", "v"})
    assert all("past the scratchpad" in str(it) for it in plan.program if it.tensor in past and it.kind == "load")


def test_time_on_several_memories(residual: cosma.Graph) -> None:
    machine = cosma.Machine.from_text(TIMED)
    plan = cosma.plan(residual, machine=machine)
    time = plan.report.time
    assert time is not None and time.compute == 500
    stalls = time.stalls
    assert time.compute + stalls.channel + stalls.place + stalls.latency + stalls.write_back + stalls.late == time.cycles
    assert time.any_order_lower_bound <= time.cycles
    assert {it.name: it.bytes for it in time.channels} == {"far": 128, "near": 256}
    assert "near" in plan.time_chart() and "channel near" in plan.explain()
    in_turn = cosma.plan(residual, machine=machine, overlap=False)
    assert in_turn.report.time is not None and time.cycles <= in_turn.report.time.cycles
    assert not any(it.overlaps or it.kind == "wait" for it in in_turn.program)
    fast = cosma.plan(residual, machine=machine, objective="latency").report
    assert fast.time is not None and fast.time.cycles <= time.cycles
    with pytest.raises(ValueError, match="nothing overlaps"):
        cosma.plan(residual, machine=machine, objective="latency", overlap=False)


def test_two_memories_are_one_scratchpad(cell: cosma.Graph) -> None:
    machine = cosma.Machine("ethos-u65-dedicated-sram")
    plan, usual = (cosma.plan(cell, machine=it, scratchpad=256) for it in (machine, "ethos-u65-high-end"))
    assert plan.report.cost is None and plan.report.time is not None and usual.report.time is not None
    assert (plan.report.traffic, plan.report.time.cycles) == (usual.report.traffic, usual.report.time.cycles)
    assert plan.memories == ["dram", "sram"]
    sweep = cosma.sweep(cell, machine=machine, scratchpads=[256, 512])
    assert [it.total for it in sweep.points] == [192, 128]


@pytest.mark.parametrize("name", ["imx-rt1170", "siracusa-like"])
def test_planning_stops_on_several_memories(hard: cosma.Graph, name: str) -> None:
    told: list[cosma.Progress] = []

    def progress(it: cosma.Progress) -> bool:
        told.append(it)
        return len(told) < 5

    start = time.monotonic()
    plan = cosma.plan(hard, machine=name, scratchpad="16KiB", time_limit=600, progress=progress)
    assert time.monotonic() - start < 60
    assert told[-1].phase == "done" and told[-1].planned == plan.report.traffic.non_compulsory
    cost = plan.report.cost
    assert cost is not None and cost.lower_bound <= cost.total and plan.report.operators == 600


def test_each_tensor_in_one_place(layers: cosma.Graph) -> None:
    machine = cosma.Machine.from_text(CHIP).without_moves()
    assert not machine.moves and repr(machine).endswith("nothing moves>")
    plan = cosma.plan(layers, machine=machine)
    report = plan.report
    assert report.cost is not None and (report.solver, report.is_min_exact) == ("placement", False)
    assert report.cost.lower_bound <= report.cost.total == sum(it.cost for it in report.cost.links)
    starts = {it.tensor: it.destination for it in plan.program if it.kind == "start"}
    assert set(starts) == {"x", "w", "v"} and {it.kind for it in plan.program} == {"start", "run"}
    run = plan.program[-1]
    [a, v] = run.reads
    assert starts["v"] == cosma.Place(v.memory, v.offset) and a.memory is not None
    assert f"v at {v.memory}" in str(run) and run.workspace is not None
    assert str(plan.program[0]).startswith("start x at ")
    placed = [it for memory in ["l1", "l2"] for it in plan.residencies_in(memory)]
    assert all((it.start, it.end) == (0, 2) for it in placed if it.origin == "weight")
    assert plan.residencies == plan.residencies_in("l1")
    for view in [plan.explain, plan.memory_map, plan.trace, plan.dot, plan.time_chart]:
        with pytest.raises(ValueError, match=f"{view.__name__}.* is about what moves"):
            view()
    # All fits into the fastest memory, where accesses cost nothing.
    whole = cosma.plan(layers, machine=machine, scratchpad="4KiB").report
    assert whole.cost is not None and (whole.cost.total, whole.status) == (0, "optimal")
    assert 64 + 192 + 512 < whole.peak <= 64 * 3 + 192 + 512 + 64


def test_what_has_no_place(layers: cosma.Graph) -> None:
    text = "memory flash\nmemory sram {} alignment 16\nlink flash sram price 4\n"
    machine = cosma.Machine("imx-rt1170").without_moves()
    with pytest.raises(ValueError, match="no rates of links"):
        cosma.Machine("soma-edge").without_moves()
    with pytest.raises(ValueError, match="does not say"):
        cosma.Machine.from_text("").without_moves()
    for arguments in [{"weights": "streamed"}, {"keep": "auto"}, {"solver": "search"}]:
        with pytest.raises(ValueError, match="on a machine on which nothing moves"):
            cosma.plan(layers, machine=machine, **arguments)
    with pytest.raises(ValueError, match="latency cannot be the objective"):
        cosma.plan(layers, machine=machine, objective="latency")
    one = cosma.Machine.from_text("machine scratchpad 1024 alignment 16").without_moves()
    assert cosma.plan(layers, machine=one).report.cost.total == 0
    # A file has to have a way back, so one that cannot be written is no machine.
    with pytest.raises(ValueError, match="no links from sram to flash"):
        cosma.Machine.from_text(text.format(64))


def test_what_several_memories_refuse(layers: cosma.Graph, cell: cosma.Graph) -> None:
    chip = cosma.Machine.from_text(CHIP)
    with pytest.raises(cosma.GraphError, match="stay from run to run beside several memories"):
        cosma.plan(layers, machine=chip, scratchpad=1024, keep="auto")
    with pytest.raises(ValueError, match="a sweep is over the sizes of one scratchpad, and the machine has several"):
        cosma.sweep(cell, machine=chip)
    with pytest.raises(ValueError, match="on this machine nothing does"):
        cosma.sweep(cell, machine=cosma.Machine.from_text("machine scratchpad 1024 alignment 16").without_moves())
    with pytest.raises(cosma.GraphError, match="banks"):
        banked = CHIP.replace("256 alignment 64", "256 alignment 64 banks 2")
        cosma.plan(cell, machine=cosma.Machine.from_text(banked))
