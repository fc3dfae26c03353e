/* The comparison page's behaviour: two maps that move together. Texts become text nodes, never markup. */
(function () {
  "use strict";
  var INK = "#1c2a33", ACCENT = "#0b5c7a";
  var CENTRE = "M9 1.5 16.5 9 9 16.5 1.5 9Z";
  var PANES = { zones: 400, moved: 405, roads: 410, units: 420, lines: 430, centres: 440, marks: 445, labels: 450 };
  var data = JSON.parse(document.getElementById("data").textContent);
  var still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  var sides = [], boxes = [], pair = 0, pointed = null, kept = null, told = null, wandered = false, following = false;

  function element(tag, name, text) {
    var made = document.createElement(tag);
    if (name) { made.className = name; }
    if (text !== undefined) { made.textContent = text; }
    return made;
  }

  function byId(id) { return document.getElementById(id); }
  function ticked(id) { var box = byId(id); return Boolean(box && box.checked); }
  function say(text) { byId("said").textContent = text; }
  function plan(s) { return data.plans[data.pairs[pair].at[s]]; }
  function title(zone) { return zone.name ? zone.zone + " " + zone.name : zone.zone; }

  function unitTitle(k) {
    var id = data.units.id[k], name = data.units.name[k];
    return name && name !== id ? id + " " + name : id;
  }

  function zoneTitle(s, k) {
    var z = plan(s).zone[k];
    return z < 0 ? "no zone" : title(plan(s).zones[z]);
  }

  function shape(geometry, options) {
    var made = Object.assign({ interactive: false, smoothFactor: 0.5 }, options);
    made.pointToLayer = function (_, at) { return L.circleMarker(at, Object.assign({ radius: 5 }, made, made.style)); };
    return L.geoJSON(geometry, made);
  }

  /* Maps */

  function makeMap(s, id) {
    var map = L.map(id, {
      trackResize: false, zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, inertia: !still, zoomSnap: 0.1,
      zoomDelta: 0.5, wheelPxPerZoomLevel: 90, attributionControl: false, minZoom: 5, maxZoom: 18
    });
    Object.keys(PANES).forEach(function (name) { map.createPane(name).style.zIndex = PANES[name]; });
    L.control.scale().addTo(map);
    map.on("mousemove", function (event) { point(unitAt(map, event.latlng)); });
    map.on("mouseout", function () { point(null); });
    map.on("click", function (event) { keep(unitAt(map, event.latlng)); });
    map.on("dragstart", function () { wandered = true; });
    map.on("move", function () { follow(s); });
    map.on("zoomend", function () { wandered = true; crowd(s); });
    return { map: map, zones: L.layerGroup(), moved: L.layerGroup(), names: L.layerGroup(), centres: L.layerGroup(),
             roads: L.layerGroup(), units: L.layerGroup(), marks: L.layerGroup().addTo(map), tip: null, labels: [] };
  }

  function follow(s) {
    if (following) { return; }
    following = true;
    sides[1 - s].map.setView(sides[s].map.getCenter(), sides[s].map.getZoom(), { animate: false });
    following = false;
  }

  function frame() {
    var b = data.bounds;
    return [[b[1], b[0]], [b[3], b[2]]];
  }

  function whole() {
    following = true;
    sides.forEach(function (side) { side.map.fitBounds(frame(), { animate: false, padding: [8, 8] }); });
    following = false;
    sides.forEach(function (_, s) { crowd(s); });
    wandered = false;
  }

  /* Both maps have one size, and take a new one together. */
  function resized() {
    var at = sides[0].map.getCenter(), zoom = sides[0].map.getZoom();
    following = true;
    sides.forEach(function (side) { side.map.invalidateSize({ animate: false, pan: false }); });
    following = false;
    if (wandered) { sides[0].map.setView(at, zoom, { animate: false }); follow(0); } else { whole(); }
  }

  function draw(s) {
    var side = sides[s], here = plan(s), colours = data.pairs[pair].colours[s];
    [side.zones, side.moved, side.names, side.centres, side.marks].forEach(function (group) { group.clearLayers(); });
    side.labels = [];
    if (here.none) {
      side.zones.addLayer(shape(here.none, { pane: "zones", style: { fillColor: "url(#no-zone)", fillOpacity: 1, color: "#5f6b73", weight: 1 } }));
    }
    data.excluded.forEach(function (one) {
      side.zones.addLayer(shape(one, { pane: "zones", style: { fillColor: "#c9d0d4", fillOpacity: 1, color: "#5f6b73", weight: 0.6 } }));
    });
    here.zones.forEach(function (zone, k) {
      if (!zone.shape) { return; }
      var fill = "url(#zone-" + colours[k] + "-" + zone.pattern + ")";
      side.zones.addLayer(shape(zone.shape, { pane: "zones", style: { fillColor: fill, fillOpacity: 1, color: "#ffffff", weight: 4 } }));
      side.zones.addLayer(shape(zone.shape, { pane: "lines", style: { fill: false, color: INK, weight: 1.2 } }));
      addLabel(side, zone);
      if (zone.centre) { side.centres.addLayer(centreAt(zone.centre)); }
    });
    data.pairs[pair].ways.forEach(function (one) {
      side.moved.addLayer(shape(one, { pane: "moved", style: { fillColor: "url(#moved)", fillOpacity: 1, color: INK, weight: 1.2 } }));
    });
    byId(s ? "right-name" : "left-name").textContent = here.name;
    show();
  }

  function addLabel(side, zone) {
    var box = element("div", "label");
    box.appendChild(element("b", "", zone.zone));
    if (zone.name) { box.appendChild(element("span", "", zone.name)); }
    side.labels.push({ zone: zone, box: box });
    side.names.addLayer(L.marker(zone.label, {
      pane: "labels", interactive: false, keyboard: false, icon: L.divIcon({ html: box, className: "", iconSize: [0, 0] })
    }));
  }

  function centreAt(at) {
    var picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    [["width", 16], ["height", 16], ["viewBox", "0 0 18 18"], ["aria-hidden", "true"]].forEach(function (pairOf) { picture.setAttribute(pairOf[0], pairOf[1]); });
    var path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    [["d", CENTRE], ["fill", "#fff"], ["stroke", INK], ["stroke-width", 2]].forEach(function (pairOf) { path.setAttribute(pairOf[0], pairOf[1]); });
    picture.appendChild(path);
    return L.marker(at, { pane: "centres", interactive: false, keyboard: false, icon: L.divIcon({ html: picture, className: "centre", iconSize: [16, 16] }) });
  }

  function show() {
    sides.forEach(function (side, s) {
      [["zones", true], ["moved", ticked("show-moved")], ["centres", true], ["names", ticked("show-names")], ["roads", ticked("show-roads")], ["units", ticked("show-units")]].forEach(function (each) {
        var group = side[each[0]];
        if (each[1] && !side.map.hasLayer(group)) { side.map.addLayer(group); }
        if (!each[1] && side.map.hasLayer(group)) { side.map.removeLayer(group); }
      });
      crowd(s);
    });
  }

  /* Outlines of all units are one path, so that thousands of them cost little. */
  function ground() {
    var every = { type: "MultiPolygon", coordinates: [] };
    data.units.shape.forEach(function (one) { every.coordinates = every.coordinates.concat(rings(one)); });
    sides.forEach(function (side) {
      data.roads.forEach(function (road) {
        side.roads.addLayer(shape(road.lines, { pane: "roads", style: { color: road.colour, weight: road.width, opacity: 0.6 } }));
      });
      (data.points ? data.units.shape : [every]).forEach(function (one) {
        side.units.addLayer(shape(one, { pane: "units", radius: 3, style: { color: INK, weight: 0.6, opacity: 0.75, fill: false } }));
      });
    });
  }

  /* Names appear where there is room; of labels that would lie on one another the larger zone's stays. */
  function crowd(s) {
    var side = sides[s];
    if (!side || !side.map.hasLayer(side.names)) { return; }
    var placed = [], centre = side.map.getCenter();
    var metres = 40075016.686 * Math.cos(centre.lat * Math.PI / 180) / Math.pow(2, side.map.getZoom() + 8);
    var order = side.labels.slice().sort(function (a, b) { return b.zone.room - a.zone.room; });
    order.forEach(function (each) {
      var name = each.box.querySelector("span"), room = 2 * each.zone.room / metres;
      each.box.classList.remove("crowded");
      if (name) { name.style.display = room > 6.2 * each.zone.name.length && room > 40 ? "" : "none"; }
    });
    order.forEach(function (each) {
      var box = each.box.getBoundingClientRect();
      var clash = placed.some(function (other) {
        return box.left < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top;
      });
      if (clash) { each.box.classList.add("crowded"); } else { placed.push(box); }
    });
  }

  /* Units: looked up under the pointer in their own outlines, so that thousands cost nothing on the page. */

  function rings(geometry) {
    return geometry.type === "Polygon" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates : [];
  }

  function boxOf(geometry) {
    var box = [Infinity, Infinity, -Infinity, -Infinity];
    rings(geometry).forEach(function (polygon) {
      polygon[0].forEach(function (at) {
        box = [Math.min(box[0], at[0]), Math.min(box[1], at[1]), Math.max(box[2], at[0]), Math.max(box[3], at[1])];
      });
    });
    return box;
  }

  function inRing(ring, x, y) {
    var inside = false, i, j;
    for (i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      if ((ring[i][1] > y) !== (ring[j][1] > y) &&
          x < (ring[j][0] - ring[i][0]) * (y - ring[i][1]) / (ring[j][1] - ring[i][1]) + ring[i][0]) { inside = !inside; }
    }
    return inside;
  }

  function unitAt(map, at) {
    var k, box;
    if (data.points) { return nearest(map, at); }
    for (k = 0; k < boxes.length; k += 1) {
      box = boxes[k];
      if (at.lng >= box[0] && at.lng <= box[2] && at.lat >= box[1] && at.lat <= box[3] &&
          rings(data.units.shape[k]).some(function (polygon) {
            return polygon.filter(function (ring) { return inRing(ring, at.lng, at.lat); }).length % 2 === 1;
          })) { return k; }
    }
    return null;
  }

  function nearest(map, at) {
    var here = map.latLngToContainerPoint(at), best = null, least = 20;
    data.units.at.forEach(function (place, k) {
      var far = map.latLngToContainerPoint(place).distanceTo(here);
      if (far < least) { least = far; best = k; }
    });
    return best;
  }

  function point(k) {
    if (k === pointed) { return; }
    pointed = k;
    spot(k === null ? kept : k);
  }

  function keep(k) {
    kept = k;
    spot(k);
    say(k === null ? "" : unitTitle(k) + ": " + zoneTitle(0, k) + ", then " + zoneTitle(1, k) + ".");
  }

  function spot(k) {
    sides.forEach(function (side, s) {
      if (side.spot) { side.map.removeLayer(side.spot); side.spot = null; }
      if (side.tip) { side.map.removeLayer(side.tip); side.tip = null; }
      if (k === null) { return; }
      side.spot = shape(data.units.shape[k], { pane: "marks", style: { color: ACCENT, weight: 4, fill: data.points } }).addTo(side.map);
      var box = element("div", "tip");
      box.appendChild(element("strong", "", zoneTitle(s, k)));
      if (plan(s).zone[k] >= 0) { box.appendChild(element("div", "", plan(s).minutes[k] + " minutes")); }
      side.tip = L.tooltip({ direction: "top", opacity: 1, interactive: false, className: "unit-tip" }).setLatLng(data.units.at[k]).setContent(box).addTo(side.map);
    });
    if (k !== null) { tell(k); }
  }

  function tell(k) {
    told = k;
    var box = byId("pointed"), units = data.units, moved = data.pairs[pair].moved.indexOf(k) >= 0;
    var table = element("table"), head = element("tr"), body = element("tbody");
    var said = (units.customers[k] === "" ? "" : units.customers[k] + (units.customers[k] === "1" ? " customer, " : " customers, ")) + units.hours[k] + " hours a week; " + (moved ? "changes zone" : "stays");
    ["Plan", "Zone", "Level", "Minutes", "Longer way"].forEach(function (text, n) {
      var cell = element("th", n > 2 ? "n" : "", text);
      cell.scope = "col";
      head.appendChild(cell);
    });
    [0, 1].forEach(function (s) {
      var row = element("tr"), z = plan(s).zone[k], first = element("th", "", plan(s).name);
      first.scope = "row";
      row.appendChild(first);
      [zoneTitle(s, k), z < 0 ? "" : plan(s).zones[z].level, z < 0 ? "" : plan(s).minutes[k], z < 0 ? "" : plan(s).reach[k]].forEach(function (text, n) {
        row.appendChild(element("td", n > 1 ? "n" : "", text));
      });
      body.appendChild(row);
    });
    var top = element("thead");
    top.appendChild(head);
    table.append(top, body);
    box.replaceChildren(element("strong", "", unitTitle(k)), element("p", "small", said), table);
  }

  function find(text) {
    var wanted = text.trim().toLowerCase(), units = data.units, k;
    if (!wanted) { return; }
    k = units.id.findIndex(function (id) { return id.toLowerCase() === wanted; });
    if (k < 0) { k = units.id.findIndex(function (id, n) { return (id + " " + units.name[n]).toLowerCase().indexOf(wanted) >= 0; }); }
    if (k < 0) { say("No unit has '" + text.trim() + "' in its id or name."); return; }
    wandered = true;
    sides[0].map.setView(units.at[k], Math.max(sides[0].map.getZoom(), 12), { animate: false });
    keep(k);
  }

  /* Rows of the tables */

  function mark(row) {
    var a = Number(row.dataset.a), b = Number(row.dataset.b), bounds = null, moves = row.closest("table").classList.contains("moves");
    document.querySelectorAll("tr[aria-current]").forEach(function (each) { each.removeAttribute("aria-current"); });
    row.setAttribute("aria-current", "true");
    sides.forEach(function (side, s) {
      var z = s ? b : a, shapes = [];
      side.marks.clearLayers();
      if (moves) {
        data.pairs[pair].moved.forEach(function (k) {
          if (plan(0).zone[k] === a && plan(1).zone[k] === b) { shapes.push(data.units.shape[k]); }
        });
      } else if (z >= 0 && plan(s).zones[z].shape) { shapes.push(plan(s).zones[z].shape); }
      shapes.forEach(function (one) {
        var layer = shape(one, { pane: "marks", style: { color: ACCENT, weight: 4, fill: false } });
        side.marks.addLayer(layer);
        bounds = bounds ? bounds.extend(layer.getBounds()) : layer.getBounds();
      });
    });
    if (!bounds) { say("There is nothing of it to show."); return; }
    wandered = true;
    sides[0].map.fitBounds(bounds, { animate: false, padding: [40, 40], maxZoom: 14 });
    say((moves ? "The units of this row are" : "The zones of this row are") + " marked on both maps.");
    document.querySelector(".maps").scrollIntoView({ behavior: still ? "auto" : "smooth", block: "nearest" });
  }

  function choose(number) {
    pair = number;
    document.querySelectorAll("[data-pair]").forEach(function (each) { each.hidden = Number(each.dataset.pair) !== pair; });
    if (data.shown) {
      document.querySelectorAll("tr[aria-current]").forEach(function (each) { each.removeAttribute("aria-current"); });
      [0, 1].forEach(draw);
      spot(kept);
      if (told !== null) { tell(told); }
    }
  }

  function print(wide) {
    document.querySelectorAll(".map-frame").forEach(function (box) {
      box.style.width = wide ? "495px" : "";
      box.style.height = wide ? "440px" : "";
    });
    resized();
    whole();
  }

  function start() {
    var choice = byId("pair");
    if (choice) { choice.addEventListener("change", function () { choose(Number(choice.value)); }); }
    if (!data.shown) { return; }
    boxes = data.units.shape.map(boxOf);
    sides = ["map-left", "map-right"].map(function (id, s) { return makeMap(s, id); });
    whole();
    ground();
    choose(choice ? Number(choice.value) : 0);
    ["show-moved", "show-names", "show-roads", "show-units"].forEach(function (id) {
      if (byId(id)) { byId(id).addEventListener("change", show); }
    });
    byId("whole").addEventListener("click", whole);
    new ResizeObserver(resized).observe(document.querySelector(".maps"));
    byId("find").addEventListener("submit", function (event) { event.preventDefault(); find(byId("unit").value); });
    document.querySelectorAll("tr[data-a]").forEach(function (row) {
      row.querySelector("button").addEventListener("click", function () { mark(row); });
    });
    document.addEventListener("keydown", function (event) {
      if (event.key === "Escape") { pointed = null; keep(null); }
    });
    window.addEventListener("beforeprint", function () { print(true); });
    window.addEventListener("afterprint", function () { print(false); });
  }

  start();
}());
