"""The first notebook runs from top to bottom, shows its map, and is kept without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "first-plan.ipynb"


def test_it_has_under_20_cells():
    assert len(nbformat.read(NOTEBOOK, as_version=4).cells) < 20


@pytest.mark.parametrize("path", sorted(NOTEBOOK.parent.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path):
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.id for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.filterwarnings("default")  # what Jupyter's own parts complain of is not ours
def test_it_runs_and_shows_the_plan_and_its_map(tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:  # less to wait for
        cell.source = cell.source.replace("time_limit=60, gap=0.05", "time_limit=60, gap=0.2")
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = {cell.id: cell.outputs[0].data for cell in notebook.cells if cell.get("outputs")}
    texts = [data["text/plain"] for data in shown.values()]
    assert any("Status.FEASIBLE" in text or "Status.OPTIMAL" in text for text in texts)
    assert "leaflet" in list(shown.values())[-1]["text/html"].lower()
