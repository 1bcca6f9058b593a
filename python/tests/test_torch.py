"""PyTorch modules, exported where PyTorch is installed; without it, by a stand-in for its exporter."""

from __future__ import annotations

import sys
import types
from typing import Any

import cosma
import pytest


def needs_torch() -> Any:
    """PyTorch and what exports its modules, or the test is skipped and says why."""
    reason = "needs PyTorch and onnxscript, which are large; python/README.md says how to install them"
    torch = pytest.importorskip("torch", reason=reason)
    pytest.importorskip("onnxscript", reason=reason)
    return torch


def residual(torch: Any) -> Any:
    """A small network with residuals, as those of torchvision are written."""
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, channels: int, wider: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, wider, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(wider)
            self.conv2 = nn.Conv2d(wider, wider, 3, padding=1)
            self.down = nn.Conv2d(channels, wider, 1) if channels != wider else nn.Identity()

        def forward(self, x: Any) -> Any:
            return torch.relu(self.conv2(torch.relu(self.bn1(self.conv1(x)))) + self.down(x))

    class Residual(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(2))
            self.layers = nn.Sequential(Block(4, 4), Block(4, 8))
            self.classify = nn.Linear(8, 10)

        def forward(self, x: Any) -> Any:
            return self.classify(torch.flatten(nn.functional.adaptive_avg_pool2d(self.layers(self.stem(x)), 1), 1))

    return Residual()


def test_modules() -> None:
    torch = needs_torch()
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten())
    plan = cosma.plan(module, torch.zeros(1, 3, 8, 8), scratchpad="64KiB", element_bytes=1)
    assert plan.report.operators == 1 and module.training


def test_compulsory_traffic_is_parameters_inputs_and_outputs() -> None:
    torch = needs_torch()
    nn = torch.nn
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10, bias=False))
    x = torch.zeros(1, 3, 8, 8)
    traffic = cosma.plan(module, x, scratchpad="64KiB").report.traffic
    elements = sum(it.numel() for it in module.parameters()) + x.numel() + module(x).numel()
    assert (traffic.compulsory, traffic.non_compulsory) == (4 * elements, 0)


def test_operators_have_the_names_of_their_modules(capfd: pytest.CaptureFixture[str]) -> None:
    torch = needs_torch()
    module = residual(torch)
    module.layers[1].eval()
    plan = cosma.plan(module, torch.zeros(1, 3, 32, 32), scratchpad="24KiB", machine="soma-edge", keep="auto")
    # The exporter tells nobody that it is at work.
    assert capfd.readouterr().out == ""
    assert plan.report.name == "Residual" and plan.report.time is not None
    for part in ["stem/", "layers/0/", "layers/1/", "classify/"]:
        assert any(it.startswith(part) for it in plan.order), plan.order
    # Each module is as it was, also where a part of it is in another mode.
    assert module.training and module.layers[0].training and not module.layers[1].training


def test_attention() -> None:
    torch = needs_torch()
    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    plan = cosma.plan(torch.nn.TransformerEncoder(layer, 2), torch.zeros(1, 8, 16), scratchpad="32KiB")
    assert 4 < plan.report.operators and plan.report.status in ("optimal", "feasible")
    sweep = cosma.sweep(torch.nn.TransformerEncoder(layer, 1), torch.zeros(1, 8, 16), steps=3)
    assert sweep.points[-1].total == sweep.compulsory


def test_several_inputs() -> None:
    torch = needs_torch()

    class Sum(torch.nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, left: Any, right: Any) -> Any:
            return torch.relu(left @ right)

    plan = cosma.plan(Sum(), (torch.zeros(4, 8), torch.zeros(8, 2)), scratchpad="4KiB")
    assert plan.report.traffic.compulsory == 4 * (32 + 16 + 8)


def test_what_cannot_be_exported_says_so() -> None:
    torch = needs_torch()

    class Wrong(torch.nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, x: Any) -> Any:
            raise RuntimeError("not today")

    module = Wrong()
    with pytest.raises(Exception):
        cosma.plan(module, torch.zeros(1), scratchpad="4KiB")
    assert module.training


class Module:
    """What is asked of a module."""

    def __init__(self) -> None:
        self.training = True

    def eval(self) -> None:
        self.training = False

    def modules(self) -> list[Module]:
        return [self]


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
