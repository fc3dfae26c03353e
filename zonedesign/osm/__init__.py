"""Roads from OpenStreetMap: extracts, OSMnx graphs and files, places fetched through OSMnx; and frames."""

from zonedesign.osm.place import save_place
from zonedesign.osm.read import no_paths, read_roads

__all__ = ["no_paths", "read_roads", "save_place"]
