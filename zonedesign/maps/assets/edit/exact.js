/* Exact sums: the same figures to the last bit as Python's fsum, numpy's sum and scipy's assignment give. */
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const SLACK = 1e-6;

const exact = (() => {
  /* The correctly rounded sum (Shewchuk 1997, as in CPython's math.fsum). */
  function fsum(values) {
    const parts = [];
    for (let x of values) {
      let kept = 0;
      for (let k = 0; k < parts.length; k++) {
        let y = parts[k];
        if (Math.abs(x) < Math.abs(y)) { [x, y] = [y, x]; }
        const high = x + y, low = y - (high - x);
        if (low) { parts[kept++] = low; }
        x = high;
      }
      parts.length = kept;
      parts.push(x);
    }
    let n = parts.length, high = 0, low = 0;
    if (!n) { return 0; }
    high = parts[--n];
    while (n > 0) {
      const x = high, y = parts[--n];
      high = x + y;
      low = y - (high - x);
      if (low) { break; }
    }
    if (n > 0 && ((low < 0 && parts[n - 1] < 0) || (low > 0 && parts[n - 1] > 0))) {
      const twice = low * 2, x = high + twice;
      if (twice === x - high) { high = x; }
    }
    return high;
  }

  /* The sum as numpy adds up an array: in eights, and in halves where it is long. */
  function pairwise(a, from = 0, n = a.length) {
    if (n < 8) {
      let sum = 0;
      for (let k = 0; k < n; k++) { sum += a[from + k]; }
      return sum;
    }
    if (n <= 128) {
      const r = Array.from({ length: 8 }, (_, k) => a[from + k]);
      let k = 8;
      for (; k < n - (n % 8); k += 8) {
        for (let j = 0; j < 8; j++) { r[j] += a[from + k + j]; }
      }
      let sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
      for (; k < n; k++) { sum += a[from + k]; }
      return sum;
    }
    let half = Math.floor(n / 2);
    half -= half % 8;
    return pairwise(a, from, half) + pairwise(a, from + half, n - half);
  }

  /* For every row of a table the column it is matched with, or -1, so that the matched cells add up to the most
     (shortest augmenting paths: Crouse 2016, as in scipy's linear_sum_assignment). */
  function assignment(table, rows, columns) {
    const turned = columns < rows, nr = turned ? columns : rows, nc = turned ? rows : columns;
    const cost = (i, j) => -(turned ? table[j * columns + i] : table[i * columns + j]);
    const u = new Float64Array(nr), v = new Float64Array(nc);
    const columnOf = new Int32Array(nr).fill(-1), rowOf = new Int32Array(nc).fill(-1), path = new Int32Array(nc);
    for (let current = 0; current < nr; current++) {
      const shortest = new Float64Array(nc).fill(Infinity), seenRow = new Uint8Array(nr), seenColumn = new Uint8Array(nc);
      const remaining = Array.from({ length: nc }, (_, k) => nc - k - 1);
      let least = 0, i = current, sink = -1;
      while (sink < 0) {
        let index = -1, lowest = Infinity;
        seenRow[i] = 1;
        remaining.forEach((j, at) => {
          const reduced = least + cost(i, j) - u[i] - v[j];
          if (reduced < shortest[j]) { path[j] = i; shortest[j] = reduced; }
          if (shortest[j] < lowest || (shortest[j] === lowest && rowOf[j] === -1)) { lowest = shortest[j]; index = at; }
        });
        least = lowest;
        const j = remaining[index];
        if (rowOf[j] === -1) { sink = j; } else { i = rowOf[j]; }
        seenColumn[j] = 1;
        remaining[index] = remaining[remaining.length - 1];
        remaining.pop();
      }
      u[current] += least;
      for (let k = 0; k < nr; k++) { if (seenRow[k] && k !== current) { u[k] += least - shortest[columnOf[k]]; } }
      for (let k = 0; k < nc; k++) { if (seenColumn[k]) { v[k] -= least - shortest[k]; } }
      for (let j = sink; ;) {
        const row = path[j], next = columnOf[row];
        rowOf[j] = row;
        columnOf[row] = j;
        if (row === current) { break; }
        j = next;
      }
    }
    return turned ? rowOf : columnOf;
  }

  /* A number as Python writes it: the shortest digits that give it back, with a point or an exponent. */
  function written(x) {
    if (!Number.isFinite(x)) { return ""; }
    const size = Math.abs(x);
    if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
      return x.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
    }
    const text = Object.is(x, -0) ? "-0" : String(x);
    return /[.]/.test(text) ? text : text + ".0";
  }

  return { fsum, pairwise, assignment, written };
})();
