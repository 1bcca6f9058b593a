"""One network for many scratchpads."""

from __future__ import annotations

from xml.etree import ElementTree

import cosma
import pytest


def test_more_room_never_moves_more(cell: cosma.Graph) -> None:
    sweep = cosma.sweep(cell, steps=6)
    assert sweep.name == "cell" and sweep.compulsory == 128
    sizes = [it.scratchpad for it in sweep.points]
    assert sizes == sorted(set(sizes)) and sizes[0] == sweep.min_scratchpad
    totals = [it.total for it in sweep.points]
    assert totals == sorted(totals, reverse=True) and totals[-1] == sweep.compulsory
    assert {it.status for it in sweep.points} == {"optimal"}
    bounds = [it.lower_bound for it in sweep.points]
    assert bounds == sorted(bounds, reverse=True)


def test_each_point_is_what_planning_it_finds(cell: cosma.Graph) -> None:
    sweep = cosma.sweep(cell, scratchpads=["0.5KiB", 256, 64, 256])
    assert [it.scratchpad for it in sweep.points] == [64, 256, 512]
    small, middle, large = sweep.points
    assert (small.status, small.total, small.solver) == ("too small", None, None)
    assert (middle.total, middle.non_compulsory) == (192, 64)
    assert large.total == cosma.plan(cell, scratchpad=512).report.traffic.total == 128


def test_it_can_be_stopped(hard: cosma.Graph) -> None:
    seen = set()

    def progress(it: cosma.Progress) -> bool:
        seen.add(it.scratchpad)
        return False

    sweep = cosma.sweep(hard, scratchpads=["16KiB", "32KiB", "64KiB"], time_limit=600, progress=progress)
    assert seen == {16384} and [it.scratchpad for it in sweep.points] == [16384]


def test_tables_and_plots(cell: cosma.Graph) -> None:
    sweep = cosma.sweep(cell, steps=5)
    assert ElementTree.fromstring(sweep.svg()).tag.endswith("svg")
    assert "<svg" in sweep._repr_html_() and "<th>scratchpad</th>" in sweep._repr_html_()
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    axes = sweep.plot()
    assert axes.get_xlabel() == "scratchpad in KiB" and len(axes.get_lines()) == 3
    assert sweep.plot(axes) is axes
    pytest.importorskip("pandas")
    assert list(sweep.points.to_pandas()["total"]) == [it.total for it in sweep.points]


def test_several_networks_in_one_plot(cell: cosma.Graph) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    wide = cosma.Graph("wide")
    [y] = wide.op("only", [wide.argument("x", 64)], {"y": 64})
    wide.result(y)
    sweeps = [cosma.sweep(cell, scratchpads=[256, 512]), cosma.sweep(wide, steps=2)]
    sweeps += [cosma.sweep(cosma.Graph("empty"), scratchpads=[64])]
    axes = cosma.plot_sweeps(sweeps)
    curves = axes.get_lines()[:-1]
    assert [it.get_text() for it in axes.get_legend().get_texts()] == ["cell", "wide", "empty"]
    # 64 bytes more than the compulsory 128.
    assert [list(it.get_ydata())[0] for it in curves] == [1.5, 1.0, 1.0]
    assert len({str(it.get_linestyle()) + it.get_marker() for it in curves}) == 3
    assert cosma.plot_sweeps(sweeps[:1], axes) is axes


def test_nothing_to_plot(cell: cosma.Graph) -> None:
    sweep = cosma.sweep(cell, scratchpads=[1])
    assert [it.status for it in sweep.points] == ["too small"]
    assert ElementTree.fromstring(sweep.svg()).tag.endswith("svg")


@pytest.mark.parametrize("arguments", [{"steps": 1}, {"steps": 100_000}, {"scratchpads": []}, {"scratchpads": ["x"]}])
def test_wrong_arguments(cell: cosma.Graph, arguments: dict) -> None:
    with pytest.raises(ValueError):
        cosma.sweep(cell, **arguments)
