/* The rules: what `verify` checks, by the same plain arithmetic; a zone's checks are kept until it changes. */
const rules = (() => {
  const hours = data.hours, people = data.customers, all = data.ids.length;
  const levels = new Map(data.levels.map((level) => [level.name, level]));
  const OPEN = [null, null];
  const near = neighbours();
  const meant = data.rules.map((rule) => (rule.meant ? new Set(rule.meant) : null));

  function neighbours() {
    if (!data.graph) { return null; }
    const found = Array.from({ length: all }, () => []), pairs = data.graph.pairs;
    for (let k = 0; k < pairs.length; k += 2) {
      found[pairs[k]].push(pairs[k + 1]);
      found[pairs[k + 1]].push(pairs[k]);
    }
    return found;
  }

  function verdict(rule, quantity, value, limit, zone = null, level = null) {
    const [low, high] = limit, number = Number(value);
    const passed = Number.isNaN(number) || (Number.isFinite(number) &&
      (low === null || number >= low - SLACK) && (high === null || number <= high + SLACK));
    return { rule, zone, level, quantity, limit, value: number, passed };
  }

  const sum = (units, values) => exact.fsum(units.map((unit) => values[unit]));

  function mean(units, minutes) {
    const total = exact.pairwise(units.map((unit) => hours[unit]));
    const used = units.map((unit, k) => (hours[unit] > 0 ? hours[unit] * minutes[k] : -1)).filter((x) => x >= 0);
    return total > 0 ? exact.pairwise(used) / total : 0;
  }

  function miles(a, b) {
    const place = data.points;
    return Math.hypot(place.x[a] - place.x[b], place.y[a] - place.y[b]) * place.metres / 1609.344;
  }

  /* The unit that serves a zone best: most units in reach, then least hours x minutes, then id. */
  function bestCentre(units, levelName) {
    const level = levels.get(levelName), m = units.length;
    const table = times.square(units, times.selves ? 0 : Infinity);
    const limit = level && level.max_minutes !== null ? level.max_minutes + SLACK : Infinity;
    const far = level && level.max_miles !== null && data.points ? level.max_miles + SLACK : null;
    let best = null;
    for (let c = 0; c < m; c++) {
      let beyond = 0, total = 0;
      for (let k = 0; k < m; k++) {
        const there = table[c * m + k], reach = Math.max(there, table[k * m + c]);
        const away = far !== null && !(miles(units[c], units[k]) <= far);
        if (!Number.isFinite(reach) || reach > limit || away) { beyond += 1; }
        if (hours[units[k]] > 0) { total += there * hours[units[k]]; }
      }
      const rank = data.rank[units[c]];
      if (!best || beyond < best.beyond || (beyond === best.beyond &&
          (total < best.total || (total === best.total && rank < best.rank)))) {
        best = { unit: units[c], beyond, total, rank };
      }
    }
    return best.unit;
  }

  /* The pieces that units fall into, the largest first; one without a graph. */
  function pieces(units) {
    if (!near) { return units.length ? [units] : []; }
    const left = new Set(units), found = [];
    for (const unit of units) {
      if (!left.delete(unit)) { continue; }
      const piece = [unit];
      for (let k = 0; k < piece.length; k++) {
        for (const other of near[piece[k]]) { if (left.delete(other)) { piece.push(other); } }
      }
      found.push(piece);
    }
    return found.sort((a, b) => b.length - a.length);
  }

  /* Everything about one zone that follows from its units, its level and its centre. */
  function figures(zone, units, isHome) {
    const centre = zone.centre, level = levels.get(zone.level);
    const there = Float64Array.from(units, (unit) => times.between(centre, unit));
    const reach = Float64Array.from(units, (unit, k) => Math.max(there[k], times.between(unit, centre)));
    const made = {
      id: zone.id, level: zone.level, centre, units, there, reach,
      hours: sum(units, hours), customers: people ? sum(units, people) : null,
      mean: exact.fsum(units.map((unit) => hours[unit])) > 0 ? mean(units, there) : NaN,
      worst: units.length ? reach.reduce((a, b) => Math.max(a, b), -Infinity) : Infinity,
      pieces: pieces(units), verdicts: new Map()
    };
    made.basic = [
      verdict("Centre", "centre in its zone", isHome, [1, 1], zone.id, zone.level),
      verdict("Level", "level of the problem", levels.has(zone.level), [1, 1], zone.id, zone.level)
    ];
    data.rules.forEach((rule, k) => {
      const check = OF_ZONE[rule.rule];
      if (check && (rule.level === null || rule.level === zone.level)) { made.verdicts.set(k, check(made, rule, level, k)); }
    });
    return made;
  }

  const OF_ZONE = {
    Volume(zone, rule, level) {
      const found = [verdict("Volume", "weekly_hours", zone.hours, level.weekly_hours || OPEN, zone.id, zone.level)];
      if (people) { found.push(verdict("Volume", "customers", zone.customers, level.customers || OPEN, zone.id, zone.level)); }
      return found;
    },
    Reach(zone, rule, level) {
      return [verdict("Reach", "reach_minutes", zone.worst, [null, level.max_minutes], zone.id, zone.level)];
    },
    Diameter(zone, rule, level) {
      return [verdict("Diameter", "minutes_between", furthest(zone.units).minutes, [null, level.max_minutes_between], zone.id, zone.level)];
    },
    MaxMiles(zone, rule, level) {
      const longest = data.points && zone.units.length
        ? zone.units.reduce((most, unit) => Math.max(most, miles(unit, zone.centre)), 0) : Infinity;
      return [verdict("MaxMiles", "miles", longest, [null, level.max_miles], zone.id, zone.level)];
    },
    Character(zone, rule, level, k) {
      if (!meant[k]) { return []; }
      const share = zone.hours > 0 ? sum(zone.units.filter((unit) => meant[k].has(unit)), hours) / zone.hours : NaN;
      return [verdict("Character", "character_share", share, [rule.at_least, null], zone.id, zone.level)];
    },
    Contiguous(zone, rule, level) {
      if (!near || (level && !level.contiguous)) { return []; }
      return [verdict("Contiguous", "pieces", zone.pieces.length, [null, 1], zone.id, zone.level)];
    },
    NestIn(zone, rule) {
      const codes = new Set(zone.units.map((unit) => rule.codes[unit]));
      return [verdict("NestIn", rule.quantity, codes.size, [null, 1], zone.id, zone.level)];
    }
  };

  /* The two units with demand that are furthest apart, the longer way, and by how much. */
  function furthest(units) {
    const busy = units.filter((unit) => hours[unit] > 0 || (people && people[unit] > 0)), m = busy.length;
    const table = times.square(busy), found = { minutes: 0, units: [] };
    for (let a = 0; a < m; a++) {
      for (let b = 0; b < m; b++) {
        if (a !== b && table[a * m + b] > found.minutes) { found.minutes = table[a * m + b]; found.units = [busy[a], busy[b]]; }
      }
    }
    return found;
  }

  /* Checks of the whole plan; `state` is a plan with the figures of its zones. */
  const OF_PLAN = {
    ZoneCount(state, rule) {
      const level = levels.get(rule.level);
      return [verdict("ZoneCount", "zones", ofLevel(state, rule.level).length, level.zones, null, rule.level)];
    },
    HoursShare(state, rule) {
      const total = exact.fsum(hours), held = exact.fsum(ofLevel(state, rule.level).flatMap((zone) => zone.units.map((unit) => hours[unit])));
      return [verdict("HoursShare", "hours_share", total > 0 ? held / total : NaN, levels.get(rule.level).hours_share || OPEN, null, rule.level)];
    },
    Together(state, rule) { return [verdict("Together", rule.quantity, homes(state, rule.units), [1, 1])]; },
    Apart(state, rule) { return [verdict("Apart", rule.quantity, homes(state, rule.units), [2, 2])]; },
    CentreAt(state, rule) {
      const zones = [...state.figures.values()].filter((zone) => zone.centre === rule.units[0]);
      const [zone] = zones;
      return [verdict("CentreAt", rule.quantity, zones.length, [1, 1], zone ? zone.id : null, zone ? zone.level : null)];
    },
    Fixed(state, rule) {
      const zone = state.zone[rule.units[0]], kept = zone !== null && rule.centre >= 0 && state.zone[rule.centre] === zone;
      return [verdict("Fixed", rule.quantity, kept, [1, 1], zone, zone === null ? null : state.zones.get(zone).level)];
    },
    Frozen(state, rule) {
      const count = new Map();
      rule.units.forEach((unit) => { if (state.zone[unit] !== null) { count.set(state.zone[unit], (count.get(state.zone[unit]) || 0) + 1); } });
      const most = Math.max(0, ...count.values());
      const changes = [...count].filter(([, held]) => held === most)
        .map(([id]) => [rule.units.length + state.figures.get(id).units.length - 2 * most, id])
        .sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
      const [changed, id] = changes.length ? changes[0] : [rule.units.length, null];
      return [verdict("Frozen", rule.quantity, changed, [0, 0], id, id === null ? null : state.zones.get(id).level)];
    }
  };

  const ofLevel = (state, name) => [...state.figures.values()].filter((zone) => zone.level === name);

  function homes(state, units) { return new Set(units.map((unit) => (state.zone[unit] === null ? unit : "zone " + state.zone[unit]))).size; }

  /* Every verdict of a plan, in the order in which `verify` reports them. */
  function judge(state) {
    const missing = data.ids.map((_, unit) => unit).filter((unit) => state.zone[unit] === null), zones = [...state.figures.values()];
    const found = [
      verdict("Cover", "units without a zone", missing.length, [0, 0]),
      verdict("Cover", "units that the problem does not have", 0, [0, 0]),
      ...missing.map((unit) => ({ ...verdict("Cover", "zones of " + data.ids[unit], 0, [1, 1]), unit }))
    ];
    zones.forEach((zone) => found.push(...zone.basic));
    data.rules.forEach((rule, k) => {
      if (OF_PLAN[rule.rule]) {
        found.push(...OF_PLAN[rule.rule](state, rule, k).map((row) => ({ ...row, at: k })));
      } else {
        zones.forEach((zone) => { if (zone.verdicts.has(k)) { found.push(...zone.verdicts.get(k).map((row) => ({ ...row, at: k }))); } });
      }
    });
    return found;
  }

  /* The units that a verdict is about: where to look for what is broken. */
  function place(row, state) {
    const zone = row.zone === null ? null : state.figures.get(row.zone), rule = data.rules[row.at];
    if (row.unit !== undefined) { return [row.unit]; }
    if (row.rule === "Cover") { return data.ids.map((_, k) => k).filter((k) => state.zone[k] === null); }
    if (row.rule === "Centre") { return [zone.centre]; }
    if (row.rule === "Reach" && zone) {
      const limit = levels.get(zone.level).max_minutes;
      return zone.units.filter((_, k) => !(zone.reach[k] <= (limit === null ? Number.MAX_VALUE : limit + SLACK)));
    }
    if (row.rule === "Diameter") { return furthest(zone.units).units; }
    if (row.rule === "MaxMiles" && data.points) {
      return zone.units.filter((unit) => !(miles(unit, zone.centre) <= row.limit[1] + SLACK));
    }
    if (row.rule === "Contiguous") { return pieceAside(zone); }
    if (row.rule === "NestIn") { return minority(zone.units, rule.codes); }
    if (row.rule === "Frozen") {
      const before = new Set(rule.units), now = new Set(zone ? zone.units : []);
      return [...rule.units.filter((unit) => !now.has(unit)), ...[...now].filter((unit) => !before.has(unit))];
    }
    if (rule && rule.units) { return rule.units; }
    if (zone) { return zone.units; }
    return ofLevel(state, row.level).flatMap((each) => each.units);
  }

  /* The units of a broken zone that do not hang together with its centre. */
  function pieceAside(zone) {
    const home = zone.pieces.find((piece) => piece.includes(zone.centre)) || zone.pieces[0];
    return zone.pieces.filter((piece) => piece !== home).flat();
  }

  function minority(units, codes) {
    const count = new Map();
    units.forEach((unit) => count.set(codes[unit], (count.get(codes[unit]) || 0) + 1));
    const most = Math.max(...count.values()), [major] = [...count].find(([, held]) => held === most);
    return units.filter((unit) => codes[unit] !== major);
  }

  return { levels, near, figures, judge, place, pieces, pieceAside, bestCentre, mean };
})();
