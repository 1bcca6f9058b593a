"""Machines, clocks, weights that stay or pass by, and addresses that are not to be used."""

from __future__ import annotations

from fractions import Fraction
from xml.etree import ElementTree

import cosma
import pytest

MACHINE = """
machine scratchpad 256 alignment 32
channel dma
link host scratchpad rate 4 latency 10 on dma
link scratchpad host rate 4 latency 10 on dma
compute cycles_per_mac 1/2 least_cycles 5
"""


@pytest.fixture
def layers() -> cosma.Graph:
    """Three products, the first and the last with one weight."""
    graph = cosma.Graph("layers")
    x, w, v = graph.argument("x", 64), graph.weight("w", 256), graph.weight("v", 512)
    [a] = graph.op("first", [x, w], {"a": 64}, macs=1000)
    [b] = graph.op("second", [a, v], {"b": 64}, macs=2000)
    [y] = graph.op("third", [b, w], {"y": 64}, macs=1000)
    graph.result(y)
    return graph


def test_machines_by_name_file_and_text(tmp_path) -> None:
    assert "soma-edge" in cosma.Machine.names() == sorted(cosma.Machine.names())
    edge = cosma.Machine("soma-edge")
    assert (edge.name, edge.scratchpad, edge.alignment, edge.weights, edge.has_clock) == (
        "soma-edge",
        8 << 20,
        64,
        None,
        True,
    )
    path = tmp_path / "chip.txt"
    path.write_text(MACHINE)
    for machine in [cosma.Machine(path), cosma.Machine(str(path)), cosma.Machine.from_text(MACHINE)]:
        assert (machine.scratchpad, machine.alignment, machine.has_clock) == (256, 32, True)
        assert "256" in repr(machine) and "clock" in repr(machine)
    with pytest.raises(ValueError, match="the machines are .*soma-edge"):
        cosma.Machine("no-such")
    with pytest.raises(ValueError, match="line 1"):
        cosma.Machine.from_text("memory")
    with pytest.raises(TypeError, match="of type int"):
        cosma.Machine(3)  # type: ignore[arg-type]


def test_a_machine_says_what_arguments_do_not(cell: cosma.Graph, tmp_path) -> None:
    (tmp_path / "chip.txt").write_text(MACHINE)
    machine = cosma.Machine.from_text(MACHINE)
    for report in [
        cosma.plan(cell, machine=machine).report,
        cosma.plan(cell, machine=tmp_path / "chip.txt").report,
    ]:
        assert (report.scratchpad, report.alignment) == (256, 32)
    report = cosma.plan(cell, machine=machine, scratchpad=512, alignment=64).report
    assert (report.scratchpad, report.alignment) == (512, 64)
    with pytest.raises(TypeError, match="give scratchpad="):
        cosma.plan(cell)
    with pytest.raises(TypeError, match="give scratchpad="):
        cosma.plan(cell, machine=cosma.Machine.from_rates(1, 1))


def test_time_adds_up(layers: cosma.Graph) -> None:
    machine = cosma.Machine.from_text(MACHINE)
    plan = cosma.plan(layers, machine=machine, scratchpad=768)
    time = plan.report.time
    assert time is not None
    # Half a cycle per multiply-accumulate.
    assert time.compute == 2000
    stalls = time.stalls
    lost = stalls.channel + stalls.place + stalls.latency + stalls.write_back + stalls.late
    assert time.compute + lost == time.cycles
    assert time.any_order_lower_bound <= time.lower_bound <= time.cycles
    assert [it.name for it in time.channels] == ["dma"]
    assert time.channels[0].bytes == plan.report.traffic.total
    assert time.hidden is not None and 0 < time.hidden <= 1
    assert f"{time.cycles:,} cycles" in plan._repr_html_()
    # What overlaps is waited for, and moves no more than the report says.
    begun = [it for it in plan.program if it.overlaps]
    assert begun and sum(it.bytes or 0 for it in plan.program) == plan.report.traffic.total
    assert {it.tensor for it in begun} == {it.tensor for it in plan.program if it.kind == "wait"}
    assert str(begun[0]).endswith(" beside operators")
    assert "x" in plan.trace() and ElementTree.fromstring(plan.time_chart()).tag.endswith("svg")
    in_turn = cosma.plan(layers, machine=machine, scratchpad=768, overlap=False)
    assert in_turn.report.time is not None and time.cycles < in_turn.report.time.cycles
    assert not any(it.overlaps or it.kind == "wait" for it in in_turn.program)
    assert cosma.plan(layers, scratchpad=768).report.time is None


def test_two_rates_are_a_clock(layers: cosma.Graph) -> None:
    cycles = {
        cosma.plan(layers, machine=cosma.Machine.from_rates(rate, macs), scratchpad=1024).report.time.cycles
        for rate, macs in [("15/4", "1/2"), (3.75, 0.5), (Fraction(15, 4), Fraction(1, 2))]
    }
    assert len(cycles) == 1
    for rate in ["0", "-1", "fast", None]:
        with pytest.raises(ValueError, match="cycles_per_mac"):
            cosma.Machine.from_rates(1, rate)  # type: ignore[arg-type]


def test_the_objective_is_time(layers: cosma.Graph) -> None:
    machine = cosma.Machine.from_text(MACHINE)
    seen = []
    least = cosma.plan(layers, machine=machine, scratchpad=768, objective="latency", progress=seen.append).report
    usual = cosma.plan(layers, machine=machine, scratchpad=768).report
    assert least.time.cycles <= usual.time.cycles and usual.traffic.total <= least.traffic.total
    last = seen[-1]
    assert last.cycles == least.time.cycles and last.least_cycles <= last.cycles
    with pytest.raises(ValueError, match="the machine has no clock"):
        cosma.plan(layers, scratchpad=1024, objective="latency")
    with pytest.raises(ValueError, match="nothing overlaps"):
        cosma.plan(layers, machine=machine, scratchpad=1024, objective="latency", overlap=False)


def test_an_operator_says_its_cycles() -> None:
    graph = cosma.Graph()
    [y] = graph.op("slow", [graph.argument("x", 64)], {"y": 64}, cycles=12345)
    graph.result(y)
    time = cosma.plan(graph, machine=cosma.Machine.from_text(MACHINE)).report.time
    assert time is not None and time.compute == 12345


def test_kept_weights_are_loaded_once(layers: cosma.Graph) -> None:
    never = cosma.plan(layers, scratchpad=1024)
    kept = cosma.plan(layers, scratchpad=1024, keep="auto")
    assert (never.report.keep, never.report.traffic.prologue) == ("none", 0)
    # All fits: each run moves only its input and its result.
    assert (kept.report.keep, kept.report.traffic.total, kept.report.traffic.prologue) == ("auto", 128, 768)
    assert never.report.traffic.total == 128 + 768
    once = [it for it in kept.program if it.kind == "keep"]
    assert {it.tensor for it in once} == {"w", "v"} and sum(it.bytes or 0 for it in once) == 768
    assert str(kept).splitlines()[0].startswith("keep ")
    assert "768 B" in kept._repr_html_()
    less = cosma.plan(layers, scratchpad=832, keep="auto").report
    assert less.traffic.total <= cosma.plan(layers, scratchpad=832).report.traffic.total


def test_a_weight_that_always_stays() -> None:
    graph = cosma.Graph()
    x, w = graph.argument("x", 64), graph.weight("w", 256, keep=True)
    [y] = graph.op("product", [x, w], {"y": 64})
    graph.result(y)
    report = cosma.plan(graph, scratchpad=384).report
    assert (report.traffic.total, report.traffic.prologue) == (128, 256)
    for weights in ["streamed", "auto"]:
        with pytest.raises(ValueError, match="weights"):
            cosma.plan(graph, scratchpad=384, weights=weights)  # type: ignore[arg-type]


def test_weights_use_by_use(layers: cosma.Graph) -> None:
    for scratchpad in [640, 704, 768, 1024]:
        totals = {
            weights: cosma.plan(layers, scratchpad=scratchpad, weights=weights).report.traffic.total
            for weights in ["resident", "streamed", "auto"]
        }
        assert totals["auto"] <= min(totals["resident"], totals["streamed"])
    # Where no weight fits, each passes by.
    small = cosma.plan(layers, scratchpad=128, weights="auto")
    assert small.report.weights == "auto" and small.report.traffic.total == 128 + 512 + 2 * 256
    with pytest.raises(ValueError, match="auto"):
        cosma.plan(layers, scratchpad=1024, weights="auto", keep="auto")


def test_reserved_addresses_stay_free(cell: cosma.Graph) -> None:
    plan = cosma.plan(cell, scratchpad="1KiB", reserved=[(0, "64 B"), (512, 576)])
    for it in plan.residencies:
        for start, end in [(0, 64), (512, 576)]:
            assert end <= it.offset or it.offset + it.size <= start
    whole = cosma.plan(cell, scratchpad=256).report.traffic.total
    assert cosma.plan(cell, scratchpad=320, reserved=[(0, 64)]).report.traffic.total == whole


@pytest.mark.parametrize(
    ("arguments", "raises", "says"),
    [
        ({"scratchpad": 256, "reserved": [(0, 512)]}, ValueError, "0 to 512 are reserved, but the scratchpad ends"),
        ({"scratchpad": 256, "reserved": [(64, 64)]}, ValueError, "is empty"),
        ({"scratchpad": 256, "reserved": [(64, 0)]}, ValueError, "is empty"),
        ({"scratchpad": 256, "reserved": [(-64, 0)]}, ValueError, "an address is -64"),
        ({"scratchpad": 256, "reserved": [(0, None)]}, TypeError, "an address"),
        ({"scratchpad": 256, "reserved": [3]}, TypeError, "unpack"),
        ({"scratchpad": 256, "reserved": [(0, 256)]}, cosma.ScratchpadTooSmall, "the scratchpad has 0 B"),
        ({"scratchpad": 256, "keep": "always"}, ValueError, "'none' and 'auto'"),
        ({"scratchpad": 256, "objective": "energy"}, ValueError, "'traffic' and 'latency'"),
        ({"machine": "no-such"}, ValueError, "no machine"),
    ],
)
def test_wrong_arguments(cell: cosma.Graph, arguments: dict, raises: type, says: str) -> None:
    with pytest.raises(raises, match=says):
        cosma.plan(cell, **arguments)


def test_sweeps_have_times_too(layers: cosma.Graph) -> None:
    sweep = cosma.sweep(layers, machine=cosma.Machine.from_text(MACHINE), steps=4)
    cycles = [it.cycles for it in sweep.points]
    assert None not in cycles and all(it.least_cycles <= it.cycles for it in sweep.points)
    assert cosma.sweep(layers, steps=3).points[0].cycles is None
    kept = cosma.sweep(layers, scratchpads=[1024], keep="auto").points[0]
    assert (kept.status, kept.total) == ("optimal", 128)
