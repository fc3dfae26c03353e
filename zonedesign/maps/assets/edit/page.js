/* The page: it starts here, tells of every edit, and offers itself to the studio.

   window.zonedesignEdit is there at once and can be asked once `ready` has resolved, which is before the studio's script runs:
     ready                        Promise, resolved when the page can be used
     plan()                       [{unit, zone, level, centre}], ids as text; null all three for a unit in no zone
     setPlan(rows, label, reason) takes such rows as one step that can be undone, logged as `label`; true, or false where
                                  refused (a locked zone would change, an unknown unit), which is said to the user.
                                  A centre of null is the zone's best; units without a row are in no zone
     locks()                      {zones: [ids]}
     figures()                    {objective, terms, broken, zones}: as `verify`, `Problem.terms` and zones.csv have them;
                                  objective and terms are null where a unit is in no zone
     verdicts()                   every row that `verify` gives: {rule, zone, level, quantity, limit, value, passed}
     selection()                  [unit ids]
     select(ids)                  makes these the selection
     on("change", fn)             calls fn() after every edit, undo and redo
     say(text)                    says a text in the live region
     panel(id, title)             a section of the side panel with that heading, made once; returns the element to fill
     csv(), log()                 the text of plan.csv, and the log's entries
     undo(), redo()               true, or false where there is nothing to go to
     edit                         {move(units, zone, reason), takeOut(units, reason), make(units, level, reason), split(zone,
                                  units, reason), merge(zone, into, reason), recentre(zone, unit or null, reason), relevel(zone,
                                  level, reason), lock(zone, on, reason)}: ids; they throw where the page would refuse
   data.studio holds what the studio put in. */
const page = (() => {
  const get = (id) => document.getElementById(id), listeners = [];
  let unsaved = false;

  function say(text) { get("said").textContent = text; }

  const plain = ({ rule, zone, level, quantity, limit, value, passed }) => ({ rule, zone, level, quantity, limit, value, passed });

  /* After an edit: the map, the tables, the lists, and one sentence of what it did. */
  function follow(before, what) {
    const now = plan.now, count = (state) => state.verdicts.filter((row) => !row.passed).length, by = count(now) - count(before);
    unsaved = true;
    chart.clearShown();
    chart.follow(before);
    actions.follow();
    tables.all();
    actions.selection();
    const objective = now.value === null ? "The objective is not known while units are in no zone." : `Objective ${words.mean(now.value, 3)}${changed(now.value, before.value)}.`;
    say(`${what}. ${objective} ${plan.counted(count(now), "rule")} broken${by ? `, ${Math.abs(by)} ${by > 0 ? "more" : "fewer"} than before` : ""}.`);
    listeners.forEach((fn) => fn());
  }

  const changed = (now, before) => { const by = words.change(now, before, 3); return by ? `, ${by}` : ""; };

  const placed = (ids) => ids.map((id) => {
    const unit = data.ids.indexOf(String(id));
    if (unit < 0) { throw new plan.Refused(`There is no unit ${id}.`); }
    return unit;
  });

  const api = {
    plan: () => data.ids.map((unit, at) => {
      const zone = plan.now.zones.get(plan.now.zone[at]);
      return zone ? { unit, zone: zone.id, level: zone.level, centre: data.ids[zone.centre] } : { unit, zone: null, level: null, centre: null };
    }),
    setPlan(rows, label, reason = "") {
      try {
        return plan.setPlan(rows, String(label), String(reason));
      } catch (error) {
        if (!(error instanceof plan.Refused)) { throw error; }
        say(error.message);
        return false;
      }
    },
    locks: () => ({ zones: [...plan.now.locked] }),
    figures: () => ({
      objective: plan.now.value, terms: plan.now.terms, broken: plan.now.verdicts.filter((row) => !row.passed).map(plain),
      zones: [...plan.now.figures.values()].map((zone) => ({
        zone: zone.id, name: plan.now.names.get(zone.id), level: zone.level, centre: data.ids[zone.centre], units: zone.units.length,
        customers: zone.customers, weekly_hours: zone.hours, mean_minutes: zone.mean, max_minutes: zone.worst
      }))
    }),
    verdicts: () => plan.now.verdicts.map(plain),
    selection: () => choosing.units.map((unit) => data.ids[unit]),
    select: (ids) => choosing.set(placed(ids)),
    on(event, fn) { if (event === "change") { listeners.push(fn); } },
    say,
    panel(id, title) {
      const known = get("panel-" + id);
      if (known) { return known.querySelector(".panel-body"); }
      const section = words.element("section", "panel"), head = words.element("h2", "", title), body = words.element("div", "panel-body");
      section.id = "panel-" + id;
      head.id = `panel-${id}-heading`;
      section.setAttribute("aria-labelledby", head.id);
      section.append(head, body);
      get("panels").append(section);
      return body;
    },
    csv: files.planCsv,
    log: () => plan.log.map((entry) => ({ ...entry })),
    undo: plan.undo,
    redo: plan.redo,
    edit: {
      move: (units, zone, reason) => plan.move(placed(units), zone, reason),
      takeOut: (units, reason) => plan.takeOut(placed(units), reason),
      make: (units, level, reason) => plan.make(placed(units), level, reason),
      split: (zone, units, reason) => plan.split(zone, placed(units), reason),
      merge: plan.merge,
      recentre: (zone, unit, reason) => plan.recentre(zone, unit === null ? null : placed([unit])[0], reason),
      relevel: plan.relevel,
      lock: plan.lock
    }
  };

  function precision() {
    return times.scale ? `Minutes are rounded to ${times.scale === 1e6 ? "a millionth of a minute" : `${1 / times.scale} minutes`}, and never across a limit.` : "Minutes are kept exactly.";
  }

  function forPrint() {
    const box = get("map-frame");
    if (!chart.map) { return; }
    box.style.width = "680px";
    box.style.height = "600px";
    chart.map.invalidateSize({ animate: false });
    chart.map.fitBounds(chart.frame(), { animate: false });
  }

  function afterPrint() {
    if (!chart.map) { return; }
    get("map-frame").style.width = get("map-frame").style.height = "";
    chart.map.invalidateSize({ animate: false });
    chart.map.fitBounds(chart.frame(), { animate: false });
  }

  /* The studio's script runs once the page can answer it. */
  function studio() {
    const given = get("studio-script");
    if (!given) { return; }
    const script = document.createElement("script");
    script.textContent = given.textContent;
    document.body.append(script);
  }

  async function start() {
    try {
      await times.load(data.times);
      plan.start();
      await chart.start();
    } catch (error) {
      get("failed").hidden = false;
      get("failed").textContent = error.message;
      get("work").hidden = true;
      throw error;
    }
    actions.start();
    drawing.start();
    tables.all();
    actions.selection();
    get("precision").textContent = precision();
    plan.watch(follow);
    choosing.watch(() => { chart.chosen(); tables.units(); actions.selection(); say(choosing.size ? `${plan.counted(choosing.size, "unit")} selected.` : "Nothing is selected."); });
    if (chart.map) { get("whole").addEventListener("click", chart.whole); }
    window.addEventListener("beforeunload", (event) => { if (unsaved && !data.studio) { event.preventDefault(); } });
    window.addEventListener("beforeprint", forPrint);
    window.addEventListener("afterprint", afterPrint);
    document.body.dataset.ready = "yes";
    studio();
  }

  api.ready = start();
  window.zonedesignEdit = api;
  return { say, saved: () => { unsaved = false; } };
})();
