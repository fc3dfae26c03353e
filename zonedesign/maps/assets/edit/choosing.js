/* Choosing units: the selection, and the ways to make one that need no pointer. */
const choosing = (() => {
  const watchers = [];
  let chosen = new Set();

  const tell = () => watchers.forEach((watch) => watch());
  const all = () => data.ids.map((_, unit) => unit);

  function set(units, add = false) {
    chosen = add ? new Set([...chosen, ...units]) : new Set(units);
    tell();
  }

  function toggle(unit, add) {
    if (add) {
      if (!chosen.delete(unit)) { chosen.add(unit); }
    } else {
      chosen = chosen.size === 1 && chosen.has(unit) ? new Set() : new Set([unit]);
    }
    tell();
  }

  function remove(units) {
    units.forEach((unit) => chosen.delete(unit));
    tell();
  }

  const ofZone = (id) => all().filter((unit) => plan.now.zone[unit] === id);

  function ofColumn(name, value) {
    const column = data.columns.find((each) => each.name === name), code = column.values.indexOf(value);
    return all().filter((unit) => column.codes[unit] === code);
  }

  /* The units that touch the selection and are not in it. */
  function neighbours() {
    const found = new Set();
    if (rules.near) { chosen.forEach((unit) => rules.near[unit].forEach((other) => { if (!chosen.has(other)) { found.add(other); } })); }
    return [...found];
  }

  /* The units named in a list of codes, and the words that name none. */
  function named(text) {
    const place = new Map(data.ids.map((id, unit) => [id, unit])), found = [], strange = [];
    const whole = text.trim();
    if (place.has(whole)) { return { found: [place.get(whole)], strange }; }
    const words = /[\n;,]/.test(whole) && data.ids.some((id) => /\s/.test(id)) ? whole.split(/[\n;,]+/) : whole.split(/[\s;,]+/);
    words.map((word) => word.trim()).filter(Boolean).forEach((word) => { if (place.has(word)) { found.push(place.get(word)); } else { strange.push(word); } });
    return { found, strange };
  }

  return {
    set, toggle, remove, ofZone, ofColumn, neighbours, named,
    has: (unit) => chosen.has(unit),
    watch: (fn) => watchers.push(fn),
    get units() { return [...chosen].sort((a, b) => a - b); },
    get size() { return chosen.size; }
  };
})();
