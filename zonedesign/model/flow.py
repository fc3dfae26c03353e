"""Flows: connection written as a flow from every centre to its units, where cuts in rounds do not end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from zonedesign.model.program import Program


def write_flows(draft: Program) -> None:
    """Write that every unit of a connected zone draws one unit of flow from its centre (Shirabe 2009).

    A flow for each centre runs over neighbours; only units of the zone pass it on. Levels that need not be
    connected waive what their units draw.
    """
    graph = draft.problem.units.contiguity
    if graph is None or not any(draft.problem.contiguous):
        return
    indptr, neighbours, _ = graph.csr
    free = [k for k, asked in enumerate(draft.problem.contiguous) if not asked]
    asked = draft.possible[:, list(draft.problem.contiguous)].any(axis=1) & (draft.x >= 0)
    for j in range(len(draft.y)):
        span = np.arange(draft.problem.arcs.indptr[j], draft.problem.arcs.indptr[j + 1])
        column = {int(draft.unit[arc]): int(draft.x[arc]) for arc in span[asked[span]]}
        waivers = [int(mark) for mark in draft.y[j][free] if mark >= 0]
        most = max(1, len(column) - 1)
        into: dict[int, list[int]] = {i: [] for i in column}
        out: dict[int, list[int]] = {i: [] for i in column}
        for a in column:
            for b in neighbours[indptr[a] : indptr[a + 1]].tolist():
                if b in column and b != j:
                    flow = draft.sheet.column(f"f_{j}_{a}_{b}", most=float(most))
                    out[a].append(flow)
                    into[b].append(flow)
        for i, x in column.items():
            if i == j:
                continue
            drawn = [*np.ones(len(into[i])), *(-np.ones(len(out[i]))), -1.0, *np.ones(len(waivers))]
            draft.sheet.row([*into[i], *out[i], x, *waivers], drawn, least=0.0)
            draft.sheet.row([*into[i], x], [*np.ones(len(into[i])), -float(most)], most=0.0)
