"""From what callers have to a graph: files, ONNX models in memory, PyTorch modules, and graphs."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional, Union

from ._cosma import Graph

if TYPE_CHECKING:
    import onnx
    import torch

    #: What can be planned.
    Model = Union[str, os.PathLike[str], bytes, Graph, onnx.ModelProto, torch.nn.Module]


def read(
    model: Model,
    inputs: Any = None,
    *,
    dimensions: Optional[Mapping[str, int]] = None,
    element_bytes: Optional[int] = None,
    group: bool = True,
    in_place: bool = True,
) -> Graph:
    """The graph of a model, to plan it more than once.

    Args:
        model: The path of an ONNX file, its bytes, an ``onnx.ModelProto``, or a ``torch.nn.Module``. A graph is
            returned as it is.
        inputs: The example inputs of a ``torch.nn.Module``: a tensor or a tuple of them. They give the shapes.
        dimensions: The sizes of symbolic dimensions, by name. An anonymous one is called ``INPUT[AXIS]``.
        element_bytes: The size of floats after quantisation: 1, 2, 4 or 8. Without it, it is that of their type.
        group: Whether nodes that an accelerator runs as one operator are grouped.
        in_place: Whether results may lie where operands lie.

    Raises:
        ModelError: The model cannot be read.
        OSError: The file cannot be read.
    """
    if isinstance(model, Graph):
        if dimensions or element_bytes is not None or inputs is not None or not (group and in_place):
            raise TypeError("inputs, dimensions, element_bytes, group and in_place are of models, and this is a graph")
        return model
    if _is_module(model):
        model = _export(model, inputs)
    elif inputs is not None:
        raise TypeError("inputs are of a torch.nn.Module, and this is none")
    return Graph.from_onnx(
        model,
        dimensions=None if dimensions is None else dict(dimensions),
        element_bytes=element_bytes,
        group=group,
        in_place=in_place,
    )


def _is_module(model: object) -> bool:
    # A module can only be there if torch was imported.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _export(module: Any, inputs: Any) -> Any:
    """A PyTorch module as ONNX."""
    import torch

    if inputs is None:
        raise TypeError("a torch.nn.Module is planned with inputs=, a tensor or a tuple of them, which give the shapes")
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    # Parts may be in other modes than the whole.
    modes = [(it, it.training) for it in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            try:
                program = torch.onnx.export(module, inputs, dynamo=True, verbose=False)
            except (ImportError, TypeError):
                # The exporter of older versions, or of those without onnxscript.
                content = io.BytesIO()
                torch.onnx.export(module, inputs, content)
                return content.getvalue()
    finally:
        for part, was_training in modes:
            part.training = was_training
    model = program.model_proto
    # The exporter calls all of them `main_graph`.
    model.graph.name = type(module).__name__
    return model
