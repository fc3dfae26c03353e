"""The county's files: a GeoPackage of units, a table of customers, and roads in OpenStreetMap's format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely

if TYPE_CHECKING:
    from pathlib import Path

    from zonedesign.examples.county import County

# British National Grid to WGS 84 by the seven parameters (EPSG:1314), spelled out so that it is the same
# with and without the Ordnance Survey's grid of corrections at hand.
TO_WGS84 = (
    "+proj=pipeline +step +inv +proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 "
    "+ellps=airy +step +proj=push +v_3 +step +proj=cart +ellps=airy +step +proj=helmert +x=446.448 "
    "+y=-125.157 +z=542.06 +rx=0.15 +ry=0.247 +rz=0.842 +s=-20.489 +convention=position_vector "
    "+step +inv +proj=cart +ellps=WGS84 "
    "+step +proj=pop +v_3 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
)
WRITTEN = "2019-08-07T00:00:00.000Z"
"""The time a GeoPackage says it was written: that of the published table, or no two would be the same."""


def write_units(county: County, path: Path) -> None:
    """Write the units as layer `units` of a GeoPackage."""
    import pyogrio  # noqa: PLC0415

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": WRITTEN})
    try:
        pyogrio.write_dataframe(county.units, path, layer="units", driver="GPKG", geometry_type="Polygon")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def write_customers(county: County, path: Path) -> None:
    """Write the customers as a CSV, numbers plain and truth values as `true` and `false`."""
    frame = county.customers.assign(
        weekly_hours=[f"{hours:g}" for hours in county.customers["weekly_hours"]],
        time_critical=np.where(county.customers["time_critical"], "true", "false"),
    )
    frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def write_roads(county: County, path: Path) -> None:
    """Write the roads as an OpenStreetMap extract (.osm.pbf): nodes first, then ways, ids from 1."""
    import osmium  # noqa: PLC0415
    from osmium.osm import mutable  # noqa: PLC0415

    turn = pyproj.Transformer.from_pipeline(TO_WGS84)
    places = np.round(np.column_stack(turn.transform(*np.asarray(county.roads.nodes).T)), 7)
    box = shapely.total_bounds(shapely.points(places))
    header = osmium.io.Header()
    header.set("generator", "zonedesign: an invented county, no OpenStreetMap data")
    header.add_box(osmium.osm.Box(*box))
    used = np.unique(np.concatenate([way.nodes for way in county.roads.ways]))
    writer = osmium.SimpleWriter(str(path), header=header)
    try:
        for node in used:
            writer.add_node(mutable.Node(id=int(node) + 1, version=1, location=tuple(places[node])))
        for number, way in enumerate(county.roads.ways, start=1):
            nodes = [node + 1 for node in way.nodes]
            writer.add_way(mutable.Way(id=number, version=1, nodes=nodes, tags=way.tags))
    finally:
        writer.close()
