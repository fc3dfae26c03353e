/* The map: units painted by zone on a canvas, borders of zones, centres, and marks for what is chosen or broken. */
const chart = (() => {
  const INK = "#1c2a33", ACCENT = "#0b5c7a", BAD = "#a3140f";
  const PAINT = ["#a0c4e7", "#f3e7ac", "#ffc4cf", "#7ccfb8", "#f3ac94", "#cfdb70", "#b8e7ff", "#e7e7e7"];
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const patterns = new Map(), outlines = new Map(), labels = new Map();
  let map = null, drawn = null, group = null, units = [], spots = [], borders = [], marks = {}, moved = false, crowded = false;

  const degrees = (x, y) => [data.map.origin[1] + y / 10 ** data.map.decimals, data.map.origin[0] + x / 10 ** data.map.decimals];

  function line(steps) {
    const found = [];
    for (let k = 0, x = 0, y = 0; k < steps.length; k += 2) {
      x += steps[k];
      y += steps[k + 1];
      found.push(degrees(x, y));
    }
    return found;
  }

  async function start() {
    if (!data.map) { return; }
    drawn = await times.unpackJson(data.map.drawn);
    map = L.map("map", {
      zoomSnap: 0.1, zoomDelta: 0.5, wheelPxPerZoomLevel: 90, attributionControl: false, minZoom: 5, maxZoom: 18,
      boxZoom: false, doubleClickZoom: false
    });
    L.control.scale().addTo(map);
    [["units", 400], ["roads", 410], ["lines", 430], ["marks", 440], ["labels", 450]].forEach(([name, height]) => {
      const pane = map.createPane(name);
      pane.style.zIndex = height;
      if (name !== "units") { pane.style.pointerEvents = "none"; }
    });
    map.fitBounds(frame(), { animate: false });
    spots = drawn.points.map(([x, y]) => degrees(x, y));
    drawUnits();
    drawGround();
    borders = data.map.as_points ? [] : bordersOf(drawn.units);
    ["aside", "chosen", "shown"].forEach((name) => { marks[name] = L.layerGroup().addTo(map); });
    paintAll();
    map.on("zoomend resize", crowd);
    map.on("dragstart zoomanim", () => { moved = true; });
    map.on("resize", () => { if (!moved) { map.fitBounds(frame(), { animate: false }); } });
    new ResizeObserver(() => map.invalidateSize({ animate: false, pan: false })).observe(map.getContainer());
    crowd();
  }

  function frame() {
    const [west, south, east, north] = data.map.bounds;
    return [[south, west], [north, east]];
  }

  function drawUnits() {
    const renderer = L.canvas({ pane: "units", padding: 0.3, tolerance: 2 });
    group = L.featureGroup();
    units = spots.map((spot, unit) => {
      const style = { renderer, pane: "units", color: INK, weight: 0.4, opacity: 0.45, fillOpacity: 1 };
      const layer = data.map.as_points ? L.circleMarker(spot, { ...style, radius: 6, weight: 1 })
        : L.polygon(drawn.units[unit].map((part) => part.map(line)), { ...style, smoothFactor: 0.6 });
      layer.unit = unit;
      layer.on("click", (event) => {
        const mouse = event.originalEvent;
        choosing.toggle(unit, mouse.shiftKey || mouse.ctrlKey || mouse.metaKey || adding());
      });
      return layer.addTo(group);
    });
    group.bindTooltip((layer) => tip(layer.unit), { sticky: true, className: "unit-tip" });
    group.addTo(map);
  }

  const adding = () => document.getElementById("adding").checked;

  function drawGround() {
    const roads = L.canvas({ pane: "roads", padding: 0.3 }), grey = { color: "#5f6b73", weight: 1, fillColor: hatch("#c9d0d4", "#5f6b73", 6), fillOpacity: 1 };
    drawn.excluded.forEach((shape) => L.polygon(shape.map((part) => part.map(line)), { ...grey, pane: "roads", renderer: roads, interactive: false }).addTo(map));
    const box = document.getElementById("roads"), lines = drawn.roads.map((kind) => ({
      near: kind.width < 1 && drawn.roads.length > 1, drawn: L.polyline(kind.lines.map(line), {
        pane: "roads", renderer: roads, color: kind.colour, weight: kind.width, opacity: 0.75, interactive: false
      })
    }));
    /* Streets would blacken a town that is seen from far away: they come with the second step nearer. */
    const follow = () => lines.forEach((kind) => {
      if (box.checked && !(kind.near && map.getZoom() < map.getBoundsZoom(frame()) + 0.9)) { kind.drawn.addTo(map); } else { kind.drawn.remove(); }
    });
    box.addEventListener("change", follow);
    map.on("zoomend resize", follow);
    follow();
    box.closest("label").hidden = !drawn.roads.length;
    if (data.graph) {
      data.graph.bridges.forEach(([a, b]) => L.polyline([spots[a], spots[b]], { pane: "lines", color: INK, weight: 2.5, dashArray: "6 4", interactive: false }).addTo(map));
    }
  }

  /* The boundary of every unit as chains of points, each with the unit on the other side (-1: none). */
  function bordersOf(shapes) {
    const sides = new Map(), ids = new Map();
    const vertex = (x, y) => {
      const key = x * 67108864 + y;
      if (!ids.has(key)) { ids.set(key, ids.size); }
      return ids.get(key);
    };
    const edge = (a, b) => Math.min(a, b) * 16777216 + Math.max(a, b);
    const rings = shapes.map((parts) => parts.flat().map((steps) => {
      const points = [];
      for (let k = 0, x = 0, y = 0; k < steps.length; k += 2) { x += steps[k]; y += steps[k + 1]; points.push([x, y, vertex(x, y)]); }
      return points;
    }));
    rings.forEach((list, unit) => list.forEach((points) => {
      for (let k = 1; k < points.length; k++) {
        const key = edge(points[k - 1][2], points[k][2]);
        sides.set(key, sides.has(key) ? [sides.get(key)[0], unit] : [unit, -1]);
      }
    }));
    return rings.map((list, unit) => list.flatMap((points) => {
      const chains = [];
      for (let k = 1; k < points.length; k++) {
        const [one, two] = sides.get(edge(points[k - 1][2], points[k][2])), other = one === unit ? two : one;
        const last = chains[chains.length - 1];
        if (!last || last.other !== other) { chains.push({ other, line: [degrees(points[k - 1][0], points[k - 1][1])] }); }
        chains[chains.length - 1].line.push(degrees(points[k][0], points[k][1]));
      }
      return chains;
    }));
  }

  function tile(size, ground, draw) {
    const ratio = window.devicePixelRatio || 1, canvas = document.createElement("canvas");
    canvas.width = canvas.height = size * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.fillStyle = ground;
    context.fillRect(0, 0, size, size);
    draw(context);
    const made = context.createPattern(canvas, "repeat");
    made.setTransform(new DOMMatrix().scale(1 / ratio));
    return made;
  }

  function stroke(context, lines, colour, width = 1) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    lines.forEach(([a, b, c, d]) => { context.moveTo(a, b); context.lineTo(c, d); });
    context.stroke();
  }

  const hatch = (ground, colour, size) => tile(size, ground, (context) => stroke(context, [[0, 0, size, size], [size, 0, 0, size]], colour));

  /* The patterns of `palette.py`, on a zone's colour. */
  const PATTERNS = [
    () => undefined,
    (c) => stroke(c, [[-2, 2, 2, -2], [0, 8, 8, 0], [6, 10, 10, 6]], INK),
    (c) => { c.fillStyle = INK; [[2, 2], [6, 6]].forEach(([x, y]) => { c.beginPath(); c.arc(x, y, 1.1, 0, 7); c.fill(); }); },
    (c) => stroke(c, [[0, 0, 8, 8], [8, 0, 0, 8]], INK),
    (c) => stroke(c, [[0, 4, 8, 4]], INK),
    (c) => stroke(c, [[4, 0, 4, 8]], INK)
  ];

  function fill(zone) {
    const key = zone ? `${zone.colour}-${levelNumber(zone.level) % PATTERNS.length}` : "none";
    if (!patterns.has(key)) {
      patterns.set(key, zone ? tile(8, PAINT[zone.colour], PATTERNS[levelNumber(zone.level) % PATTERNS.length]) : hatch("#ffffff", BAD, 7));
    }
    return patterns.get(key);
  }

  /* A level that the problem lacks is drawn like one more. */
  const levelNumber = (name) => { const at = data.levels.findIndex((level) => level.name === name); return at < 0 ? data.levels.length : at; };

  function paintAll() {
    units.forEach((layer, unit) => layer.setStyle({ fillColor: fill(zoneOf(unit)) }));
    plan.now.figures.forEach((zone) => outline(zone));
    marked();
  }

  const zoneOf = (unit) => (plan.now.zone[unit] === null ? null : plan.now.zones.get(plan.now.zone[unit]));

  /* Paint what an edit changed and nothing else. */
  function follow(before) {
    if (!map) { return; }
    const now = plan.now, changed = plan.touched(before, now);
    for (const [id, zone] of now.zones) { const was = before.zones.get(id); if (!was || was.colour !== zone.colour) { changed.add(id); } }
    now.zone.forEach((id, unit) => {
      if (id !== before.zone[unit] || (id !== null && changed.has(id) && paintOf(now, id) !== paintOf(before, id))) {
        units[unit].setStyle({ fillColor: fill(zoneOf(unit)) });
      }
    });
    const renamed = [...now.names].filter(([id, name]) => before.names.get(id) !== name).map(([id]) => id);
    const locks = [...now.zones.keys()].filter((id) => now.locked.has(id) !== before.locked.has(id));
    new Set([...changed, ...renamed, ...locks]).forEach((id) => {
      if (now.figures.has(id)) { outline(now.figures.get(id)); } else { forget(id); crowded = true; }
    });
    marked();
    if (crowded) { crowd(); }
  }

  const paintOf = (state, id) => { const zone = state.zones.get(id); return zone ? zone.colour + "-" + zone.level : ""; };

  function forget(id, kinds = [outlines, labels]) {
    kinds.forEach((layers) => { if (layers.has(id)) { layers.get(id).remove(); layers.delete(id); } });
  }

  function outline(zone) {
    const lines = borders.length ? around(zone.units) : [];
    forget(zone.id, [outlines]);
    if (lines.length) { outlines.set(zone.id, L.polyline(lines, { pane: "lines", renderer: linesCanvas(), color: INK, weight: 1.7, interactive: false }).addTo(map)); }
    const reads = JSON.stringify([zone.centre, plan.now.names.get(zone.id), plan.now.locked.has(zone.id)]), known = labels.get(zone.id);
    if (!known || known.reads !== reads) { label(zone, reads); } else { known.room = zone.units.length; }
  }

  /* A zone's id and name at its centre; where labels changed, the crowd of them is sorted out anew. */
  function label(zone, reads) {
    const text = document.createElement("div");
    forget(zone.id, [labels]);
    crowded = true;
    if (zone.centre === null) { return; }
    text.className = "label";
    text.innerHTML = '<svg width="16" height="16" viewBox="0 0 18 18" aria-hidden="true"><path d="M9 1.5 16.5 9 9 16.5 1.5 9Z" fill="#fff" stroke="#1c2a33" stroke-width="2"/><circle cx="9" cy="9" r="2.2" fill="#1c2a33"/></svg>';
    const id = document.createElement("b");
    id.textContent = zone.id + (plan.now.locked.has(zone.id) ? " (locked)" : "");
    const name = document.createElement("span");
    name.textContent = plan.now.names.get(zone.id) || "";
    text.append(id, name);
    labels.set(zone.id, L.marker(spots[zone.centre], {
      pane: "labels", interactive: false, keyboard: false, icon: L.divIcon({ html: text, className: "", iconSize: [0, 0] })
    }).addTo(map));
    Object.assign(labels.get(zone.id), { box: text, room: zone.units.length, reads });
  }

  const canvases = {};
  const linesCanvas = () => (canvases.lines = canvases.lines || L.canvas({ pane: "lines", padding: 0.3 }));
  const marksCanvas = () => (canvases.marks = canvases.marks || L.canvas({ pane: "marks", padding: 0.3 }));

  /* The lines around some units, where another zone or unit outside the set lies beyond. */
  function around(some) {
    const inside = new Set(some);
    return some.flatMap((unit) => borders[unit].filter((chain) => !inside.has(chain.other)).map((chain) => chain.line));
  }

  /* Draw the marks of one kind around units: a white line under a coloured one, so that it shows on any ground. */
  function mark(kind, some, style) {
    const group = marks[kind];
    group.clearLayers();
    if (!some.length) { return; }
    const base = { pane: "marks", renderer: marksCanvas(), interactive: false };
    if (!borders.length) {
      some.forEach((unit) => L.circleMarker(spots[unit], { ...base, radius: 9, fill: false, ...style }).addTo(group));
      return;
    }
    const lines = around(some);
    if (style.fillColor) {
      some.forEach((unit) => L.polygon(units[unit].getLatLngs(), { ...base, stroke: false, fillColor: style.fillColor, fillOpacity: 0.35, smoothFactor: 0.6 }).addTo(group));
    }
    L.polyline(lines, { ...base, color: "#ffffff", weight: style.weight + 3 }).addTo(group);
    L.polyline(lines, { ...base, ...style }).addTo(group);
  }

  /* Breaks of contiguity, always marked; units in no zone have a pattern of their own. */
  function marked() {
    const aside = [...new Set(plan.now.verdicts.filter((row) => row.rule === "Contiguous" && !row.passed).map((row) => row.zone))]
      .flatMap((id) => rules.pieceAside(plan.now.figures.get(id)));
    const none = plan.now.zone.map((_, unit) => unit).filter((unit) => plan.now.zone[unit] === null);
    const reads = JSON.stringify([aside, none]);
    if (marks.aside.reads === reads) { return; }
    marks.aside.reads = reads;
    mark("aside", [...aside, ...none], { color: BAD, weight: 3, dashArray: "2 5" });
    [...aside, ...none].slice(0, 60).forEach((unit) => {
      const sign = document.createElement("div");
      sign.className = "alarm";
      sign.textContent = "!";
      L.marker(spots[unit], { pane: "labels", interactive: false, keyboard: false, icon: L.divIcon({ html: sign, className: "", iconSize: [0, 0] }) }).addTo(marks.aside);
    });
  }

  function chosen() { if (map) { mark("chosen", choosing.units, { color: ACCENT, weight: 3.5, fillColor: ACCENT }); } }

  /* Zoom to some units and mark them. */
  function show(some) {
    if (!map || !some.length) { return; }
    mark("shown", some, { color: BAD, weight: 4, dashArray: "9 6" });
    const bounds = L.latLngBounds(some.flatMap((unit) => (data.map.as_points ? [spots[unit]] : [units[unit].getBounds().getSouthWest(), units[unit].getBounds().getNorthEast()])));
    moved = true;
    map.fitBounds(bounds, { animate: !still, padding: [40, 40], maxZoom: 14 });
    if (window.matchMedia("(max-width: 68rem)").matches) { document.getElementById("map-frame").scrollIntoView({ block: "nearest" }); }
  }

  function clearShown() { if (map && marks.shown.getLayers().length) { marks.shown.clearLayers(); } }

  function whole() { clearShown(); map.fitBounds(frame(), { animate: !still, padding: [8, 8] }); }

  function tip(unit) {
    const box = document.createElement("div"), list = document.createElement("dl"), head = document.createElement("strong");
    const zone = plan.now.zone[unit] === null ? null : plan.now.figures.get(plan.now.zone[unit]), k = zone ? zone.units.indexOf(unit) : -1;
    head.textContent = words.unit(unit);
    [
      ["Zone", zone ? words.zone(zone.id) : "none"], ["Customers", data.customers ? words.number(data.customers[unit]) : ""],
      ["Hours a week", words.number(data.hours[unit], 1)], ["Minutes from the centre", zone ? words.minutes(zone.there[k]) : ""],
      ["Minutes, the longer way", zone ? words.minutes(zone.reach[k]) : ""]
    ].forEach(([what, figure]) => {
      if (figure === "") { return; }
      list.append(words.element("dt", "", what), words.element("dd", "", figure));
    });
    box.className = "tip";
    box.append(head, list);
    return box;
  }

  /* Of labels that would lie on one another the larger zone's stays; names appear where there is room. */
  function crowd() {
    if (!map) { return; }
    crowded = false;
    const size = map.getContainer().getBoundingClientRect(), placed = [];
    const named = map.getZoom() > map.getBoundsZoom(frame()) + 1.2;
    const order = [...labels.values()].sort((a, b) => b.room - a.room);
    order.forEach((label) => { label.box.classList.remove("crowded"); label.box.classList.toggle("short", !named); });
    const boxes = order.map((label) => label.box.getBoundingClientRect());
    order.forEach((label, k) => {
      const box = boxes[k];
      if (box.right < size.left || box.left > size.right || box.bottom < size.top || box.top > size.bottom) { return; }
      const clash = placed.some((other) => box.left < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top);
      if (clash) { label.box.classList.add("crowded"); } else { placed.push(box); }
    });
  }

  /* The unit under a point of the map's frame, or -1: the one that holds it, else none. */
  function at(point) {
    const spot = map.containerPointToLayerPoint(point);
    return units.findIndex((layer) => layer._containsPoint && layer._pxBounds && layer._pxBounds.contains(spot) && layer._containsPoint(spot));
  }

  return {
    start, follow, chosen, show, clearShown, whole, at, levelNumber, frame, hush: () => group.closeTooltip(),
    get map() { return map; }, get spots() { return spots; }
  };
})();
