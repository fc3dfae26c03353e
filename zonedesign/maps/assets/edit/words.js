/* Words: figures ready to print, and small pieces of the page. Texts become text nodes, never markup. */
const words = (() => {
  const NONE = "–", MINUS = "−";

  function number(value, decimals = 0) {
    if (value === null || value === undefined || Number.isNaN(value)) { return NONE; }
    if (!Number.isFinite(value)) { return "out of reach"; }
    return format(decimals).format(value);
  }

  /* Making a format takes far longer than using it, so each is made once. */
  const formats = new Map();
  function format(decimals) {
    if (!formats.has(decimals)) {
      formats.set(decimals, new Intl.NumberFormat("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }));
    }
    return formats.get(decimals);
  }

  const whole = [...data.hours].every((value) => Number.isInteger(value));
  const hours = (value) => number(value, whole ? 0 : 1);

  function minutes(value, decimals = 1) {
    return value === Infinity && data.cutoff !== null ? `over ${data.cutoff}` : number(value, decimals);
  }

  const mean = (value, decimals = 1) => (Number.isFinite(value) ? number(value, decimals) : NONE);

  /* A change with its sign; nothing where there is none that shows. */
  function change(now, before, decimals = 0) {
    if (!Number.isFinite(now) || !Number.isFinite(before)) { return ""; }
    const text = number(Math.abs(now - before), decimals);
    return /[1-9]/.test(text) ? (now > before ? "+" : MINUS) + text : "";
  }

  const percent = (share) => (share === null || share === undefined ? NONE : number(100 * share, 2) + " %");
  const unit = (at) => { const name = data.names && data.names[at]; return name && name !== data.ids[at] ? `${data.ids[at]} ${name}` : data.ids[at]; };
  const zone = (id) => { const name = plan.now.names.get(id); return name ? `${id} ${name}` : id; };
  const level = (name) => { const known = data.levels.find((each) => each.name === name); return known ? known.title : name; };

  function band([low, high]) {
    const plain = (value) => value.toLocaleString("en-GB", { maximumSignificantDigits: 6 });
    if (low === null) { return `up to ${plain(high)}`; }
    if (low === high) { return plain(low); }
    return high === null ? `${plain(low)} or more` : `${plain(low)} to ${plain(high)}`;
  }

  /* One broken rule in a line. */
  function broken(row) {
    const where = row.zone !== null ? `Zone ${zone(row.zone)}` : row.level !== null ? level(row.level) : "The plan";
    const quantity = row.quantity.replace(/_/g, " ");
    const value = row.value === Infinity ? "out of reach" : number(row.value, Number.isInteger(row.value) ? 0 : 2);
    const open = row.limit[0] === null && row.limit[1] === null;
    return `${where}: ${row.rule} (${quantity}) is ${value}${open ? "; it must be in reach" : `; allowed is ${band(row.limit)}`}`;
  }

  function element(tag, name, text) {
    const made = document.createElement(tag);
    if (name) { made.className = name; }
    if (text !== undefined) { made.textContent = text; }
    return made;
  }

  function button(text, key, onClick, name = "act") {
    const made = element("button", name, text);
    made.type = "button";
    made.dataset.key = key;
    made.addEventListener("click", onClick);
    return made;
  }

  return { number, hours, minutes, mean, change, percent, unit, zone, level, broken, element, button, whole };
})();
