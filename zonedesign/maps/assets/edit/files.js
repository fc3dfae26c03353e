/* Files: the plan and the log as CSV, and a plan read from one, refused in the words of `read_plan`. */
const files = (() => {
  const FORMULA = /^[=+\-@\t\r\n]/, NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const counted = plan.counted;
  const listed = (items, most = 5) => (items.length > most
    ? `${items.slice(0, most).join(", ")} and ${(items.length - most).toLocaleString("en-GB")} more` : items.join(", "));
  const thatAre = (number, noun, what) => `${counted(number, noun)} that ${number === 1 ? "is" : "are"} ${what}`;

  /* Letters that two words share in order, as Python's difflib counts them. */
  function shared(a, b) {
    let best = 0, i = 0, j = 0;
    for (let x = 0; x < a.length; x++) {
      for (let y = 0; y < b.length; y++) {
        let k = 0;
        while (x + k < a.length && y + k < b.length && a[x + k] === b[y + k]) { k += 1; }
        if (k > best) { best = k; i = x; j = y; }
      }
    }
    return best ? best + shared(a.slice(0, i), b.slice(0, j)) + shared(a.slice(i + best), b.slice(j + best)) : 0;
  }

  function nearest(name, known) {
    const found = known.map((each) => [2 * shared(each, name) / (each.length + name.length || 1), each]).filter(([score]) => score >= 0.5)
      .sort((a, b) => b[0] - a[0] || (a[1] < b[1] ? 1 : -1));
    return found.length ? `; did you mean '${found[0][1]}'?` : "";
  }

  class Unfit extends Error {
    constructor(message, missing = null) {
      super(message);
      this.missing = missing;
    }
  }

  /* A value as a cell: numbers to the last digit, text that no spreadsheet runs. */
  function cell(value) {
    if (value === null || value === undefined) { return ""; }
    if (typeof value === "number") { return exact.written(value); }
    const text = String(value), safe = FORMULA.test(text) && !NUMBER.test(text) ? "'" + text : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  }

  const line = (values) => values.map(cell).join(",") + "\n";

  /* `plan.csv`: a line for each unit in the problem's order; one in no zone has nothing else either. */
  function planCsv() {
    const state = plan.now, place = new Map();
    state.figures.forEach((zone) => zone.units.forEach((unit, k) => place.set(unit, [zone, k])));
    return line(["unit", "zone", "level", "centre", "minutes", "reach_minutes"]) + data.ids.map((id, unit) => {
      const at = place.get(unit);
      if (!at) { return line([id, null, null, null, null, null]); }
      const [zone, k] = at;
      return line([id, zone.id, zone.level, data.ids[zone.centre], zone.there[k], zone.reach[k]]);
    }).join("");
  }

  function logCsv() {
    return line(["time", "change", "reason", "units", "objective", "rules_broken"]) + plan.log.map((entry) => (
      [entry.time, entry.what, entry.reason, entry.units.join(" "), entry.objective].map(cell).join(",") + "," + entry.broken + "\n"
    )).join("");
  }

  /* Rows of a CSV file as objects, every cell as text. */
  function table(text, name) {
    const rows = parsed(text.replace(/^\uFEFF/, ""));
    if (!rows.length) {
      throw new Unfit(`${name} is empty; a plan is a CSV with the columns unit and zone, and a row for each unit`);
    }
    const [head, ...body] = rows;
    ["unit", "zone"].forEach((column) => {
      if (!head.includes(column)) { throw new Unfit(`${name} has no column '${column}'${nearest(column, head) || `; it has ${listed(head, 8)}`}`); }
    });
    const long = body.findIndex((row) => row.length > head.length);
    if (long >= 0) {
      throw new Unfit(`${name} cannot be read as a table: line ${long + 2} has ${body[long].length} cells and the first ${head.length}; ` +
        "a plan is a CSV with the columns unit and zone");
    }
    return { head, rows: body.map((row) => Object.fromEntries(head.map((column, k) => [column, row[k] || ""]))) };
  }

  function parsed(text) {
    const rows = [];
    let row = [], field = "", quoted = false, some = false;
    const endField = () => { row.push(field); field = ""; };
    const endRow = () => { endField(); if (some) { rows.push(row); } row = []; some = false; };
    for (let k = 0; k < text.length; k++) {
      const sign = text[k];
      if (quoted) {
        if (sign !== '"') { field += sign; } else if (text[k + 1] === '"') { field += '"'; k += 1; } else { quoted = false; }
      } else if (sign === '"' && field === "") { quoted = some = true; } else if (sign === ",") { endField(); some = true; } else if (sign === "\n" || sign === "\r") {
        if (sign === "\r" && text[k + 1] === "\n") { k += 1; }
        endRow();
      } else { field += sign; some = true; }
    }
    endRow();
    return rows;
  }

  const plainText = (text) => { const t = text.trim(); return t.startsWith("'") && FORMULA.test(t.slice(1)) ? t.slice(1) : t; };

  function idOf(text, known) {
    return [text, text.trim(), plainText(text), text.trim().replace(/\.0$/, "")].find((each) => known.has(each)) ?? null;
  }

  /* The rows of a plan in a file, as `setPlan` takes them; `Unfit` says in words what is wrong with it.
     Where only units are missing it says which, for they may be taken as being in no zone. */
  function readPlan(text, name) {
    const { head, rows } = table(text, name), known = new Set(data.ids), out = new Set(data.excluded);
    const texts = rows.map((row) => row.unit.trim()), ids = texts.map((each) => idOf(each, known));
    const empty = texts.filter((each) => each === "").length;
    if (empty) { throw new Unfit(`${name} has ${counted(empty, "row")} without unit; every row needs one`); }
    const seen = new Set(), twice = new Set();
    texts.forEach((each, k) => { const id = ids[k] ?? each; if (seen.has(id)) { twice.add(id); } seen.add(id); });
    if (twice.size) { throw new Unfit(`${name} has ${counted(twice.size, "duplicate unit")}: ${listed([...twice])}; each may occur once`); }
    const strange = texts.filter((each, k) => ids[k] === null && !out.has(each));
    if (strange.length) { throw new Unfit(`${name} names ${thatAre(strange.length, "unit", "not there")}: ${listed(strange)}${nearest(strange[0], data.ids)}`); }
    const found = rows.map((row, k) => ({
      unit: ids[k], zone: plainText(row.zone), level: head.includes("level") ? plainText(row.level) : "",
      centre: head.includes("centre") ? row.centre.trim() : ""
    })).filter((row) => row.unit !== null && row.zone !== "");
    if (!found.length) { throw new Unfit(`${name} gives no unit a zone; it needs 'unit' and 'zone' for each unit`); }
    centres(found, known, out, name);
    const home = new Map(found.map((row) => [row.unit, row.zone])), zones = new Map();
    found.forEach((row) => { if (!zones.has(row.zone)) { zones.set(row.zone, []); } zones.get(row.zone).push(row); });
    const stated = new Map([...zones].sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([zone, group]) => {
      const level = only(group, "level", zone, name), centre = only(group, "centre", zone, name);
      return [zone, { level: level || firstLevel(group), centre: centre && home.has(centre) ? centre : null }];
    }));
    const plain = found.map((row) => ({ unit: row.unit, zone: row.zone, ...stated.get(row.zone) }));
    const left = texts.filter((each, k) => ids[k] === null), missing = data.ids.filter((id) => !home.has(id));
    plain.leftOut = listed(left);
    if (missing.length) {
      throw Object.assign(new Unfit(`the plan gives no zone to ${counted(missing.length, "unit")}: ${listed(missing)}; all need one`, missing), { rows: plain });
    }
    return plain;
  }

  function centres(found, known, out, name) {
    const lost = new Set();
    found.forEach((row) => {
      const id = row.centre ? idOf(row.centre, known) : "";
      if (id === null && !out.has(row.centre)) { lost.add(row.centre); }
      row.centre = id || "";
    });
    if (lost.size) { throw new Unfit(`${name} has ${thatAre(lost.size, "centre", "no unit")}: ${listed([...lost].sort())}${nearest([...lost].sort()[0], data.ids)}`); }
  }

  function only(group, what, zone, name) {
    const stated = [...new Set(group.map((row) => row[what]).filter((value) => value !== ""))];
    if (stated.length > 1) { throw new Unfit(`${name}: zone ${zone} has ${stated.length} ${what}s: ${listed(stated)}; it has one`); }
    return stated[0] || null;
  }

  /* The first level whose bands hold for a zone, else the nearest by hours, then by customers. */
  function firstLevel(group) {
    const units = group.map((row) => data.ids.indexOf(row.unit));
    const hours = units.reduce((sum, unit) => sum + data.hours[unit], 0);
    const people = data.customers ? units.reduce((sum, unit) => sum + data.customers[unit], 0) : null;
    const away = (value, band) => (band && value !== null
      ? Math.max(0, band[0] === null ? 0 : band[0] - value, band[1] === null ? 0 : value - band[1]) : 0);
    const distance = (level) => [away(hours, level.weekly_hours), away(people, level.customers)];
    const fits = data.levels.find((level) => distance(level).every((far) => far <= SLACK));
    return (fits || data.levels.reduce((best, level) => {
      const [a, b] = [distance(level), distance(best)];
      return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]) ? level : best;
    })).name;
  }

  /* Hand a text over as a file, from memory. */
  function save(name, text) {
    const link = document.createElement("a"), url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.href = url;
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    window.setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  return { planCsv, logCsv, readPlan, save, Unfit };
})();
