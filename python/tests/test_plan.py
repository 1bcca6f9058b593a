"""Plans: what they say, what they show, and what is refused."""

from __future__ import annotations

import pickle
from xml.etree import ElementTree

import cosma
import pytest


def test_a_plan_in_numbers(cell: cosma.Graph) -> None:
    plan = cosma.plan(cell, scratchpad=256)
    report = plan.report
    assert (report.name, report.operators, report.status, report.is_optimal) == ("cell", 5, "optimal", True)
    # As the README says: 64 bytes beyond the compulsory 64 in and 64 out.
    assert (report.traffic.total, report.traffic.compulsory, report.traffic.non_compulsory) == (192, 128, 64)
    assert report.traffic.lower_bound == 64
    assert (report.scratchpad, report.alignment, report.weights) == (256, 64, "resident")
    assert report.min_scratchpad <= 256 and report.is_min_exact
    assert "cell" in repr(plan) and "optimal" in plan._repr_html_()


def test_in_source_order_it_moves_more(cell: cosma.Graph) -> None:
    assert cosma.plan(cell, scratchpad=256, order="source").report.traffic.non_compulsory == 576


def test_the_program_moves_what_the_report_says(cell: cosma.Graph) -> None:
    plan = cosma.plan(cell, scratchpad="256 B")
    moved = [it for it in plan.program if it.kind != "run"]
    assert sum(it.bytes or 0 for it in moved) == plan.report.traffic.total
    assert [it.kind for it in moved] == ["load", "reload", "store"]
    assert sorted(plan.order) == sorted(cell.operators)
    run = next(it for it in plan.program if it.operator == "add")
    assert {it.tensor for it in run.reads} == {"left", "right", "x"}
    assert str(run).startswith("run add: ") and " -> y at " in str(run)
    assert str(plan).splitlines()[0].startswith("load x")


def test_residencies_do_not_overlap_and_fit(cell: cosma.Graph) -> None:
    residencies = cosma.plan(cell, scratchpad=256).residencies
    assert {it.tensor for it in residencies} == {it.name for it in cell.tensors}
    for index, one in enumerate(residencies):
        assert one.offset % 64 == 0 and one.offset + one.size <= 256 and one.start < one.end
        for other in residencies[index + 1 :]:
            in_time = one.start < other.end and other.start < one.end
            in_place = one.offset < other.offset + other.size and other.offset < one.offset + one.size
            assert not (in_time and in_place)


def test_tables(cell: cosma.Graph) -> None:
    residencies = cosma.plan(cell, scratchpad=256).residencies
    pandas = pytest.importorskip("pandas")
    table = residencies.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert list(table.columns) == ["tensor", "origin", "start", "end", "offset", "size"] == list(residencies.columns)
    assert len(table) == len(residencies) and table["size"].sum() == sum(it.size for it in residencies)
    pytest.importorskip("pyarrow")
    arrow = residencies.to_arrow()
    assert arrow.num_rows == len(residencies) and arrow.column("tensor").to_pylist() == list(table["tensor"])
    program = cosma.plan(cell, scratchpad=256).program
    assert program.to_arrow().num_rows == len(program) == len(program.to_pandas())
    assert "<th>tensor</th>" in residencies._repr_html_()


def test_pictures_and_words(cell: cosma.Graph, tmp_path) -> None:
    plan = cosma.plan(cell, scratchpad=256)
    assert "traffic 192 B = 128 B compulsory + 64 B non-compulsory" in plan.explain()
    assert "What a larger scratchpad would save" in plan.explain(larger=True)
    with pytest.raises(ValueError, match="time_limit"):
        plan.explain(larger=True, time_limit=-1)
    memory_map = plan.memory_map()
    assert ElementTree.fromstring(memory_map.svg).tag.endswith("svg")
    assert memory_map._repr_html_().startswith("<iframe") and "<script" not in memory_map._repr_html_()
    for name in ("map.svg", "map.html"):
        memory_map.save(tmp_path / name)
        assert (tmp_path / name).read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="neither"):
        memory_map.save(tmp_path / "map.png")
    assert plan.dot().startswith("digraph") and "traceEvents" in plan.trace()


def test_streamed_weights_take_no_room() -> None:
    graph = cosma.Graph()
    x, w = graph.argument("x", 64), graph.weight("w", 1024)
    [y] = graph.op("product", [x, w], {"y": 64})
    graph.result(y)
    assert cosma.plan(graph, scratchpad=128, weights="streamed").report.traffic.total == 1152
    with pytest.raises(cosma.ScratchpadTooSmall) as raised:
        cosma.plan(graph, scratchpad=128)
    error = raised.value
    assert (error.operator, error.needed, error.scratchpad, error.min_scratchpad) == ("product", 1152, 128, 1152)
    assert "operator 'product' needs 1152 B at once" in str(error)


@pytest.mark.parametrize(
    ("arguments", "raises", "says"),
    [
        ({"scratchpad": "256KB"}, ValueError, "KB"),
        ({"scratchpad": -1}, ValueError, "cannot be negative"),
        ({"scratchpad": 1 << 70}, ValueError, "too large"),
        ({"scratchpad": 1.5}, TypeError, "scratchpad is of type float"),
        ({"scratchpad": None}, TypeError, "scratchpad"),
        ({"scratchpad": 256, "alignment": 0}, ValueError, "alignment"),
        ({"scratchpad": 256, "time_limit": -1.0}, ValueError, "time_limit"),
        ({"scratchpad": 256, "time_limit": float("nan")}, ValueError, "time_limit"),
        ({"scratchpad": 256, "weights": "cached"}, ValueError, "'resident', 'streamed' and 'auto'"),
        ({"scratchpad": 256, "order": "any"}, ValueError, "'free' and 'source'"),
        ({"scratchpad": 256, "solver": "magic"}, ValueError, "'greedy'"),
        ({"scratchpad": 0}, cosma.ScratchpadTooSmall, "0 B"),
    ],
)
def test_wrong_arguments(cell: cosma.Graph, arguments: dict, raises: type, says: str) -> None:
    with pytest.raises(raises, match=says):
        cosma.plan(cell, **arguments)


def test_the_ilp_is_there_or_says_so(cell: cosma.Graph) -> None:
    if cosma.has_ilp:
        assert cosma.plan(cell, scratchpad=256, solver="ilp").report.solver == "ilp"
    else:
        with pytest.raises(cosma.Error, match="solver") as raised:
            cosma.plan(cell, scratchpad=256, solver="ilp")
        assert not isinstance(raised.value, cosma.GraphError)


def test_an_empty_graph() -> None:
    report = cosma.plan(cosma.Graph("empty"), scratchpad=64).report
    assert (report.operators, report.traffic.total, report.status) == (0, 0, "optimal")
    assert cosma.plan(cosma.Graph(), scratchpad=64).memory_map().svg


def test_records_are_a_sequence(cell: cosma.Graph) -> None:
    program = cosma.plan(cell, scratchpad=256).program
    assert program[0] == next(iter(program)) and len(program[:2]) == 2 and program[:2] == program[:2]
    assert isinstance(program.to_dicts()[0], dict)
    assert pickle.loads(pickle.dumps(program)) == program
