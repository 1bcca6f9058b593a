"""Small networks that the tests share."""

from __future__ import annotations

from pathlib import Path

import cosma
import pytest


@pytest.fixture
def cell() -> cosma.Graph:
    """Two branches, interleaved, that each expand and reduce a tensor, as in the README."""
    graph = cosma.Graph("cell")
    x = graph.argument("x", 64)
    [expanded] = graph.op("expand", [x], {"expanded": 128})
    [shifted] = graph.op("shift", [x], {"shifted": 128})
    [left] = graph.op("reduce_left", [expanded], {"left": 64})
    [right] = graph.op("reduce_right", [shifted], {"right": 64})
    [y] = graph.op("add", [left, right, x], {"y": 64})
    graph.result(y)
    return graph


@pytest.fixture
def hard() -> cosma.Graph:
    """A network that takes longer to plan than a test waits."""
    graph = cosma.Graph("hard")
    tensors = [graph.argument("x", 4096)]
    state = 1
    for index in range(600):
        # A linear congruential generator, as in Numerical Recipes.
        state = (state * 1664525 + 1013904223) % (1 << 32)
        size = 64 * (1 + state // 65536 % 40)
        reads = {tensors[-1].name: tensors[-1]}
        for _ in range(2):
            state = (state * 1664525 + 1013904223) % (1 << 32)
            it = tensors[max(0, len(tensors) - 1 - state // 65536 % 30)]
            reads[it.name] = it
        tensors += graph.op(f"op{index}", list(reads.values()), {f"t{index}": size})
    graph.result(tensors[-1])
    return graph


@pytest.fixture
def model() -> "object":
    """A small convolutional network as an ``onnx.ModelProto``."""
    onnx = pytest.importorskip("onnx")
    helper, element = onnx.helper, onnx.TensorProto.FLOAT

    def weight(name: str, shape: list[int]) -> object:
        count = 1
        for size in shape:
            count *= size
        return helper.make_tensor(name, element, shape, [0.5] * count)

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("MaxPool", ["r"], ["m"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["m"], ["f"], name="flatten"),
        helper.make_node("Gemm", ["f", "v"], ["y"], name="classify"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", element, ["batch", 3, 16, 16])],
        [helper.make_tensor_value_info("y", element, ["batch", 10])],
        [weight("w", [8, 3, 3, 3]), weight("v", [512, 10])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


@pytest.fixture
def examples() -> Path:
    """The folder of examples."""
    return Path(__file__).parents[2] / "examples"
