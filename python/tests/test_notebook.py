"""The notebook in `examples` runs from top to bottom, and shows what it should."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")


def test_the_notebook_runs(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.read(examples / "plan.ipynb", as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3")
    # The kernel of this interpreter, whichever others there are.
    client.create_kernel_manager()
    client.km.kernel_spec.argv[0] = sys.executable
    client.execute()
    shown = {
        cell.source.splitlines()[-1]: [kind for output in cell.outputs for kind in output.get("data", {})]
        for cell in notebook.cells
        if cell.cell_type == "code"
    }
    assert {"text/html", "image/svg+xml"} <= set(shown["plan.memory_map()"])
    assert "text/html" in shown["plan"] and "text/html" in shown["plan.residencies.to_pandas()"]
    assert "image/png" in shown["sweep.plot();"]
    assert "image/png" in shown["cosma.plot_sweeps([sweep, cosma.sweep(graph, steps=6)]);"]
    assert "text/plain" in shown["fast.report.time"] and "text/plain" in shown["plan.report.cost"]


def test_it_is_kept_without_outputs(examples: Path) -> None:
    notebook = nbformat.read(examples / "plan.ipynb", as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
