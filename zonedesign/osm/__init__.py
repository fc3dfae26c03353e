"""Roads from OpenStreetMap: extracts, OSMnx graphs and files, places fetched through OSMnx; and frames."""

from zonedesign.osm.place import save_place
from zonedesign.osm.read import read_roads

__all__ = ["read_roads", "save_place"]
