"""Operators in tiles."""

from __future__ import annotations

import warnings
from pathlib import Path

import cosma
import pytest


@pytest.fixture
def resnet(examples: Path) -> cosma.Graph:
    return cosma.read(examples / "networks" / "resnet18.onnx", element_bytes=1)


def test_what_does_not_fit_whole_runs_in_tiles(resnet: cosma.Graph) -> None:
    with pytest.raises(cosma.ScratchpadTooSmall):
        cosma.plan(resnet, scratchpad="512KiB")
    plan = cosma.plan(resnet, scratchpad="512KiB", tiles="auto", time_limit=20)
    report = plan.report
    assert report.traffic.least is not None and report.tiling is not None
    assert report.traffic.non_compulsory == 0 and report.proof == "all tilings" and report.is_optimal
    assert report.traffic.least.all_tilings == report.traffic.total <= report.traffic.least.without_recomputation
    assert len(plan.tiles) == report.operators == report.tiling.tiles
    assert report.tiling.operators == len(resnet.operators)
    parts = [it for it in plan.tiles if it.sizes]
    assert {it.operator for it in parts} == set(report.tiling.tiles_of)
    assert len(parts) == sum(report.tiling.tiles_of.values())
    assert all(len(it.offsets) == len(it.sizes) for it in parts)
    assert [it.name for it in plan.tiles] == plan.order
    assert any(2 <= len(it.operators) and 2 <= it.bands for it in report.tiling.groups)
    assert f"{report.tiling.tiles:,} tiles of" in plan._repr_html_()
    assert "How it is cut into tiles" in plan.explain() and "<svg" in plan.memory_map().svg
    assert plan.tiles.to_dicts()[0]["step"] == 0


def test_with_room_for_all_nothing_is_split(resnet: cosma.Graph) -> None:
    plan = cosma.plan(resnet, scratchpad="64MiB", tiles="auto")
    assert (plan.report.tiling, plan.report.proof) == (None, "all tilings")
    assert all(it.name == it.operator and not it.sizes for it in plan.tiles)
    usual = cosma.plan(resnet, scratchpad="64MiB").report
    assert (usual.proof, usual.traffic.least, usual.traffic.total) == (None, None, plan.report.traffic.total)


def test_a_graph_by_hand_stays_whole(cell: cosma.Graph) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan = cosma.plan(cell, scratchpad=256, tiles="auto")
    assert plan.report.traffic.total == 192 and plan.report.tiling is None


def test_what_cannot_be_split_is_said() -> None:
    graph = cosma.Graph()
    x = graph.argument("x", 64)
    [a] = graph.op("first", [x], {"a": 64})
    s = graph.staged("s", 32, [a])
    [y] = graph.op("second", [s], {"y": 32})
    graph.result(y)
    with pytest.warns(UserWarning, match="no operator is split into tiles: it has tensors in pieces"):
        cosma.plan(graph, scratchpad=256, tiles="auto")
    with pytest.raises(ValueError, match="tiles is 'all': there are 'none' and 'auto'"):
        cosma.plan(graph, scratchpad=256, tiles="all")  # type: ignore[arg-type]
    fixed = cosma.Machine("imx-rt1170").without_moves()
    with pytest.raises(ValueError, match="nothing moves"):
        cosma.plan(graph, machine=fixed, tiles="auto")


def test_tiles_on_several_memories(resnet: cosma.Graph) -> None:
    report = cosma.plan(resnet, machine="siracusa-like", tiles="auto", time_limit=20).report
    assert report.cost is not None and report.tiling is not None
    assert report.cost.lower_bound <= report.cost.total
