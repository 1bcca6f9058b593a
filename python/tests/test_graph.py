"""Graphs by hand and of models."""

from __future__ import annotations

import os

import cosma
import pytest


def test_by_hand_and_as_text() -> None:
    graph = cosma.Graph("net")
    x = graph.argument("x", "64B")
    w = graph.weight("w", 32)
    y, z = graph.op("conv", [x, w], [("y", 64), ("z", 64)], workspace=16, macs=4096)
    [s] = graph.op("add", [y, z], {"s": 64})
    graph.in_place(s, y)
    [t] = graph.op("concatenate", [s, x], {"t": 128})
    graph.in_place(t, s, at=64)
    graph.result(t)
    graph.op("tick", [], {})
    graph.order("conv", "tick")
    text = graph.problem(192)
    assert text == (
        "machine scratchpad 192 alignment 64 weights resident\n"
        "argument x 64\n"
        "weight w 32\n"
        "op conv: x w -> y 64, z 64 workspace 16 macs 4096\n"
        "op add: y z -> s 64 over y\n"
        "op concatenate: s x -> t 128 over s at 64\n"
        "op tick: ->\n"
        "order conv tick\n"
        "return t\n"
    )
    assert cosma.Graph.from_text(text).problem(192) == text
    assert "w@host" in graph.problem(192, weights="streamed") or "streamed" in graph.problem(192, weights="streamed")
    assert [it.name for it in graph.tensors] == ["x", "w", "y", "z", "s", "t"]
    assert graph.operators == ["conv", "add", "concatenate", "tick"]
    assert (x.name, x.size, repr(x)) == ("x", 64, "Tensor('x', 64)")
    assert x == graph.tensors[0] and x != w and len({x, graph.tensors[0]}) == 1


def test_staged_tensors() -> None:
    graph = cosma.Graph()
    x = graph.argument("x", 64)
    [a] = graph.op("first", [x], {"a": 64})
    [b] = graph.op("second", [x], {"b": 64})
    both = graph.staged("both", 96, [a, b])
    [y] = graph.op("third", [both], {"y": 64})
    graph.result(y)
    program = cosma.plan(graph, scratchpad=192).program
    assert [(it.kind, it.tensor) for it in program if it.tensor in ("a", "b", "both")] == [
        ("spill", "a"),
        ("spill", "b"),
        ("reload", "both"),
    ]


def test_what_a_graph_refuses() -> None:
    graph, other = cosma.Graph(), cosma.Graph()
    x = graph.argument("x", 64)
    with pytest.raises(cosma.GraphError, match="there is a tensor 'x' already"):
        graph.weight("x", 64)
    with pytest.raises(cosma.GraphError, match="of another graph"):
        other.op("f", [x], {"y": 64})
    with pytest.raises(cosma.GraphError, match="white space"):
        graph.argument("a b", 64)
    [y] = graph.op("f", [x], {"y": 64})
    with pytest.raises(cosma.GraphError, match="there is an operator 'f' already"):
        graph.op("f", [x], {"z": 64})
    with pytest.raises(cosma.GraphError, match="twice"):
        graph.op("g", [x], [("z", 64), ("z", 64)])
    with pytest.raises(cosma.GraphError, match="cannot come before"):
        graph.order("f", "f")
    with pytest.raises(cosma.GraphError, match="no operator 'h'"):
        graph.order("f", "h")
    # What is refused has left nothing behind.
    assert graph.operators == ["f"] and [it.name for it in graph.tensors] == ["x", "y"]
    graph.in_place(x, y)
    with pytest.raises(cosma.GraphError, match="'x' cannot lie over 'y'"):
        cosma.plan(graph, scratchpad=256)
    with pytest.raises(cosma.GraphError, match="2\\^60"):
        huge = cosma.Graph()
        huge.argument("x", (1 << 62) - 1)
        cosma.plan(huge, scratchpad=256)
    with pytest.raises(cosma.GraphError, match="line 1"):
        cosma.Graph.from_text("nonsense")


def test_onnx_from_memory_bytes_and_files(model, tmp_path) -> None:
    path = tmp_path / "small.onnx"
    path.write_bytes(model.SerializeToString())
    plans = [
        cosma.plan(it, scratchpad="64KiB", dimensions={"batch": 1}, element_bytes=1)
        for it in (model, model.SerializeToString(), path, os.fspath(path))
    ]
    assert len({str(it) for it in plans}) == 1
    report = plans[0].report
    # The convolution with its activation, the pooling, and the product.
    assert (report.name, report.operators, report.status) == ("small", 3, "optimal")
    assert plans[0].order == ["conv", "pool", "classify"]
    assert report.traffic.total == report.traffic.compulsory == 768 + 216 + 5120 + 10
    assert {it.tensor for it in plans[0].residencies if it.origin == "weight"} == {"w", "v"}
    ungrouped = cosma.plan(model, scratchpad="64KiB", dimensions={"batch": 1}, group=False)
    assert ungrouped.report.operators == 4


def test_a_graph_of_a_model_can_be_planned_often_and_grow(model) -> None:
    graph = cosma.read(model, dimensions={"batch": 1})
    assert graph.problem("1MiB").startswith("machine scratchpad 1048576")
    last = graph.tensors[-1]
    [y] = graph.op("softmax", [last], {"probabilities": last.size})
    graph.result(y)
    assert cosma.plan(graph, scratchpad="1MiB").order == ["conv", "pool", "classify", "softmax"]
    with pytest.raises(TypeError, match="this is a graph"):
        cosma.plan(graph, scratchpad="1MiB", element_bytes=1)


def test_models_that_cannot_be_read(model, tmp_path) -> None:
    with pytest.raises(cosma.ModelError, match="dimensions={'batch': SIZE}") as raised:
        cosma.plan(model, scratchpad="1MiB")
    assert raised.value.dimensions == ["batch"]
    with pytest.raises(cosma.ModelError, match="not an ONNX model"):
        cosma.plan(b"nonsense", scratchpad="1MiB")
    with pytest.raises(FileNotFoundError) as missing:
        cosma.plan(tmp_path / "missing.onnx", scratchpad="1MiB")
    assert missing.value.filename.endswith("missing.onnx")
    with pytest.raises(ValueError, match="element_bytes is 3"):
        cosma.read(model, dimensions={"batch": 1}, element_bytes=3)
    with pytest.raises(TypeError, match="not a path, bytes or an onnx.ModelProto"):
        cosma.plan(3.5, scratchpad="1MiB")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="inputs are of a torch.nn.Module"):
        cosma.plan(model, (1,), scratchpad="1MiB")
    assert issubclass(cosma.ModelError, cosma.Error) and issubclass(cosma.GraphError, cosma.Error)

