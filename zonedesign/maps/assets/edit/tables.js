/* The tables: what it costs, what is broken, levels, zones, units and changes, drawn anew after an edit. */
const tables = (() => {
  const get = (id) => document.getElementById(id), { element, button, change } = words;
  const PAGE = 50, MOST = 100;
  const view = { sort: "id", down: 1, page: 0, find: "", zone: "any" };
  const LISTED = ["any", "none", "selected"];

  /* Put rows in the place of the old: those that read as before stay, so that little is drawn anew, and the focus
     stays where it was. A row is [what it reads, how it is made]. */
  function redraw(body, rows) {
    const active = document.activeElement, key = active && body.contains(active) ? active.dataset.key : null, old = new Map();
    const wanted = new Set(rows.map(([reads]) => reads));
    [...body.children].forEach((row) => { if (wanted.has(row.reads) && !old.has(row.reads)) { old.set(row.reads, row); } else { row.remove(); } });
    rows.forEach(([reads, make], k) => {
      const row = old.get(reads) || make();
      row.reads = reads;
      if (body.children[k] !== row) { body.insertBefore(row, body.children[k] || null); }
    });
    if (key && !body.contains(document.activeElement)) {
      const again = [...body.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key);
      if (again) { again.focus(); }
    }
  }

  function cells(row, values, first = "th") {
    values.forEach((value, k) => {
      const made = element(k === 0 ? first : "td", k === 0 ? "" : "n");
      if (k === 0 && first === "th") { made.scope = "row"; }
      made.append(...[].concat(value));
      row.append(made);
    });
    return row;
  }

  const small = (text) => (text ? [element("small", "delta", text)] : []);

  const brokenIn = (state) => state.verdicts.filter((row) => !row.passed);

  function facts() {
    const now = plan.now, first = plan.first, weights = data.objective.weights, rows = [];
    const term = (state, name) => (state.terms ? state.terms[name] : undefined);
    const share = (name, title) => (term(now, name) === undefined && term(first, name) === undefined ? null
      : [title, weights[name] || "", words.percent(term(first, name)), words.percent(term(now, name)), sized(term(now, name), term(first, name), 100, 2, " %")]);
    const sized = (a, b, times_, decimals, unit_) => { const text = change(a * times_, b * times_, decimals); return text ? text + unit_ : ""; };
    const moved = now.zone.filter((id, unit) => id !== first.zone[unit]).length;
    const hours = exact.fsum(data.hours.filter((_, unit) => now.zone[unit] !== first.zone[unit]));
    const none = (state) => state.zone.filter((id) => id === null).length;
    rows.push(["Objective", "", words.mean(first.value, 4), words.mean(now.value, 4), change(now.value, first.value, 4)]);
    rows.push(["Mean minutes from the centre", weights.mean_minutes || "", words.mean(term(first, "mean_minutes"), 3), words.mean(term(now, "mean_minutes"), 3), change(term(now, "mean_minutes"), term(first, "mean_minutes"), 3)]);
    [["moved", "Share of hours that change zone, against today"], ["crossing", "Share of hours across a border"], ["boundary", "Share of boundary that is cut"]]
      .map(([name, title]) => share(name, title)).forEach((row) => { if (row) { rows.push(row); } });
    rows.push(["Rules broken", "", ...counts(brokenIn(first).length, brokenIn(now).length)]);
    rows.push(["Zones", "", ...counts(first.zones.size, now.zones.size)]);
    rows.push(["Units in no zone", "", ...counts(none(first), none(now))]);
    rows.push(["Units in another zone than at the start", "", "", words.number(moved), ""]);
    rows.push(["Hours in another zone than at the start", "", "", words.hours(hours), ""]);
    redraw(get("facts").tBodies[0], rows.map((row) => [row.join("|"), () => cells(element("tr"), row.map(String))]));
    get("head-facts").replaceChildren(...[
      ["Objective", words.mean(now.value, 3), change(now.value, first.value, 3)],
      ["Mean minutes", words.mean(term(now, "mean_minutes"), 2), change(term(now, "mean_minutes"), term(first, "mean_minutes"), 2)],
      ["Rules broken", words.number(brokenIn(now).length), change(brokenIn(now).length, brokenIn(first).length)]
    ].map(([what, figure, by]) => {
      const box = element("div"), dd = element("dd", "", figure);
      if (by) { dd.append(" ", element("small", "delta", by)); }
      box.append(element("dt", "", what), dd);
      return box;
    }));
    get("count").textContent = plan.counted(now.zones.size, "zone");
  }

  const counts = (before, now) => [words.number(before), words.number(now), change(now, before)];

  function broken() {
    const state = plan.now, rows = brokenIn(state);
    get("broken-none").hidden = rows.length > 0;
    get("broken-heading").textContent = rows.length ? `Rules broken (${rows.length})` : "Rules broken";
    const lines = rows.slice(0, MOST).map((row, k) => [`${k}|${words.broken(row)}`, () => {
      const item = element("li"), says = words.broken(row);
      const key = `${row.rule}:${row.zone}:${row.quantity}`;
      item.append(element("span", "", says), " ");
      const look = button("Show me", "show:" + key, () => {
        const place = rules.place(row, plan.now);
        chart.show(place);
        const which = place.length <= 5 ? `: ${place.map(words.unit).join(", ")}` : "";
        page.say(`${says}. ${place.length ? `${plan.counted(place.length, "unit")} marked on the map${which}.` : ""}`);
      }, "plain");
      const choose = button("Select", "select:" + key, () => { choosing.set(rules.place(row, plan.now)); }, "plain");
      [look, choose].forEach((each) => each.setAttribute("aria-describedby", `broken-${k}`));
      item.firstChild.id = `broken-${k}`;
      item.append(look, " ", choose);
      return item;
    }]);
    if (rows.length > MOST) { lines.push([`more|${rows.length}`, () => element("li", "", `and ${words.number(rows.length - MOST)} more`)]); }
    redraw(get("broken"), lines);
  }

  function totals() {
    const now = byLevel(plan.now), first = byLevel(plan.first);
    const names = [...data.levels.map((level) => level.name), ...[...now.keys()].filter((name) => name !== null && !rules.levels.has(name)), null];
    redraw(get("totals").tBodies[0], names.map((name) => {
      const a = now.get(name) || NOTHING, b = first.get(name) || NOTHING, level = name === null ? null : rules.levels.get(name);
      const reads = JSON.stringify([name, a.zones, a.customers, a.hours, a.mean, a.worst]);
      return [reads, () => totalRow(name, a, b, level)];
    }));
  }

  function totalRow(name, a, b, level) {
    const title = [name === null ? "All levels" : words.level(name), ...(level && level.says ? [element("small", "", level.says)] : [])];
    return cells(element("tr", name === null ? "sum" : ""), [title, figure(a.zones, b.zones), figure(a.customers, b.customers),
      [words.hours(a.hours), ...small(change(a.hours, b.hours, words.whole ? 0 : 1))],
      [words.mean(a.mean, 2), ...small(change(a.mean, b.mean, 2))], [words.minutes(a.worst), ...small(change(a.worst, b.worst, 1))]]);
  }

  const figure = (now, before) => [words.number(now), ...small(change(now, before))];
  const NOTHING = { zones: 0, customers: data.customers ? 0 : null, hours: 0, mean: NaN, worst: NaN };

  const levelsOf = new WeakMap();

  function byLevel(state) {
    if (levelsOf.has(state)) { return levelsOf.get(state); }
    const found = new Map();
    levelsOf.set(state, found);
    const add = (name, zones) => {
      const units = zones.flatMap((zone) => zone.units), there = zones.flatMap((zone) => [...zone.there]);
      found.set(name, {
        zones: zones.length, hours: exact.fsum(units.map((unit) => data.hours[unit])),
        customers: data.customers ? exact.fsum(units.map((unit) => data.customers[unit])) : null,
        mean: rules.mean(units, there), worst: Math.max(...zones.map((zone) => zone.worst))
      });
    };
    const zones = [...state.figures.values()];
    new Set(zones.map((zone) => zone.level)).forEach((name) => add(name, zones.filter((zone) => zone.level === name)));
    if (zones.length) { add(null, zones); }
    return found;
  }

  function zones() {
    const state = plan.now, first = plan.first, checks = new Map();
    state.verdicts.forEach((row) => {
      if (row.zone === null) { return; }
      const [met, all] = checks.get(row.zone) || [0, 0];
      checks.set(row.zone, [met + row.passed, all + 1]);
    });
    const value = {
      id: (zone) => zone.id, level: (zone) => zone.level, customers: (zone) => zone.customers || 0, hours: (zone) => zone.hours,
      mean: (zone) => zone.mean, worst: (zone) => zone.worst, broken: (zone) => checks.get(zone.id)[1] - checks.get(zone.id)[0]
    }[view.sort];
    const order = [...state.figures.values()].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      const by = typeof x === "string" ? x.localeCompare(y, "en-GB", { numeric: true }) : (Number.isNaN(x) - Number.isNaN(y)) || x - y;
      return view.down * by || a.id.localeCompare(b.id, "en-GB", { numeric: true });
    });
    redraw(get("zones").tBodies[0], order.map((zone) => [zoneReads(zone, checks.get(zone.id)), () => zoneRow(zone, first.figures.get(zone.id), checks.get(zone.id))]));
    document.querySelectorAll("#zones tbody tr").forEach((row) => {
      if (row.dataset.zone === actions.zone) { row.setAttribute("aria-current", "true"); } else { row.removeAttribute("aria-current"); }
    });
    document.querySelectorAll("#zones thead button").forEach((each) => {
      const head = each.closest("th");
      if (each.dataset.sort === view.sort) { head.setAttribute("aria-sort", view.down > 0 ? "ascending" : "descending"); } else { head.removeAttribute("aria-sort"); }
    });
  }

  const zoneReads = (zone, checks) => JSON.stringify([zone.id, zone.level, zone.units.length, zone.hours, zone.customers, zone.mean, zone.worst, checks,
    plan.now.names.get(zone.id), plan.now.zones.get(zone.id).colour, plan.now.locked.has(zone.id)]);

  function zoneRow(zone, was, [met, all]) {
    const row = element("tr"), locked = plan.now.locked.has(zone.id), before = was || {};
    const name = button("", "zone:" + zone.id, () => { actions.choose(zone.id); chart.show(plan.now.figures.get(zone.id).units); page.say(`Zone ${words.zone(zone.id)} is marked on the map.`); }, "zone");
    name.append(chip(zone), element("span", "zone-id", zone.id));
    if (plan.now.names.get(zone.id)) { name.append(" ", element("span", "zone-name", plan.now.names.get(zone.id))); }
    const lock = button("Lock", "lock:" + zone.id, () => actions.lock(zone.id), "lock");
    lock.setAttribute("aria-pressed", String(locked));
    lock.setAttribute("aria-label", `Lock ${zone.id}`);
    const rule = element("span", met === all ? "" : "bad", `${met === all ? "" : "✗ "}${met} of ${all}`);
    cells(row, [[name, ...(was ? [] : [element("small", "delta", "new")])], "", figure(zone.customers, before.customers),
      [words.hours(zone.hours), ...small(change(zone.hours, before.hours, words.whole ? 0 : 1))],
      [words.mean(zone.mean), ...small(change(zone.mean, before.mean, 1))],
      [words.minutes(zone.worst), ...small(change(zone.worst, before.worst, 1))], [rule], [lock]]);
    row.cells[1].className = row.cells[7].className = "";
    row.cells[1].textContent = zone.level;
    row.dataset.zone = zone.id;
    return row;
  }

  function chip(zone) {
    const NS = "http://www.w3.org/2000/svg", svg = document.createElementNS(NS, "svg"), rect = document.createElementNS(NS, "rect");
    const level = chart.levelNumber(zone.level) % 6, colour = plan.now.zones.get(zone.id).colour;
    [["width", 20], ["height", 14], ["aria-hidden", "true"], ["class", "chip"]].forEach(([key, value]) => svg.setAttribute(key, value));
    [["width", 20], ["height", 14], ["fill", `url(#zone-${colour}-${level})`]].forEach(([key, value]) => rect.setAttribute(key, value));
    svg.append(rect);
    return svg;
  }

  /* The units that the list shows: containing a text, in a zone, in none, or selected. */
  function listed() {
    const text = view.find.trim().toLowerCase(), zone = plan.now.zone;
    return data.ids.map((_, unit) => unit).filter((unit) => (
      (view.zone === "any" || (view.zone === "none" ? zone[unit] === null : view.zone === "selected" ? choosing.has(unit) : "zone " + zone[unit] === view.zone)) &&
      (!text || words.unit(unit).toLowerCase().includes(text))
    ));
  }

  function units() {
    const all = listed(), last = Math.max(0, Math.ceil(all.length / PAGE) - 1), state = plan.now;
    view.page = Math.min(view.page, last);
    const from = view.page * PAGE, shown = all.slice(from, from + PAGE);
    get("units-caption").textContent = all.length
      ? `Units ${words.number(from + 1)} to ${words.number(from + shown.length)} of ${words.number(all.length)}; a tick selects one.` : "No unit is listed: search for another text, or in another zone.";
    get("earlier").disabled = view.page === 0;
    get("later").disabled = view.page === last;
    redraw(get("units").tBodies[0], shown.map((unit) => {
      const zone = state.zone[unit] === null ? null : state.figures.get(state.zone[unit]), k = zone ? zone.units.indexOf(unit) : -1;
      const reads = JSON.stringify([unit, choosing.has(unit), zone && [zone.id, zone.centre === unit, zone.there[k], zone.reach[k]]]);
      return [reads, () => unitRow(unit, zone, k)];
    }));
  }

  function unitRow(unit, zone, k) {
    const tick = element("input"), row = element("tr"), label = element("label", "tick-cell");
    tick.type = "checkbox";
    tick.checked = choosing.has(unit);
    tick.dataset.key = "tick:" + unit;
    tick.setAttribute("aria-label", `Select ${data.ids[unit]}`);
    tick.addEventListener("change", () => choosing.toggle(unit, true));
    label.append(tick);
    const look = button(words.unit(unit), "unit:" + unit, () => { chart.show([unit]); page.say(`${words.unit(unit)} is marked on the map.`); }, "zone");
    cells(row, [[label], [look], zone ? zone.id : "none", data.customers ? words.number(data.customers[unit]) : "–", words.number(data.hours[unit], 1),
      zone ? words.minutes(zone.there[k]) : "–", zone ? words.minutes(zone.reach[k]) : "–"], "td");
    row.cells[1].className = row.cells[2].className = "";
    if (zone && zone.centre === unit) { row.cells[1].append(element("small", "", "centre")); }
    if (choosing.has(unit)) { row.className = "chosen"; }
    return row;
  }

  function log() {
    const entries = plan.log, rows = entries.slice(-MOST).map((entry, k) => [`${Math.max(0, entries.length - MOST) + k}`, () => {
      const row = cells(element("tr"), [new Date(entry.time).toLocaleTimeString("en-GB"), entry.what, entry.reason, words.mean(entry.objective, 4), String(entry.broken)], "td");
      row.cells[1].className = row.cells[2].className = "";
      return row;
    }]).reverse();
    redraw(get("log").tBodies[0], rows.length ? rows : [["none", () => cells(element("tr"), ["None yet.", "", "", "", ""], "td")]]);
  }

  function all() { facts(); broken(); totals(); zones(); units(); log(); }

  return { all, units, zones, listed, view, LISTED, get };
})();
