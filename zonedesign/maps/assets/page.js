/* The review page's behaviour: pointing, choosing and sorting. Texts become text nodes, never markup. */
var zonedesign = (function () {
  "use strict";
  var INK = "#1c2a33", ACCENT = "#0b5c7a";
  var data = JSON.parse(document.getElementById("data").textContent);
  var zones = [], map = null, chosen = null, moved = false;
  var still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  function element(tag, name, text) {
    var made = document.createElement(tag);
    if (name) { made.className = name; }
    if (text !== undefined) { made.textContent = text; }
    return made;
  }

  function tip(title, rows) {
    var box = element("div", "tip"), list = element("dl");
    box.appendChild(element("strong", "", title));
    rows.forEach(function (row) {
      if (row[1] === "") { return; }
      list.appendChild(element("dt", "", row[0]));
      list.appendChild(element("dd", "", row[1]));
    });
    box.appendChild(list);
    return box;
  }

  function title(zone) { return zone.name ? zone.zone + " " + zone.name : zone.zone; }

  function zoneTip(k) {
    var zone = data.zones[k];
    return tip(title(zone), [
      ["Level", zone.level], ["Customers", zone.customers], ["Hours a week", zone.hours],
      ["Mean minutes", zone.mean], ["Worst minutes", zone.worst], ["Rules met", zone.rules]
    ]);
  }

  function unitTip(k) {
    var unit = data.units[k], zone = data.zones[unit[2]];
    var rows = [
      ["Zone", title(zone)], ["Customers", unit[3]], ["Hours a week", unit[4]],
      ["Minutes from the centre", unit[5]], ["Minutes, the longer way", unit[6]]
    ];
    if (unit.length > 7) {
      rows.push(["In this zone in good plans", unit[7]], ["Otherwise most often in", unit[8]]);
    }
    return tip(unit[1] && unit[1] !== unit[0] ? unit[0] + " " + unit[1] : unit[0], rows);
  }

  function open(made) {
    map = made;
    map.fitBounds(frame(), { animate: false });
  }

  function frame() {
    var b = data.bounds;
    return [[b[1], b[0]], [b[3], b[2]]];
  }

  function whole() { map.fitBounds(frame(), { animate: !still, padding: [8, 8] }); }

  /* Called by Folium's layers for every zone and every unit. */
  function zone(feature, layer) {
    var k = feature.properties.k, at = data.zones[k], box = element("div", "label");
    box.appendChild(element("b", "", at.zone));
    if (at.name) { box.appendChild(element("span", "", at.name)); }
    zones[k] = {
      layer: layer, box: box,
      outline: L.geoJSON(feature, { pane: "lines", interactive: false, style: { color: INK, weight: 1.2, fill: false } }),
      label: L.marker([at.label[0], at.label[1]], {
        pane: "labels", interactive: false, keyboard: false,
        icon: L.divIcon({ html: box, className: "", iconSize: [0, 0] })
      })
    };
    layer.bindTooltip(function () { return zoneTip(k); }, { sticky: true });
    layer.on({
      add: function () { map.addLayer(zones[k].outline); map.addLayer(zones[k].label); window.setTimeout(crowd, 0); },
      remove: function () { map.removeLayer(zones[k].outline); map.removeLayer(zones[k].label); crowd(); },
      click: function () { choose(k, false); }
    });
  }

  function unit(feature, layer) {
    var k = feature.properties.k;
    layer.bindTooltip(function () { return unitTip(k); }, { sticky: true });
    layer.on("click", function () { choose(data.units[k][2], false); });
  }

  /* Names appear where there is room; of labels that would lie on one another the larger zone's stays. */
  function crowd() {
    var size = map.getContainer().getBoundingClientRect(), placed = [], centre = map.getCenter();
    var metres = 40075016.686 * Math.cos(centre.lat * Math.PI / 180) / Math.pow(2, map.getZoom() + 8);
    var order = zones.map(function (_, k) { return k; }).filter(function (k) {
      return zones[k] && map.hasLayer(zones[k].label);
    });
    order.sort(function (a, b) { return data.zones[b].room - data.zones[a].room || a - b; });
    order.forEach(function (k) {
      var name = zones[k].box.querySelector("span"), room = 2 * data.zones[k].room / metres;
      zones[k].box.classList.remove("crowded");
      if (name) { name.style.display = room > 6.2 * data.zones[k].name.length && room > 40 ? "" : "none"; }
    });
    order.forEach(function (k) {
      var box = zones[k].box.getBoundingClientRect();
      if (box.right < size.left || box.left > size.right || box.bottom < size.top || box.top > size.bottom) { return; }
      var clash = placed.some(function (other) {
        return box.left < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top;
      });
      if (clash) { zones[k].box.classList.add("crowded"); } else { placed.push(box); }
    });
  }

  function choose(k, fly) {
    if (chosen !== null) {
      zones[chosen].outline.setStyle({ color: INK, weight: 1.2 });
      row(chosen).removeAttribute("aria-current");
    }
    chosen = k;
    zones[k].outline.setStyle({ color: ACCENT, weight: 4 });
    zones[k].outline.bringToFront();
    row(k).setAttribute("aria-current", "true");
    document.getElementById("said").textContent = title(data.zones[k]) + " is marked on the map" +
      (map.hasLayer(zones[k].layer) ? "." : "; its level is switched off.");
    if (fly) {
      map.fitBounds(zones[k].layer.getBounds(), { animate: !still, padding: [30, 30], maxZoom: 14 });
      if (window.matchMedia("(max-width: 68rem)").matches) {
        document.getElementById("map-frame").scrollIntoView({ behavior: still ? "auto" : "smooth" });
      }
    } else {
      row(k).scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
    }
  }

  function row(k) { return document.querySelector("#zones tbody tr[data-k='" + k + "']"); }

  function sortable() {
    var heads = Array.prototype.slice.call(document.querySelectorAll("#zones thead th"));
    var body = document.querySelector("#zones tbody");
    heads.forEach(function (head, column) {
      head.querySelector("button").addEventListener("click", function () {
        var down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
        Array.prototype.slice.call(body.rows).sort(function (a, b) {
          return compare(a.cells[column].textContent, b.cells[column].textContent, down);
        }).forEach(function (each) { body.appendChild(each); });
      });
    });
  }

  function compare(a, b, down) {
    var x = parseFloat(a.replace(/[✗,\s]/g, "")), y = parseFloat(b.replace(/[✗,\s]/g, ""));
    if (/^[✗\s]*[\d,.]+( of \d+)?\s*$/.test(a) && /^[✗\s]*[\d,.]+( of \d+)?\s*$/.test(b)) { return down * (x - y); }
    /* What is hidden or unknown comes last either way. */
    var known = /\d/.test(b) - /\d/.test(a);
    return known || down * a.localeCompare(b, "en-GB", { numeric: true });
  }

  function forPrint() {
    var box = document.getElementById("map-frame");
    box.style.width = "680px";
    box.style.height = "600px";
    map.invalidateSize({ animate: false });
    map.fitBounds(frame(), { animate: false });
  }

  function afterPrint() {
    var box = document.getElementById("map-frame");
    box.style.width = box.style.height = "";
    map.invalidateSize({ animate: false });
    map.fitBounds(frame(), { animate: false });
  }

  function start() {
    sortable();
    if (!map) { return; }
    var control = map.getContainer().querySelector(".leaflet-control-layers");
    control.querySelector("section").setAttribute("aria-label", "Layers");
    document.getElementById("layers").appendChild(control);
    document.getElementById("whole").addEventListener("click", whole);
    document.querySelectorAll("#zones tbody tr").forEach(function (each) {
      each.addEventListener("click", function () { choose(Number(each.dataset.k), true); });
    });
    map.on("dragstart zoomanim", function () { moved = true; });
    map.on("zoomend resize", crowd);
    map.on("resize", function () { if (!moved) { map.fitBounds(frame(), { animate: false }); } });
    window.addEventListener("beforeprint", forPrint);
    window.addEventListener("afterprint", afterPrint);
    crowd();
  }

  return { open: open, zone: zone, unit: unit, start: start };
}());
