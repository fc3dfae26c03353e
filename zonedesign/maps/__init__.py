"""Maps: the review map of a plan and the page to edit one in, self-contained files that need no internet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import folium

    from zonedesign.compare import Comparison
    from zonedesign.plan import Plan
    from zonedesign.portfolio import Portfolio
    from zonedesign.problem import Problem


def review_map(
    plan: Plan,
    problem: Problem,
    *,
    roads: Any = None,
    public: bool = False,
    base_map: str | None = None,
    portfolio: Portfolio | None = None,
) -> folium.Map:
    """Return the review map as a Folium map, which shows in a notebook and saves as one file.

    `roads` is a `RoadNetwork` for the background (else the problem's own). `public` shows zone figures only,
    suppressed as `[publish]` says. `base_map` is None, so that nothing is fetched from anywhere, or "osm".
    With a `portfolio` a layer shades every unit by the share of its good plans that have it in the same zone.
    Raises `DataError` where the plan or the portfolio is not on the problem's units, `ScenarioError` for
    another base map, and for a portfolio on a public map.
    """
    from zonedesign.maps.review import build  # noqa: PLC0415  (Folium is heavy)

    return build(plan, problem, roads=roads, public=public, base_map=base_map, portfolio=portfolio)


def page(
    plan: Plan,
    problem: Problem,
    *,
    roads: Any = None,
    public: bool = False,
    base_map: str | None = None,
    portfolio: Portfolio | None = None,
) -> str:
    """Return the review map as one HTML file that fetches nothing, with the arguments of `review_map`."""
    made = review_map(plan, problem, roads=roads, public=public, base_map=base_map, portfolio=portfolio)
    return str(made.get_root().render())


def compare_page(found: Comparison) -> str:
    """Return a comparison as one HTML file that fetches nothing: maps side by side, and tables.

    It is internal. With more than two plans the page lets one choose which two stand side by side.
    """
    from zonedesign.maps.compared import build  # noqa: PLC0415

    return build(found)


def edit_page(
    plan: Plan, problem: Problem, *, roads: Any = None, studio: Mapping[str, Any] | None = None
) -> str:
    """Return the page in which a plan is edited, as one HTML file that fetches nothing; it is internal.

    The arguments and errors are those of `editing.edit_page`.
    """
    from zonedesign.maps import editing  # noqa: PLC0415

    return editing.edit_page(plan, problem, roads=roads, studio=studio)
