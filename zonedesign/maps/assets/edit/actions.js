/* Actions: buttons, fields and keys, each a verb of the plan; what cannot be is said and nothing changes. */
const actions = (() => {
  const get = (id) => document.getElementById(id);
  let zone = null, pending = null;

  /* Run a verb with the reason given; say what came of it. */
  function run(verb) {
    try {
      verb(get("reason").value.trim());
      get("reason").value = "";
    } catch (error) {
      if (!(error instanceof plan.Refused)) { throw error; }
      page.say(error.message);
    }
  }

  function start() {
    const on = (id, verb) => get(id).addEventListener("click", verb);
    on("undo", () => { if (!plan.undo()) { page.say("There is nothing to undo."); } });
    on("redo", () => { if (!plan.redo()) { page.say("There is nothing to do again."); } });
    on("move", () => run((reason) => plan.move(choosing.units, get("move-to").value, reason)));
    on("make", () => run((reason) => choose(plan.make(choosing.units, get("make-level").value, reason))));
    on("take-out", () => run((reason) => plan.takeOut(choosing.units, reason)));
    on("clear", () => { choosing.set([]); if (chart.map) { chart.clearShown(); } });
    on("centre", () => run((reason) => {
      const units = choosing.units;
      if (units.length !== 1) { throw new plan.Refused("Select the one unit that is to be a centre."); }
      if (plan.now.zone[units[0]] === null) { throw new plan.Refused(`${data.ids[units[0]]} is in no zone: move it to one first.`); }
      plan.recentre(plan.now.zone[units[0]], units[0], reason);
    }));
    on("lock", () => lock(get("zone").value));
    on("relevel", () => run((reason) => plan.relevel(get("zone").value, get("level").value, reason)));
    on("merge", () => run((reason) => plan.merge(get("zone").value, get("merge-into").value, reason)));
    on("split", () => run((reason) => plan.split(get("zone").value, choosing.units, reason)));
    on("best", () => run((reason) => plan.recentre(get("zone").value, null, reason)));
    on("zone-units", () => selectMore(choosing.ofZone(get("zone").value)));
    get("zone").addEventListener("change", () => choose(get("zone").value));
    finding(on);
    keeping(on);
    fillLevels();
    document.addEventListener("keydown", keys);
    document.querySelectorAll("#zones thead button").forEach((each) => each.addEventListener("click", () => {
      tables.view.down = tables.view.sort === each.dataset.sort ? -tables.view.down : 1;
      tables.view.sort = each.dataset.sort;
      tables.zones();
    }));
    follow();
  }

  function lock(id) { run((reason) => plan.lock(id, !plan.now.locked.has(id), reason)); }

  function selectMore(units) {
    choosing.set(units, get("keep").checked);
    if (!units.length) { page.say("No unit was found."); }
  }

  /* The fields that select and list units. */
  function finding(on) {
    const columns = data.columns.map((column) => [column.name, column.name]);
    fill(get("column"), [["", "zone"], ...columns.map(([value, text]) => ["column " + value, text])]);
    get("column").addEventListener("change", fillValues);
    on("by-column", () => {
      const column = get("column").value, value = get("value").value;
      selectMore(column === "" ? choosing.ofZone(value) : choosing.ofColumn(column.slice(7), value));
    });
    on("neighbours", () => {
      const units = choosing.neighbours();
      if (units.length) { choosing.set(units, true); } else { page.say("The selection has no neighbours that are not in it."); }
    });
    get("neighbours").disabled = !data.graph;
    on("by-codes", () => {
      const { found, strange } = choosing.named(get("codes").value);
      choosing.set(found, get("keep").checked);
      if (strange.length) {
        page.say(`${plan.counted(found.length, "unit")} selected; ${plan.counted(strange.length, "code")} of no unit: ${strange.slice(0, 5).join(", ")}${strange.length > 5 ? " and more" : ""}.`);
      }
    });
    const list = () => { tables.view.find = get("find").value; tables.view.zone = get("in-zone").value; tables.view.page = 0; tables.units(); };
    get("find").addEventListener("input", list);
    get("in-zone").addEventListener("change", list);
    on("all-listed", () => selectMore(tables.listed()));
    on("earlier", () => { tables.view.page -= 1; tables.units(); });
    on("later", () => { tables.view.page += 1; tables.units(); });
  }

  /* Saving and opening. */
  function keeping(on) {
    on("save-plan", () => { files.save("plan.csv", files.planCsv()); page.saved(); page.say("plan.csv is handed to the browser to save."); });
    on("save-log", () => { files.save("changes.csv", files.logCsv()); page.say("changes.csv is handed to the browser to save."); });
    get("open-plan").addEventListener("change", async () => {
      const [file] = get("open-plan").files;
      get("open-anyway").hidden = true;
      get("open-said").textContent = "";
      if (!file) { return; }
      try {
        take(files.readPlan(await file.text(), file.name), file.name);
      } catch (error) {
        if (!(error instanceof files.Unfit)) { throw error; }
        get("open-said").textContent = error.message;
        pending = error.missing ? { rows: error.rows, name: file.name } : null;
        get("open-anyway").hidden = !pending;
      }
      get("open-plan").value = "";
    });
    on("open-anyway", () => { take(pending.rows, pending.name); get("open-anyway").hidden = true; get("open-said").textContent = ""; get("open-plan").focus(); });
  }

  function take(rows, name) { run((reason) => plan.setPlan(rows, `Opened ${name}${rows.leftOut ? `; left out, for they are excluded: ${rows.leftOut}` : ""}`, reason)); }

  /* Lists that follow the plan. */
  function fill(select, options) {
    const kept = select.value, reads = JSON.stringify(options);
    if (select.reads === reads) { return; }
    select.reads = reads;
    select.replaceChildren(...options.map(([value, text]) => { const made = words.element("option", "", text); made.value = value; return made; }));
    if (options.some(([value]) => value === kept)) { select.value = kept; }
  }

  function fillLevels() {
    const levels = data.levels.map((level) => [level.name, level.title]);
    fill(get("level"), levels);
    fill(get("make-level"), levels);
  }

  function fillValues() {
    const column = data.columns.find((each) => "column " + each.name === get("column").value);
    fill(get("value"), column ? column.values.map((value) => [value, value === "" ? "(empty)" : value]) : zones());
    ofThis();
  }

  /* "All of this ward": the value of a selected unit is the one that stands ready. */
  function ofThis() {
    const [unit] = choosing.units, column = data.columns.find((each) => "column " + each.name === get("column").value);
    if (unit === undefined) { return; }
    if (column) { get("value").value = column.values[column.codes[unit]]; } else if (plan.now.zone[unit] !== null) { get("value").value = plan.now.zone[unit]; }
  }

  const zones = () => [...plan.now.zones.keys()].sort((a, b) => a.localeCompare(b, "en-GB", { numeric: true })).map((id) => [id, words.zone(id)]);

  function follow() {
    const all = zones(), { back, on } = plan.steps;
    if (!plan.now.zones.has(zone)) { zone = all.length ? all[0][0] : null; }
    [get("zone"), get("move-to"), get("merge-into")].forEach((select) => fill(select, all));
    if (zone !== null) { get("zone").value = zone; }
    if (get("column").value === "") { fillValues(); }
    fill(get("in-zone"), [["any", "any zone"], ["none", "no zone"], ["selected", "the selection"], ...all.map(([id, text]) => ["zone " + id, text])]);
    get("undo").setAttribute("aria-disabled", String(!back));
    get("redo").setAttribute("aria-disabled", String(!on));
    current();
  }

  function current() {
    const known = plan.now.zones.get(zone), locked = plan.now.locked.has(zone);
    get("lock").setAttribute("aria-pressed", String(locked));
    get("lock").textContent = locked ? "Locked" : "Lock";
    if (known && rules.levels.has(known.level)) { get("level").value = known.level; }
  }

  function choose(id) {
    zone = id;
    get("zone").value = id;
    document.querySelectorAll("#zones tbody tr").forEach((row) => {
      if (row.dataset.zone === id) { row.setAttribute("aria-current", "true"); } else { row.removeAttribute("aria-current"); }
    });
    current();
  }

  function selection() {
    const units = choosing.units, size = units.length, zonesOf = [...new Set(units.map((unit) => plan.now.zone[unit]))];
    const named = zonesOf.slice(0, 4).map((id) => (id === null ? "no zone" : id)).join(", ") + (zonesOf.length > 4 ? ` and ${zonesOf.length - 4} more` : "");
    const people = data.customers ? `, ${plan.counted(exact.fsum(units.map((unit) => data.customers[unit])), "customer")}` : "";
    get("selected").textContent = size
      ? `${size === 1 ? words.unit(units[0]) : plan.counted(size, "unit")}: ${words.number(exact.fsum(units.map((unit) => data.hours[unit])), 1)} hours a week${people}, in ${named}.`
      : "Nothing is selected. Choose units on the map or in the table of units.";
    if (zonesOf.length === 1 && zonesOf[0] !== null) { choose(zonesOf[0]); }
    ofThis();
  }

  function keys(event) {
    const inField = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && !/^(checkbox|radio)$/.test(event.target.type);
    if ((event.ctrlKey || event.metaKey) && !inField && /^[zy]$/i.test(event.key)) {
      event.preventDefault();
      get(event.key.toLowerCase() === "y" || event.shiftKey ? "redo" : "undo").click();
    }
  }

  return { start, follow, selection, choose, lock, get zone() { return zone; } };
})();
