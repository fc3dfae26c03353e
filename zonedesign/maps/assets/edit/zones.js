/* Zones: how one is split where nobody says how, and what people call it. */

/* What is split off where nobody says: the pieces that do not hang together, or else the further half. */
const pieces = (() => {
  function aside(zone) {
    const loose = zone.pieces.filter((piece) => !piece.includes(zone.centre));
    const home = zone.pieces.some((piece) => piece.includes(zone.centre));
    if (zone.pieces.length > 1) { return home ? loose : zone.pieces.slice(1); }
    return [half(zone)];
  }

  /* Two units far apart take their neighbours in turn, whoever has fewer hours; the second one's share is returned. */
  function half(zone) {
    const units = zone.units, m = units.length, table = times.square(units, 0);
    const longer = (a, b) => Math.max(table[a * m + b], table[b * m + a]);
    const places = units.map((_, k) => k), far = (from) => places.reduce((best, k) => (longer(from, k) > longer(from, best) ? k : best), from ? 0 : m - 1);
    const one = far(units.indexOf(zone.centre) < 0 ? 0 : units.indexOf(zone.centre)), other = far(one) === one ? (one + 1) % m : far(one);
    const at = new Map(units.map((unit, k) => [unit, k])), seeds = [one, other];
    const side = new Map(), hours = [0, 0], open = [new Set(), new Set()];
    const take = (unit, s) => {
      side.set(unit, s);
      hours[s] += data.hours[unit];
      open.forEach((set) => set.delete(unit));
      (rules.near ? rules.near[unit] : units).forEach((next) => { if (at.has(next) && !side.has(next)) { open[s].add(next); } });
    };
    seeds.forEach((k, s) => take(units[k], s));
    while (side.size < m) {
      const lighter = hours[0] <= hours[1] ? 0 : 1, s = open[lighter].size ? lighter : 1 - lighter;
      const next = open[s].size ? [...open[s]] : units.filter((unit) => !side.has(unit));
      take(next.reduce((best, unit) => (longer(seeds[s], at.get(unit)) < longer(seeds[s], at.get(best)) ? unit : best)), s);
    }
    return units.filter((unit) => side.get(unit) === 1);
  }

  return { aside };
})();

/* What people call a zone: the place with most of its hours, and the next where two are alike (`names.py`). */
const names = (() => {
  const kept = new WeakMap();

  function places(zone) {
    if (kept.has(zone)) { return kept.get(zone); }
    const found = new Map();
    zone.units.forEach((unit) => {
      const name = data.places.values[data.places.codes[unit]], at = found.get(name) || { name, hours: 0, units: 0 };
      at.hours += data.hours[unit];
      at.units += 1;
      found.set(name, at);
    });
    const sorted = [...found.values()].filter((at) => at.name !== "")
      .sort((a, b) => b.hours - a.hours || b.units - a.units || (a.name < b.name ? -1 : 1)).map((at) => at.name);
    kept.set(zone, sorted);
    return sorted;
  }

  function of(state) {
    const zones = [...state.figures.values()];
    if (!data.places) { return new Map(zones.map((zone) => [zone.id, ""])); }
    const every = zones.map(places), count = tally(every.map((found) => found[0] || ""));
    const said = every.map((found) => (count.get(found[0]) > 1 && found.length > 1 ? `${found[0]} and ${found[1]}` : found[0] || ""));
    const alike = tally(said), used = new Set(said.filter((name) => alike.get(name) === 1));
    return new Map(zones.map((zone, k) => {
      let name = said[k];
      if (name && alike.get(name) > 1) {
        let number = 1;
        while (used.has(`${name} ${number}`)) { number += 1; }
        name = `${name} ${number}`;
        used.add(name);
      }
      return [zone.id, name];
    }));
  }

  function tally(texts) {
    const count = new Map();
    texts.forEach((text) => count.set(text, (count.get(text) || 0) + 1));
    return count;
  }

  return { of };
})();
