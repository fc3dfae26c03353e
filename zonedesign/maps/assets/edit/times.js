/* Travel times: unpacked once, then minutes between any two units, Infinity where out of reach. */
const times = (() => {
  let n = 0, scale = 0, selves = false;
  let first = null, to = null, minutes = null;   // compressed rows by origin

  async function unpack(text) {
    if (typeof DecompressionStream === "undefined") {
      throw new Error("This browser is too old to unpack the travel times: open the file in Firefox 113, Chrome 103, " +
        "Edge 103 or Safari 16.4, or later.");
    }
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) { bytes[k] = raw.charCodeAt(k); }
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  async function unpackJson(text) { return JSON.parse(new TextDecoder().decode(await unpack(text))); }

  async function load(packed) {
    n = packed.units;
    scale = packed.scale;
    selves = packed.selves;
    const [present, planes] = await Promise.all([unpack(packed.present), unpack(packed.minutes)]);
    const pairs = packed.pairs, wide = Math.ceil(n / 8);
    first = new Uint32Array(n + 1);
    to = new Uint16Array(n < 65536 ? pairs : 0);
    if (n >= 65536) { to = new Uint32Array(pairs); }
    let at = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        if (present[i * wide + (j >> 3)] & (128 >> (j & 7))) { to[at++] = j; }
      }
      first[i + 1] = at;
    }
    minutes = scale ? numbers(planes, pairs, packed) : floats(planes, pairs);
  }

  function floats(planes, pairs) {
    const bytes = new Uint8Array(pairs * 8), found = new Float64Array(pairs), view = new DataView(bytes.buffer);
    for (let k = 0; k < 8; k++) {
      for (let p = 0; p < pairs; p++) { bytes[p * 8 + k] = planes[k * pairs + p]; }
    }
    for (let p = 0; p < pairs; p++) { found[p] = view.getFloat64(p * 8, true); }
    return found;
  }

  /* Each number is its guess (the row above, as much longer as at the left) and what was told to add. */
  function numbers(planes, pairs, packed) {
    const found = new Float64Array(pairs), above = new Float64Array(n), most = packed.most, count = packed.planes;
    for (let i = 0; i < n; i++) {
      let longer = 0, p = first[i];
      for (let j = 0; j < n; j++) {
        if (p < first[i + 1] && to[p] === j) {
          longer += added(planes, pairs, count, p);
          above[j] += longer;
          found[p++] = above[j] / scale;
        } else {
          above[j] = Math.min(Math.max(above[j] + longer, 0), most);
        }
      }
    }
    return found;
  }

  function added(planes, pairs, count, p) {
    let zigzag = 0;
    for (let k = 0; k < count; k++) { zigzag |= planes[k * pairs + p] << (8 * k); }
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  /* Minutes from unit a to unit b, by bisection of a's row. */
  function between(a, b) {
    let low = first[a], high = first[a + 1];
    const end = high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (to[middle] < b) { low = middle + 1; } else { high = middle; }
    }
    return low < end && to[low] === b ? minutes[low] : Infinity;
  }

  /* Minutes among some units as a square table, by rows; `itself` fills what is absent on its diagonal. */
  function square(units, itself = Infinity) {
    const m = units.length, place = new Int32Array(n).fill(-1), table = new Float64Array(m * m).fill(Infinity);
    units.forEach((unit, k) => { place[unit] = k; });
    units.forEach((unit, k) => {
      table[k * m + k] = itself;
      for (let p = first[unit]; p < first[unit + 1]; p++) {
        const j = place[to[p]];
        if (j >= 0) { table[k * m + j] = minutes[p]; }
      }
    });
    return table;
  }

  return { load, unpack, unpackJson, between, square, get selves() { return selves; }, get scale() { return scale; } };
})();
