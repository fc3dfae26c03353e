"""The peers that solving is measured against: how each is asked, and what it cannot be told.

Each gets the problem, the units' places, the number of zones and its seconds, and hands labels (n,) to
`keep` as it finds better ones; it works until its time is up or it has nothing more to try. Rules that a peer
has no word for are charged in its score where it takes one, else left to be broken. Peers have no levels, but
for the whole model: where a problem has several, they are asked for as many zones as all counts allow.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from asking import best_of
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asking import Asked

    import zonedesign as zd

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Floats = np.ndarray[Any, np.dtype[np.float64]]

STARTS = 100
"""Starts of k-means: more brought nothing."""
CHARGE = 0.1
"""A broken check costs GerryChain's score this share of its minutes."""
NO_RUN = "no run ended in time"
BURST, TILT, COLD = 10, 0.05, 500.0
"""Steps of a short burst, share of worse plans that a tilted run takes, and how cold annealing ends."""


@dataclass(frozen=True)
class Peer:
    """How a peer works: what it is told (`words`), and what it needs to be asked at all.

    `modules` are imported before its clock runs. It has `share` of the time.
    """

    title: str
    words: str
    work: Callable[[Asked], dict[str, Any]]
    modules: tuple[str, ...]
    needs: tuple[str, ...] = ()
    one_core: bool = True
    share: float = 1.0

    def cannot(self, problem: zd.Problem, places: Floats | None) -> str | None:
        """Return why it cannot be asked, or None."""
        reasons = {
            "places": (places is None, "it works on places, and these units have none"),
            "graph": (problem.units.contiguity is None, "it needs to know which units touch"),
            "floor": (
                all(level.weekly_hours is None for level in problem.levels),
                "it knows a floor of volume only, and here is a ceiling",
            ),
        }
        said = [why for need, (lacks, why) in reasons.items() if need in self.needs and lacks]
        return "; ".join(said) or None


def whole_model(asked: Asked) -> dict[str, Any]:
    """Give HiGHS the assignment model of Hess with levels, as a user of PuLP writes it."""
    import pulp

    problem, arcs = asked.problem, asked.problem.arcs
    n, levels = len(problem.units), range(len(problem.levels))
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    program = pulp.LpProblem("zones", pulp.LpMinimize)
    joins: dict[tuple[int, int, int], Any] = {}
    by_unit: list[list[Any]] = [[] for _ in range(n)]
    by_zone: dict[tuple[int, int], list[tuple[int, Any]]] = {}
    goal = []
    for k in levels:
        for at in np.flatnonzero(arcs.allowed[:, k]).tolist():
            j, i = int(centre[at]), int(arcs.units[at])
            join = pulp.LpVariable(f"x_{j}_{i}_{k}", cat="Binary")
            joins[j, i, k] = join
            by_unit[i].append(join)
            by_zone.setdefault((j, k), []).append((i, join))
            goal.append((join, float(problem.hours[i] * arcs.minutes[at])))
    program += pulp.LpAffineExpression(goal) / float(problem.hours.sum())
    for several in by_unit:
        program += pulp.lpSum(several) == 1
    demands = [(problem.hours, "weekly_hours")]
    demands += [] if problem.customers is None else [(problem.customers, "customers")]
    for (j, k), members in by_zone.items():
        own = joins[j, j, k]
        for i, join in members:
            if i != j:
                program += join <= own
        for demand, name in demands:
            low, high = getattr(problem.levels[k], name) or (None, None)
            volume = pulp.LpAffineExpression([(join, float(demand[i])) for i, join in members])
            if low is not None:
                program += volume >= low * own
            if high is not None:
                program += volume <= high * own
    for k in levels:
        low, high = problem.levels[k].zone_range
        opened = pulp.lpSum(joins[j, j, k] for j in range(n) if (j, j, k) in joins)
        program += opened >= low
        if high is not None:
            program += opened <= high
    engine = pulp.HiGHS(
        msg=False, timeLimit=asked.seconds, threads=asked.threads, gapRel=0.0, gapAbs=0.0, random_seed=0
    )
    program.solve(engine)
    written = asked.spent - program.solverModel.getRunTime()
    told = program.solverModel.getInfo()
    bound = told.mip_dual_bound
    if told.primal_solution_status == 2:  # feasible, in HiGHS's own numbers
        labels = np.zeros(n, dtype=np.int64)
        for (j, i, _), join in joins.items():
            if (join.value() or 0.0) > 0.5:
                labels[i] = j
        asked.keep(labels)
    note = f"{len(joins):,} columns, written in {written:,.0f} s, which the limit leaves out"
    return {"bound": bound if math.isfinite(bound) else None, "note": note, "written": written}


def k_means(asked: Asked) -> dict[str, Any]:
    """Run scikit-learn's k-means on places weighted by hours; units join the nearest centre by minutes."""
    from sklearn.cluster import KMeans

    places, problem = np.asarray(asked.places, dtype=np.float64), asked.problem
    tree, travel = cKDTree(places), problem.travel

    def start(seed: int) -> Ints:
        made = KMeans(asked.zones, n_init=1, random_state=seed).fit(places, sample_weight=problem.hours)
        centres = np.unique(tree.query(made.cluster_centers_)[1])
        nearest, labels = np.full(len(places), np.inf), made.labels_ + len(places)
        for centre in centres.tolist():
            span = slice(travel.indptr[centre], travel.indptr[centre + 1])
            units, minutes = travel.indices[span], travel.minutes[span]
            nearer = minutes < nearest[units]
            nearest[units[nearer]] = minutes[nearer]
            labels[units[nearer]] = centre
        return labels

    number = best_of(asked, (start(seed) for seed in range(STARTS)))
    return {"note": f"best of {number:,} start{'s' * (number != 1)}"}


def _frame(asked: Asked) -> Any:
    import geopandas as gpd

    places = np.asarray(asked.places, dtype=np.float64)
    columns = {"x": places[:, 0], "y": places[:, 1], "hours": asked.problem.hours}
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*places.T))


def _weights(asked: Asked) -> Any:
    from libpysal.weights import W

    neighbours: dict[int, list[int]] = {unit: [] for unit in range(len(asked.problem.units))}
    for a, b in asked.pairs.tolist():
        neighbours[a].append(b)
        neighbours[b].append(a)
    return W(neighbours, silence_warnings=True)


def max_p(asked: Asked) -> dict[str, Any]:
    """Run spopt's MaxP again and again, its floor of hours moved until it makes the number of zones asked."""
    from spopt.region.maxp import maxp

    frame, weights = _frame(asked), _weights(asked)
    total = float(asked.problem.hours.sum())
    low, high = 0.0, total / asked.zones
    floor, made = 0.9 * high, [0, 0.0]

    def runs() -> Iterable[Ints]:
        nonlocal low, high, floor
        for seed in range(10_000):
            np.random.seed(seed)  # noqa: NPY002  (spopt draws from numpy's own state)
            zones, labels = maxp(frame, weights, ["x", "y"], "hours", floor, 2, 10, 2)
            made[:] = zones, floor
            if labels is not None:
                yield labels
            if zones > asked.zones:
                low = floor
            elif zones < asked.zones:
                high = floor
            else:
                continue
            if high - low < 0.001 * total / asked.zones:
                low, high = 0.5 * low, total / asked.zones
            floor = 0.5 * (low + high)

    number = best_of(asked, runs())
    if not number:
        return {"note": NO_RUN}
    said = f"best of {number:,} run{'s' * (number != 1)}"
    return {"note": f"{said}; the last had {made[0]} zones of {made[1]:,.0f} h or more"}


def skater(asked: Asked) -> dict[str, Any]:
    """Run spopt's Skater once: it is the same every time."""
    from spopt.region import Skater

    model = Skater(_frame(asked), _weights(asked), ["x", "y"], n_clusters=asked.zones)
    model.solve()
    best_of(asked, [model.labels_])
    return {"note": "one run, the same every time"}


def azp(asked: Asked) -> dict[str, Any]:
    """Run spopt's AZP from random starts."""
    from spopt.region import AZP

    frame, weights = _frame(asked), _weights(asked)

    def runs() -> Iterable[Ints]:
        for seed in range(10_000):
            model = AZP(frame, weights, ["x", "y"], n_clusters=asked.zones, random_state=seed)
            model.solve()
            yield model.labels_

    number = best_of(asked, runs())
    return {"note": f"best of {number:,} run{'s' * (number != 1)}" if number else NO_RUN}


class _Districts:
    """GerryChain's graph, start and score for a problem."""

    def __init__(self, asked: Asked) -> None:
        import networkx as nx
        from gerrychain import Graph

        self.asked, self.rules = asked, asked.rules
        graph = nx.Graph()
        graph.add_nodes_from((i, {"hours": float(h)}) for i, h in enumerate(asked.problem.hours))
        graph.add_edges_from(asked.pairs.tolist())
        self.graph = Graph.from_networkx(graph)
        self.target = float(asked.problem.hours.sum()) / asked.zones
        bands = [level.weekly_hours or (None, None) for level in asked.problem.levels]
        lows, highs = [low or 0.0 for low, _ in bands], [high or math.inf for _, high in bands]
        self.epsilon = min(1.0 - min(lows) / self.target, max(highs) / self.target - 1.0)
        self.unit: Ints = np.zeros(0, dtype=np.int64)

    def start(self) -> Any:
        """Return a first partition, by either of GerryChain's two ways; seeds change until one gives it."""
        from gerrychain import Partition
        from gerrychain.partition.initial_partition_generators import recursive_seed_part, recursive_tree_part

        ways = (recursive_tree_part, recursive_seed_part)
        for seed in range(10_000):
            try:
                found = Partition.from_random_assignment(
                    self.graph, self.asked.zones, self.epsilon, "hours", updaters={"zones": self.zones},
                    partition_fn=ways[seed % 2], rng=seed,
                )  # fmt: skip
            except (RuntimeError, ValueError, KeyError):  # what it raises where a start comes to nothing
                continue
            inner = found.graph
            self.unit = np.array(
                [inner.original_nx_node_id_for_internal_node_id(node) for node in range(len(inner.nodes))]
            )
            return found
        return None

    def zones(self, partition: Any) -> dict[Any, tuple[float, int, int]]:
        """Return what every part costs, worked out anew where it changed only."""
        if partition.parent is None:
            changed, known = list(partition.parts), {}
        else:
            known = dict(partition.parent["zones"])
            before = partition.parent.assignment.mapping
            moved = {part for node, new in partition.flips.items() for part in (new, before[node])}
            changed = list(moved)
        for part in changed:
            known[part] = self.rules.zone(self.unit[np.fromiter(partition.parts[part], dtype=np.int64)])
        return known

    def score(self, partition: Any) -> float:
        """Return mean minutes, dearer by a share for every check broken."""
        broken, minutes = self.rules.sum_up(partition["zones"].values())
        return minutes * (1.0 + CHARGE * broken)

    def labels(self, partition: Any) -> Ints:
        """Return the part of every unit."""
        found = np.zeros(len(self.unit), dtype=np.int64)
        for number, nodes in enumerate(partition.parts.values()):
            found[self.unit[np.fromiter(nodes, dtype=np.int64)]] = number
        return found


def gerrychain(asked: Asked, way: str) -> dict[str, Any]:
    """Run ReCom with one of GerryChain's optimisers until time is up."""
    from gerrychain.optimization import SingleMetricOptimizer
    from gerrychain.proposals import build_recom_proposal_fn
    from gerrychain.tree import bipartition_tree

    made = _Districts(asked)
    if made.epsilon < 0:
        return {"note": f"the mean zone of {made.target:,.0f} h is outside every band"}
    first = made.start()
    if first is None:
        return {"note": "no start found"}
    tree = partial(bipartition_tree, max_attempts=100, allow_pair_reselection=True)
    propose = build_recom_proposal_fn("hours", made.target, made.epsilon, bipartition_tree_fn=tree)
    search = SingleMetricOptimizer(propose, [], first, made.score, maximize=False, rng=0)
    most = 10**9
    minutes = made.rules.sum_up(first["zones"].values())[1]
    runs = {
        "bursts": lambda: search.short_bursts(BURST, most // BURST),
        "annealing": lambda: search.simulated_annealing(
            most, lambda _step: min(1.0, 1.0 - asked.left / asked.seconds), COLD / minutes
        ),
        "tilted": lambda: search.tilted_run(most, TILT),
    }
    steps = 0
    with contextlib.suppress(KeyboardInterrupt):
        for _ in runs[way]():
            steps += 1
            if asked.left <= 0:
                break
    asked.keep(made.labels(search.best_part))
    return {"note": f"{steps:,} steps"}


def make_ready(peer: Peer) -> None:
    """Import what a peer needs, as its user has it open already."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in peer.modules:
            import_module(module)


def work(peer: Peer, asked: Asked) -> dict[str, Any]:
    """Return what a peer says of its work, or why it failed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return peer.work(asked)
        except KeyboardInterrupt:
            return {"note": NO_RUN}
        except MemoryError:
            return {"note": "ran out of memory", "out_of_memory": True}
        except Exception as error:  # noqa: BLE001  (a stranger's program may raise anything)
            return {"note": f"{type(error).__name__}: {error}"[:200]}


_GERRY = (
    "contiguous, hours by the widest band of any level, either side of the mean; reach and counts by level "
    "charged in its score, which is mean minutes"
)
_RECOM = ("networkx", "gerrychain.optimization", "gerrychain.proposals", "gerrychain.tree")
_THIRD = 2 / 3
"""GerryChain's three ways have a third of two cores each: together what ours and the whole model have."""
_SPOPT = ("spopt.region", "libpysal.weights", "geopandas")
PEERS = {
    "highs": Peer(
        "the whole model, HiGHS through PuLP",
        "levels, bands, reach and counts; zones need not be connected",
        whole_model, ("pulp", "highspy"), one_core=False,
    ),
    "k-means": Peer(
        "scikit-learn k-means",
        "the number of zones; places weighted by hours, then each unit joins the nearest centre by minutes",
        k_means, ("sklearn.cluster",), ("places",),
    ),
    "maxp": Peer(
        "spopt MaxP",
        "contiguous, a floor of hours that gives the number of zones; as compact as places tell",
        max_p, _SPOPT, ("places", "graph", "floor"),
    ),
    "skater": Peer(
        "spopt Skater", "contiguous, the number of zones; as compact as places tell",
        skater, _SPOPT, ("places", "graph"),
    ),
    "azp": Peer(
        "spopt AZP", "contiguous, the number of zones; as compact as places tell",
        azp, _SPOPT, ("places", "graph"),
    ),
    "bursts": Peer(
        "GerryChain, short bursts", _GERRY, partial(gerrychain, way="bursts"), _RECOM, ("graph",),
        share=_THIRD,
    ),
    "annealing": Peer(
        "GerryChain, annealing", _GERRY, partial(gerrychain, way="annealing"), _RECOM, ("graph",),
        share=_THIRD,
    ),
    "tilted": Peer(
        "GerryChain, tilted run", _GERRY, partial(gerrychain, way="tilted"), _RECOM, ("graph",),
        share=_THIRD,
    ),
}  # fmt: skip
