"""PyTorch modules, exported where PyTorch is installed; without it, by a stand-in for its exporter."""

from __future__ import annotations

import sys
import types
from typing import Any

import cosma
import pytest


def test_modules() -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten())
    plan = cosma.plan(module, torch.zeros(1, 3, 8, 8), scratchpad="64KiB", element_bytes=1)
    assert plan.report.operators == 1 and module.training


class Module:
    """What is asked of a module."""

    def __init__(self) -> None:
        self.training = True

    def eval(self) -> None:
        self.training = False

    def train(self, mode: bool) -> None:
        self.training = mode


def stand_in(model: Any, is_old: bool) -> types.ModuleType:
    """PyTorch with an exporter that gives a known model, as new versions do or as old ones did."""
    torch: Any = types.ModuleType("torch")
    torch.nn = types.SimpleNamespace(Module=Module)

    class no_grad:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    def export(module: Module, inputs: tuple, file: Any = None, **options: Any) -> Any:
        assert not module.training and isinstance(inputs, tuple)
        if is_old and options:
            raise TypeError("export() got an unexpected keyword argument 'dynamo'")
        if file is None:
            return types.SimpleNamespace(model_proto=model)
        file.write(model.SerializeToString())
        return None

    torch.no_grad, torch.onnx = no_grad, types.SimpleNamespace(export=export)
    return torch


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("inputs", ["image", ("image",)])
def test_what_is_exported_is_planned(
    model: Any, monkeypatch: pytest.MonkeyPatch, is_old: bool, inputs: Any
) -> None:
    monkeypatch.setitem(sys.modules, "torch", stand_in(model, is_old))
    module = Module()
    plan = cosma.plan(module, inputs, scratchpad="64KiB", dimensions={"batch": 1}, element_bytes=1)  # type: ignore
    assert plan.order == ["conv", "pool", "classify"] and module.training
    with pytest.raises(TypeError, match="inputs="):
        cosma.plan(module, scratchpad="64KiB")  # type: ignore[arg-type]
