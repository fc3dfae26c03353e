"""Flows: connection written as a flow from every centre to its units, where cuts in rounds do not end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.model.program import Program

    Ints = NDArray[np.int64]


def write_flows(draft: Program) -> None:
    """Write that every unit of a connected zone draws one unit of flow from its centre (Shirabe 2009).

    A flow for each centre runs over neighbours; only units of the zone pass it on. Units that can be in no
    other zone and are beside each other are one source with their centre: flows then run over what is still
    open alone, and their capacities are as small. Levels that need not be connected waive what their units
    draw.
    """
    graph = draft.problem.units.contiguity
    if graph is None or not any(draft.problem.contiguous):
        return
    indptr, neighbours, _ = graph.csr
    free = [k for k, asked in enumerate(draft.problem.contiguous) if not asked]
    asked = draft.possible[:, list(draft.problem.contiguous)].any(axis=1) & (draft.x >= 0)
    choices = np.bincount(draft.unit[draft.x >= 0], minlength=len(draft.y))
    for j in range(len(draft.y)):
        span = np.arange(draft.problem.arcs.indptr[j], draft.problem.arcs.indptr[j + 1])
        column = {int(draft.unit[arc]): int(draft.x[arc]) for arc in span[asked[span]]}
        if not column:
            continue
        waivers = [int(mark) for mark in draft.y[j][free] if mark >= 0]
        source = _source(j, {i for i in column if choices[i] == 1}, indptr, neighbours)
        most = max(1, len(column) - len(source))
        into: dict[int, list[int]] = {i: [] for i in column}
        out: dict[int, list[int]] = {i: [] for i in column}
        for b in column:
            if b in source:
                continue
            near = [int(a) for a in neighbours[indptr[b] : indptr[b + 1]] if int(a) in column]
            # One flow from the source, whichever of its units it is beside.
            for a in [*(a for a in near if a not in source), *[j] * any(a in source for a in near)]:
                flow = draft.sheet.column(f"f_{j}_{a}_{b}", most=float(most))
                out[a].append(flow)
                into[b].append(flow)
        for i, x in column.items():
            if i in source:
                continue
            drawn = [*np.ones(len(into[i])), *(-np.ones(len(out[i]))), -1.0, *np.ones(len(waivers))]
            draft.sheet.row([*into[i], *out[i], x, *waivers], drawn, least=0.0)
            draft.sheet.row([*into[i], x], [*np.ones(len(into[i])), -float(most)], most=0.0)


def _source(centre: int, certain: set[int], indptr: Ints, neighbours: Ints) -> set[int]:
    """Return the centre and the units that are certain to be in its zone and connected to it by others such.

    Only the centre itself where it is not certain to be one.
    """
    found, waiting = {centre}, [centre] if centre in certain else []
    while waiting:
        unit = waiting.pop()
        for near in neighbours[indptr[unit] : indptr[unit + 1]].tolist():
            if near in certain and near not in found:
                found.add(near)
                waiting.append(near)
    return found
