/* The plan: every edit makes another one, kept so that it can be undone and done again, and told in the log.
   A zone is {id, level, centre, colour}; a unit's zone is an id, or null for none. A zone left empty ends, a
   centre that leaves its zone is replaced by the zone's best, and a locked zone is never changed. */
const plan = (() => {
  const COLOURS = 8, past = [], future = [], entries = [], watchers = [];
  let state = null, first = null;

  class Refused extends Error {}

  function start() {
    const zones = new Map(data.start.zones.map((zone) => [zone.id, zone]));
    const zone = data.start.zone.map((number) => (number < 0 ? null : data.start.zones[number].id));
    state = first = worked({ zone, zones, locked: new Set() }, null);
  }

  const draft = () => ({ zone: state.zone.slice(), zones: new Map(state.zones), locked: new Set(state.locked) });

  /* The zones whose units, level or centre differ between two plans. */
  function touched(before, after) {
    const found = new Set();
    after.zone.forEach((id, unit) => {
      if (before.zone[unit] !== id) { found.add(id); found.add(before.zone[unit]); }
    });
    found.delete(null);
    for (const [id, zone] of after.zones) {
      const was = before.zones.get(id);
      if (!was || was.level !== zone.level || was.centre !== zone.centre) { found.add(id); }
    }
    for (const id of before.zones.keys()) { if (!after.zones.has(id)) { found.add(id); } }
    return found;
  }

  function membersOf(zone) {
    const members = new Map();
    zone.forEach((id, unit) => {
      if (id === null) { return; }
      if (!members.has(id)) { members.set(id, []); }
      members.get(id).push(unit);
    });
    return members;
  }

  /* A plan with its figures: those of zones that another plan has just so are taken from there. */
  function worked(made, before) {
    const members = membersOf(made.zone), changed = before ? touched(before, made) : new Set(made.zones.keys());
    for (const id of [...made.zones.keys()]) { if (!members.has(id)) { made.zones.delete(id); made.locked.delete(id); } }
    made.zones = new Map([...made.zones].sort((a, b) => (a[0] < b[0] ? -1 : 1)));
    made.figures = new Map();
    for (const [id, zone] of made.zones) {
      const kept = before && !changed.has(id) ? before.figures.get(id) : null;
      made.figures.set(id, kept || rules.figures(zone, members.get(id), zone.centre !== null && made.zone[zone.centre] === id));
    }
    made.verdicts = rules.judge(made);
    made.terms = terms.of(made);
    made.value = made.terms && terms.value(made.terms);
    made.names = names.of(made);
    return made;
  }

  /* Replace centres that left their zones, colour what needs a colour, and refuse what is locked. */
  function settle(made, mend) {
    const members = membersOf(made.zone);
    for (const id of touched(state, made)) {
      const zone = made.zones.get(id), units = members.get(id);
      if (!zone || !units) { continue; }
      if (zone.centre === null || (mend && made.zone[zone.centre] !== id)) {
        made.zones.set(id, { ...zone, centre: rules.bestCentre(units, zone.level) });
      }
    }
    const changed = touched(state, made);
    const shut = [...changed].filter((id) => state.locked.has(id) && made.locked.has(id));
    if (shut.length) {
      throw new Refused(`Nothing was changed: zone${shut.length > 1 ? "s" : ""} ${shut.join(", ")} ` +
        `${shut.length > 1 ? "are" : "is"} locked; unlock ${shut.length > 1 ? "them" : "it"} first.`);
    }
    changed.forEach((id) => { if (members.has(id)) { coloured(made, id, members.get(id)); } });
    return changed;
  }

  /* Give a zone a colour that none of its neighbours has, its own where that may stay. */
  function coloured(made, id, units) {
    const zone = made.zones.get(id), taken = new Set();
    if (rules.near) {
      units.forEach((unit) => rules.near[unit].forEach((other) => {
        const next = made.zone[other];
        if (next !== null && next !== id && made.zones.get(next).colour !== undefined) { taken.add(made.zones.get(next).colour); }
      }));
    }
    if (zone.colour !== undefined && !taken.has(zone.colour)) { return; }
    const free = Array.from({ length: COLOURS }, (_, k) => k).filter((k) => !taken.has(k));
    made.zones.set(id, { ...zone, colour: free.length ? free[0] : (zone.colour || 0) });
  }

  /* Make one edit of a draft: worked out, kept for undo, logged and told to whoever watches. */
  function commit(made, what, reason, units = [], mend = true) {
    const changed = settle(made, mend), locks = made.locked.size !== state.locked.size || [...made.locked].some((id) => !state.locked.has(id));
    if (!changed.size && !locks) { throw new Refused("Nothing was changed: the plan is so already."); }
    past.push({ state, what });
    future.length = 0;
    step(worked(made, state), what, reason, units);
    return true;
  }

  function step(next, what, reason, units) {
    const before = state;
    state = next;
    const broken = state.verdicts.filter((row) => !row.passed).length;
    entries.push({
      time: new Date().toISOString(), what, reason: reason || "", units: units.map((unit) => data.ids[unit]),
      objective: state.value, broken
    });
    watchers.forEach((watch) => watch(before, what));
  }

  function undo() {
    if (!past.length) { return false; }
    const last = past.pop();
    future.push({ state, what: last.what });
    step(last.state, "Undone: " + last.what, "", []);
    return true;
  }

  function redo() {
    if (!future.length) { return false; }
    const next = future.pop();
    past.push({ state, what: next.what });
    step(next.state, "Done again: " + next.what, "", []);
    return true;
  }

  /* The verbs. Each takes units by their places and zones by their ids, and a reason in words. */

  const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
  const counted = (number, noun) => `${whole.format(number)} ${noun}${number === 1 ? "" : "s"}`;

  function need(id) {
    if (!state.zones.has(id)) { throw new Refused(`There is no zone ${id}.`); }
    return state.zones.get(id);
  }

  function needUnits(units) { if (!units.length) { throw new Refused("No unit is selected: select one at least."); } }

  function move(units, id, reason) {
    needUnits(units);
    need(id);
    const made = draft();
    units.forEach((unit) => { made.zone[unit] = id; });
    return commit(made, `Moved ${counted(units.length, "unit")} to zone ${id}`, reason, units);
  }

  function takeOut(units, reason) {
    needUnits(units);
    const made = draft();
    units.forEach((unit) => { made.zone[unit] = null; });
    return commit(made, `Took ${counted(units.length, "unit")} out of their zone`, reason, units);
  }

  function freshId(level, zones) {
    for (let number = 1; ; number++) {
      const id = `${level}-${String(number).padStart(2, "0")}`;
      if (!zones.has(id) && !state.zones.has(id)) { return id; }
    }
  }

  function put(made, units, level) {
    const id = freshId(level, made.zones);
    made.zones.set(id, { id, level, centre: null });
    units.forEach((unit) => { made.zone[unit] = id; });
    return id;
  }

  function make(units, level, reason) {
    needUnits(units);
    const made = draft(), id = put(made, units, level);
    commit(made, `Made zone ${id} of ${counted(units.length, "unit")}`, reason, units);
    return id;
  }

  /* Split off some units of a zone; without any, its smaller pieces, or else the further half. */
  function split(id, units, reason) {
    const zone = need(id), whole = state.figures.get(id).units, chosen = units.filter((unit) => state.zone[unit] === id);
    if (chosen.length === whole.length) { throw new Refused(`All of zone ${id} is selected: leave some of its units out.`); }
    if (whole.length < 2) { throw new Refused(`Zone ${id} is one unit: it cannot be split.`); }
    const made = draft(), parts = chosen.length ? [chosen] : pieces.aside(state.figures.get(id));
    const ids = parts.map((part) => put(made, part, zone.level));
    return commit(made, `Split zone ${id}: ${counted(parts.flat().length, "unit")} to ${ids.join(", ")}`, reason, parts.flat());
  }

  function merge(id, other, reason) {
    need(id);
    need(other);
    if (id === other) { throw new Refused("A zone cannot be merged with itself: choose another."); }
    const made = draft(), units = state.figures.get(id).units;
    units.forEach((unit) => { made.zone[unit] = other; });
    return commit(made, `Merged zone ${id} into ${other}`, reason, units);
  }

  function recentre(id, unit, reason) {
    const zone = need(id), units = state.figures.get(id).units, made = draft();
    const centre = unit === null ? rules.bestCentre(units, zone.level) : unit;
    if (state.zone[centre] !== id) { throw new Refused(`${data.ids[centre]} is not one of zone ${id}'s units.`); }
    made.zones.set(id, { ...zone, centre });
    return commit(made, `Set the centre of zone ${id} to ${data.ids[centre]}`, reason, [centre]);
  }

  function relevel(id, level, reason) {
    const zone = need(id), made = draft();
    made.zones.set(id, { ...zone, level });
    return commit(made, `Set zone ${id} to level ${level}`, reason, []);
  }

  function lock(id, on, reason) {
    need(id);
    const made = draft();
    if (on) { made.locked.add(id); } else { made.locked.delete(id); }
    return commit(made, `${on ? "Locked" : "Unlocked"} zone ${id}`, reason, []);
  }

  /* Take rows {unit, zone, level, centre} as the plan, in one step; units are ids, a centre of null is the best. */
  function setPlan(rows, label, reason) {
    const place = new Map(data.ids.map((id, k) => [id, k])), made = draft(), zones = new Map();
    made.zone.fill(null);
    rows.forEach((row) => {
      const unit = place.get(String(row.unit));
      if (unit === undefined) { throw new Refused(`There is no unit ${row.unit}.`); }
      if (row.zone === null || row.zone === undefined || row.zone === "") { return; }
      const id = String(row.zone), stated = row.centre === null || row.centre === undefined ? undefined : place.get(String(row.centre));
      made.zone[unit] = id;
      if (!zones.has(id)) {
        const was = state.zones.get(id), colour = was ? was.colour : undefined;
        zones.set(id, { id, level: String(row.level), centre: stated === undefined ? null : stated, colour });
      }
    });
    made.zones = zones;
    made.locked = new Set([...made.locked]);
    const moved = made.zone.map((_, unit) => unit).filter((unit) => made.zone[unit] !== state.zone[unit]);
    return commit(made, label, reason, moved, false);
  }

  return {
    start, undo, redo, move, takeOut, make, split, merge, recentre, relevel, lock, setPlan, Refused, counted, touched,
    watch: (fn) => watchers.push(fn),
    get now() { return state; },
    get first() { return first; },
    get log() { return entries; },
    get steps() { return { back: past.length, on: future.length, last: past.length ? past[past.length - 1].what : "" }; }
  };
})();
