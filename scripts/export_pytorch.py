#!/usr/bin/env python3
"""Exports two small PyTorch models, to ONNX and to MLIR, and plans them: an example and a test.

    pip install torch onnx onnxscript torch-mlir
    python3 scripts/export_pytorch.py --programs=target/release --folder=target/exported

Without PyTorch (or the requirements of its ONNX exporter) it prints that it is skipped, and does nothing; without
torch-mlir it prints that MLIR is skipped.
"""

import argparse
import json
import pathlib
import subprocess
import sys

try:
    import onnx  # noqa: F401 (the exporter needs it)
    import torch
    from torch import nn
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(0)
try:
    from torch_mlir import fx
except ImportError as error:
    print(f"skipped MLIR: {error}")
    fx = None


class Residual(nn.Module):
    """A convolution network with a residual addition and a classifier."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.SiLU())
        self.second = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.classify = nn.Linear(16, 10)

    def forward(self, image):
        x = self.first(image)
        x = x + self.second(x)
        return self.classify(x.mean(dim=(2, 3)))


class Block(nn.Module):
    """A transformer's block."""

    def __init__(self, width=64, heads=4):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.feed = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        batch, length, width = x.shape
        parts = self.query_key_value(self.norm(x)).reshape(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        attention = nn.functional.scaled_dot_product_attention(query, key, value)
        x = x + self.project(attention.transpose(1, 2).reshape(batch, length, width))
        return x + self.feed(x)


MODELS = {
    "residual": (Residual(), torch.zeros(1, 3, 32, 32)),
    "block": (Block(), torch.zeros(1, 16, 64)),
}


def export(model, example, path):
    """Writes a model in all available forms, and returns their files."""
    torch.onnx.export(model, (example,), f"{path}.onnx")
    yield f"{path}.onnx"
    for dialect in ["linalg-on-tensors", "tosa"] if fx else []:
        module = fx.export_and_import(model, example, output_type=dialect)
        # Planning only needs the sizes of weights.
        text = module.operation.get_asm(large_elements_limit=16, large_resource_limit=16)
        pathlib.Path(f"{path}.{dialect}.mlir").write_text(text)
        yield f"{path}.{dialect}.mlir"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, default="target/release", help="where cosma-opt is")
    parser.add_argument("--folder", type=pathlib.Path, default="target/exported", help="where the models go")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, (model, example) in MODELS.items():
        for model_file in export(model.eval(), example, arguments.folder / name):
            report_file = f"{model_file}.json"
            flags = ["--group", "--schedule", "--allocate", "--scratchpad=256KiB", "--element-bytes=1"]
            files = [model_file, f"--report={report_file}", "-o", f"{model_file}.planned.mlir"]
            subprocess.run([arguments.programs / "cosma-opt", *flags, *files], check=True)
            report = json.loads(pathlib.Path(report_file).read_text())["functions"][0]
            beyond = report["traffic"]["non_compulsory"]
            print(f"{model_file}: {report['operators']} operators, {report['status']}, {beyond} B beyond the compulsory")


main()
