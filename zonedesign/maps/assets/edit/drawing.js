/* Drawing on the map: a box or a lasso, held down or corner by corner, and the cross that keys choose with. */
const drawing = (() => {
  let cover = null, points = [], held = false, shape = null;

  const mode = () => document.querySelector("input[name=mode]:checked").value;
  const adding = (event) => event.shiftKey || event.ctrlKey || event.metaKey || document.getElementById("adding").checked;

  function start() {
    if (!chart.map) { return; }
    cover = document.getElementById("lasso");
    cover.innerHTML = '<svg width="100%" height="100%" aria-hidden="true"><polygon fill="#0b5c7a" fill-opacity=".15" stroke="#0b5c7a" stroke-width="2" stroke-dasharray="5 3"/></svg>';
    shape = cover.querySelector("polygon");
    document.querySelectorAll("input[name=mode]").forEach((each) => each.addEventListener("change", () => { cover.hidden = mode() === "choose"; reset(); }));
    cover.addEventListener("pointerdown", down);
    cover.addEventListener("pointermove", (event) => { if (points.length && (held || mode() === "box")) { draw(event); } });
    cover.addEventListener("pointerup", up);
    cover.addEventListener("pointercancel", reset);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && points.length) { reset(); } else if (event.key === "Enter" && points.length > 2 && mode() === "lasso") { finish(event); }
    });
    keyboard();
  }

  function reset() {
    points = [];
    held = false;
    shape.setAttribute("points", "");
  }

  function spot(event) {
    const box = cover.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  const near = (a, b, most) => Math.hypot(a[0] - b[0], a[1] - b[1]) <= most;

  function down(event) {
    if (event.button) { return; }
    event.preventDefault();
    cover.setPointerCapture(event.pointerId);
    const at = spot(event);
    if (mode() === "lasso" && points.length > 2 && near(at, points[0], 12)) { finish(event); return; }
    if (mode() === "box" && points.length) { points = [points[0], at]; finish(event); return; }
    held = true;
    points.push(at);
    outline();
  }

  function draw(event) {
    const at = spot(event);
    if (mode() === "box") { points = [points[0], at]; } else if (!near(at, points[points.length - 1], 3)) { points.push(at); }
    outline();
  }

  function up(event) {
    if (!held) { return; }
    held = false;
    const far = points.some((at) => !near(at, points[0], 6));
    if (mode() === "box" ? far && points.length > 1 : points.length > 8) { finish(event); } else if (mode() === "box") { points = [points[0]]; }
  }

  const corners = () => (mode() === "box" && points.length > 1
    ? [points[0], [points[1][0], points[0][1]], points[1], [points[0][0], points[1][1]]] : points);

  function outline() { shape.setAttribute("points", corners().map((at) => at.join(",")).join(" ")); }

  function finish(event) {
    const ring = corners(), found = [];
    chart.spots.forEach((place, unit) => {
      const at = chart.map.latLngToContainerPoint(place);
      if (inside([at.x, at.y], ring)) { found.push(unit); }
    });
    reset();
    choosing.set(found, adding(event));
  }

  function inside([x, y], ring) {
    let within = false;
    ring.forEach(([ax, ay], k) => {
      const [bx, by] = ring[(k + 1) % ring.length];
      if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) { within = !within; }
    });
    return within;
  }

  /* With the keyboard the map moves under a cross, and Enter chooses what lies there. */
  function keyboard() {
    const box = chart.map.getContainer();
    const under = () => chart.at(L.point(box.clientWidth / 2, box.clientHeight / 2));
    const tell = () => { const unit = under(); page.say(unit < 0 ? "No unit is under the cross." : `${words.unit(unit)}, ${plan.now.zone[unit] === null ? "in no zone" : "zone " + plan.now.zone[unit]}${choosing.has(unit) ? ", selected" : ""}.`); };
    let keyed = false;
    chart.map.on("moveend", () => { if (keyed && document.activeElement === box) { keyed = false; tell(); } });
    box.addEventListener("keydown", (event) => {
      keyed = /^(Arrow|\+|-|=|_)/.test(event.key);
      if (event.key === "Escape") { if (!points.length) { choosing.set([]); } chart.hush(); }
      if (event.key !== "Enter" && event.key !== " ") { return; }
      event.preventDefault();
      const unit = under();
      if (unit >= 0) { choosing.toggle(unit, adding(event)); } else { tell(); }
    });
  }

  return { start };
})();
