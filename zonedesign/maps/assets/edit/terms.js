/* The objective and its terms, as `Problem.terms` and `Problem.value` work them out. */
const terms = (() => {
  const hours = data.hours, goal = data.objective;
  const total = exact.pairwise(hours);

  /* The number of every unit's zone, in the order in which zones first occur. */
  function numbered(zone) {
    const number = new Map();
    const codes = zone.map((id) => {
      if (!number.has(id)) { number.set(id, number.size); }
      return number.get(id);
    });
    return { codes, count: number.size };
  }

  function shared(codes, count, others) {
    const wide = others.reduce((most, code) => Math.max(most, code + 1), 0), table = new Float64Array(count * wide);
    codes.forEach((code, unit) => { table[code * wide + others[unit]] += hours[unit]; });
    return { table, wide };
  }

  function moved(codes, count) {
    if (total <= 0) { return 0; }
    const { table, wide } = shared(codes, count, goal.baseline), was = exact.assignment(table, count, wide);
    return exact.pairwise(hours.filter((_, unit) => was[codes[unit]] !== goal.baseline[unit])) / total;
  }

  function crossing(codes, count) {
    if (total <= 0) { return 0; }
    const { table, wide } = shared(codes, count, goal.border), major = new Int32Array(count);
    for (let zone = 0; zone < count; zone++) {
      for (let code = 1; code < wide; code++) {
        if (table[zone * wide + code] > table[zone * wide + major[zone]]) { major[zone] = code; }
      }
    }
    return exact.pairwise(hours.filter((_, unit) => major[codes[unit]] !== goal.border[unit])) / total;
  }

  function boundary(zone) {
    const { pairs, boundary_m: given } = data.graph;
    const lengths = exact.pairwise(given) > 0 ? given : given.map(() => 1), whole = exact.pairwise(lengths);
    const cut = lengths.filter((_, k) => zone[pairs[2 * k]] !== zone[pairs[2 * k + 1]]);
    return whole > 0 ? exact.pairwise(cut) / whole : 0;
  }

  /* The terms of a plan, null where units are in no zone: then no term is known. */
  function of(state) {
    if (state.zone.includes(null)) { return null; }
    const minutes = new Float64Array(hours.length), { codes, count } = numbered(state.zone);
    state.figures.forEach((zone) => zone.units.forEach((unit, k) => { minutes[unit] = zone.there[k]; }));
    const found = { mean_minutes: rules.mean(hours.map((_, unit) => unit), minutes) };
    if (goal.baseline) { found.moved = moved(codes, count); }
    if (goal.border) { found.crossing = crossing(codes, count); }
    if (data.graph) { found.boundary = boundary(state.zone); }
    return found;
  }

  function value(found) {
    return ["mean_minutes", "moved", "crossing", "boundary"].reduce((sum, name) => (
      goal.weights[name] ? sum + goal.weights[name] * (found[name] || 0) : sum), 0);
  }

  return { of, value };
})();
