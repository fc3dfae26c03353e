/* The studio: keeps every edit, has zones designed anew, and lets rules, plans and files be worked with.
   It stands on the editable page's own `window.zonedesignEdit`, and asks only the server it came from. */
"use strict";
(() => {
  const about = /*about*/ null;
  const edit = window.zonedesignEdit;
  const words = { finish: "Finish this for me", repair: "Repair with the fewest changes", explain: "Why is there no plan?" };
  let state = null;
  let version = 0;
  let restoring = false;

  // Small helpers: elements, numbers, requests.

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else element.setAttribute(name, value);
    }
    element.append(...children.filter((each) => each !== null && each !== undefined));
    return element;
  }

  const button = (text, onclick, attributes = {}) => make("button", { type: "button", class: "plain", onclick, ...attributes }, text);

  function number(value, digits = 0) {
    return value === null || value === undefined ? "unknown"
      : value.toLocaleString("en-GB", { maximumFractionDigits: digits, minimumFractionDigits: digits });
  }

  const percent = (value) => (value === null || value === undefined ? "unknown" : `${number(100 * value, 1)} %`);

  function when(at) {
    const date = new Date(at);
    return Number.isNaN(date.getTime()) ? at
      : date.toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  }

  async function ask(method, path, body) {
    let answer;
    try {
      answer = await fetch(path, {
        method,
        headers: { "x-zonedesign": about.key, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch {
      throw new Error("the studio does not answer; start it again, then load this page");
    }
    const found = answer.status === 204 ? null : await answer.json();
    if (!answer.ok) throw Object.assign(new Error(found.error), { status: answer.status });
    return found;
  }

  function tell(text, bad = false) {
    said.textContent = text;
    said.classList.toggle("bad", bad);
    edit.say(text);
  }

  /* Run something that may be refused; the reason is told, and returned as false. */
  async function tried(work) {
    try {
      await work();
      return true;
    } catch (error) {
      tell(sentence(error.message), true);
      return false;
    }
  }

  const sentence = (said) => `${said.charAt(0).toUpperCase()}${said.slice(1).replace(/\.$/, "")}.`;

  const toRow = ([unit, zone, level, centre]) => ({ unit, zone, level, centre });
  const sent = () => edit.plan().map(({ unit, zone, level, centre }) => ({
    unit: String(unit), zone: text(zone), level: text(level), centre: text(centre),
  }));
  const text = (value) => (value === null || value === undefined || value === "" ? null : String(value));

  const locked = () => edit.locks().zones.map(String);

  // Keeping: every edit goes to the store, one at a time and in order.

  const kept = make("p", { id: "studio-kept", class: "small" }, "Reading what was kept");
  const said = make("p", { id: "studio-said", class: "studio-said" });
  let dirty = false;
  let keeping = null;
  let refused = false;

  function changed() {
    if (restoring || refused) return;
    dirty = true;
    kept.textContent = "Keeping the last change";
    if (keeping === null) keeping = keep().finally(() => { keeping = null; });
  }

  async function keep() {
    while (dirty && !refused) await keepOnce();
  }

  async function keepOnce() {
    while (dirty && !refused) {
      await new Promise((done) => setTimeout(done, 60)); // several edits in one breath are one step
      dirty = false;
      const last = newest();
      try {
        const answer = await ask("PUT", "/api/working", { rows: sent(), label: last.label, reason: last.reason, locked: locked(), after: version });
        version = answer.version;
        kept.textContent = `Every change is kept; the last one ${when(answer.at)}`;
        kept.classList.remove("bad");
      } catch (error) {
        dirty = true;
        refused = error.status === 409;
        kept.textContent = `Not kept: ${error.message}`;
        kept.classList.add("bad");
        if (!refused) await new Promise((done) => setTimeout(done, 2000));
      }
    }
    if (!refused) await refreshed().catch((error) => tell(`${error.message}.`, true)); // edits go on meanwhile
  }

  /* The last line of the page's own log, as the store keeps it. */
  function newest() {
    const lines = edit.log();
    const last = lines[lines.length - 1];
    return { label: last.what.trim().slice(0, 1000), reason: last.reason.trim().slice(0, 1000) };
  }

  async function settled() {
    while (keeping !== null) await keeping;
    if (dirty) throw new Error(refused ? "the plan was changed in another window; load this page again" : "the last change is not kept yet; try again");
  }

  window.addEventListener("beforeunload", (event) => {
    if (dirty) event.preventDefault();
  });

  /* Have rows as the plan in hand, one step that can be undone; a locked zone refuses it. */
  function put(rows, label) {
    if (!same(rows) && !edit.setPlan(rows.map(toRow), label)) throw new Error(document.getElementById("said").textContent);
  }

  async function refreshed() {
    state = await ask("GET", "/api/state");
    drawPlans();
    drawSteps();
  }

  // Solving: what is not locked is designed anew, in a process beside the server.

  const seconds = make("select", { id: "studio-seconds" },
    ...[[20, "20 seconds"], [60, "1 minute"], [300, "5 minutes"], [1200, "20 minutes"], [3600, "1 hour"]]
      .map(([value, label]) => make("option", { value, selected: value === 60 }, label)));
  const orders = Object.keys(words).map((kind) => button(words[kind], () => begin(kind), { id: `studio-${kind}` }));
  const stop = button("Stop, and take the best so far", () => tried(() => ask("DELETE", "/api/job")), { id: "studio-stop" });
  const meter = make("progress", { id: "studio-meter", max: "1", "aria-label": "Time used" });
  const going = make("p", { id: "studio-going" });
  const working = make("div", { id: "studio-working", hidden: true }, meter, going, stop);
  const outcome = make("div", { id: "studio-outcome" });
  let shown = 0;
  let started = 0;

  async function begin(kind) {
    outcome.replaceChildren();
    await tried(async () => {
      await settled();
      const stay = locked();
      const job = await ask("POST", "/api/job", { kind, rows: sent(), locked: stay, seconds: Number(seconds.value) });
      started = job.number;
      follow(job);
      tell(`${words[kind]}: begun${stay.length ? `, ${stay.length === 1 ? "the locked zone stays" : `${stay.length} locked zones stay`}` : ""}.`);
      stop.focus();
    });
  }

  function follow(job) {
    if (job === null) return;
    const runs = job.state === "running";
    const hadFocus = working.contains(document.activeElement);
    working.hidden = !runs;
    for (const each of orders) each.disabled = runs;
    apply.disabled = runs;
    if (runs) {
      stop.disabled = job.stopping;
      if (job.share === null || job.share === undefined) meter.removeAttribute("value");
      else meter.value = job.share;
      going.textContent = job.stopping ? "Stopping; the best plan so far is being checked" : progress(job);
      return;
    }
    if (hadFocus) document.getElementById(`studio-${job.kind}`).focus();
    if (shown === job.number) return;
    shown = job.number;
    if (started !== job.number && job.state !== "done") return; // from before this page was loaded
    finished(job);
  }

  function progress(job) {
    const share = job.kind === "repair";
    const parts = [];
    if (job.objective !== undefined) parts.push(share ? `best so far: ${percent(job.objective)} of the hours move` : `best so far: ${number(job.objective, 3)}`);
    if (job.bound > 0 || (share && job.bound !== undefined)) parts.push(share ? `proved: at least ${percent(Math.max(0, job.bound))}` : `proved: at least ${number(job.bound, 3)}`);
    if (job.gap < 1) parts.push(`gap ${percent(job.gap)}`);
    return parts.length ? `${parts.join("; ")}.` : `${job.said ?? "Starting the solver"}.`;
  }

  function finished(job) {
    const name = (words[job.kind] ?? "Job").replace("?", "");
    outcome.replaceChildren(make("h3", { tabindex: "-1" }, `${name}: ${{
      done: job.stopped ? "stopped, best so far" : "done", cancelled: "stopped", infeasible: "no plan can exist", failed: "no result", crashed: "it broke off",
    }[job.state]}`));
    if (job.said && !job.plan) outcome.append(make("p", {}, job.kind === "explain" && job.lines ? "" : sentence(job.said)));
    if (job.causes) {
      outcome.append(make("ul", {}, ...job.causes.map((cause) => make("li", {}, cause))));
      outcome.append(make("p", {}, "Unlock a zone or change a level, or ask why: that names the smallest changes that give a plan."));
    }
    if (job.lines) {
      outcome.append(make("ul", { class: "studio-lines" }, ...job.lines.map((line) => make("li", {}, line))));
      if (locked().length) outcome.append(make("p", { class: "small" }, "A locked zone stands here as units that are together and a centre that stays: to let those go, unlock it."));
    }
    if (job.plan) {
      if (job.note) outcome.append(make("p", {}, job.note));
      outcome.append(beforeAfter(job));
      outcome.append(make("div", { class: "studio-row" },
        button("Use this plan", () => use(job.plan, job.name), { id: "studio-use" }),
        button("Keep mine", () => { outcome.replaceChildren(); tell("Your plan is as it was; what was found is among the plans kept."); })));
      refreshed().catch(() => {});
    }
    tell(`${outcome.firstChild.textContent}.`);
    if (started === job.number) outcome.firstChild.focus();
  }

  function beforeAfter(job) {
    const rows = [
      ["Rules broken", job.before.broken, job.after.broken, (value) => number(value)],
      ["Objective", job.before.objective, job.after.objective, (value) => number(value, 3)],
      ["Mean minutes", job.before.terms.mean_minutes, job.after.terms.mean_minutes, (value) => number(value, 2)],
      ["Zones", job.before.zones, job.after.zones, (value) => number(value)],
      ["Hours moved from the start", job.before.moved_from_start, job.after.moved_from_start, percent],
    ];
    const proof = proved(job.kind, job.certificate ?? {});
    return make("div", {},
      table(`${job.name}, beside your plan. ${proof}`, ["", "Yours", "Found"],
        rows.map(([label, mine, found, shows]) => [label, shows(mine), shows(found)])));
  }

  function proved(kind, { objective, bound, gap }) {
    if (gap === null || gap === undefined) return "";
    if (kind === "repair") return `${percent(objective)} of the hours move; proved: ${gap <= 1e-6 ? "no plan that keeps every rule moves fewer" : `at least ${percent(bound)} must`}.`;
    if (gap >= 1) return "The time was too short to prove how good it is."; // a bound of nothing or less says nothing
    return gap <= 1e-6 ? "Proved: there is none better." : `At most ${percent(gap)} from the best possible.`;
  }

  function table(caption, heads, rows) {
    return make("div", { class: "scroll" }, make("table", { class: "studio-table" },
      make("caption", {}, caption),
      make("thead", {}, make("tr", {}, ...heads.map((head, k) => (head ? make("th", { scope: "col", class: k ? "n" : null }, head) : make("td"))))),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell, k) => (k ? make("td", { class: "n" }, cell) : make("th", { scope: "row" }, cell))))))));
  }

  async function use(id, name) {
    await tried(async () => {
      const plan = await ask("GET", `/api/plans/${id}`);
      put(plan.rows, `Took "${name}"`);
      outcome.replaceChildren();
      tell(`${name} is the plan in hand now; undo brings yours back.`);
    });
  }

  // Rules: levels and the profile of traffic, checked by the server as a scenario is.

  const FIELDS = [
    ["weekly_hours", "Weekly hours", 2], ["customers", "Customers", 2], ["max_minutes", "Minutes from the centre, at most", 1],
    ["max_minutes_between", "Minutes between two units, at most", 1], ["max_miles", "Miles from the centre, at most", 1],
    ["zones", "Zones", 2], ["hours_share", "Share of all hours, 0 to 1", 2],
  ];
  const rulesForm = make("form", { id: "studio-rules" });
  const apply = make("button", { class: "plain" }, "Apply, and judge the plan by these");

  function drawRules() {
    const { levels, profile, profiles, as_in_file: same, file } = state.rules;
    const sets = levels.map((level, at) => make("fieldset", {}, make("legend", {}, `Level ${level.name}`),
      ...FIELDS.map(([key, label, ends]) => field(at, key, label, ends, level[key])),
      make("label", { class: "studio-check" }, make("input", { type: "checkbox", name: `${at}.contiguous`, checked: level.contiguous !== false }), "Zones are in one piece")));
    const traffic = profiles.length && profile !== null
      ? make("label", { class: "studio-field" }, make("span", {}, "Traffic"), make("select", { name: "profile" }, ...profiles.map((each) => make("option", { value: each, selected: each === profile }, each))))
      : make("p", { class: "small" }, "Traffic: the scenario's own speeds.");
    rulesForm.replaceChildren(
      make("p", { class: "small" }, same ? `As ${file} has them. What is left empty is not limited. The file itself is never changed.`
        : `Changed here; ${file} has others. What is left empty is not limited. The file itself is never changed.`),
      ...sets, traffic, make("div", { class: "studio-row" }, apply));
  }

  function field(at, key, label, ends, value) {
    const pair = ends === 1 ? [value] : Array.isArray(value) ? value : [value, value];
    const input = (end, name, more) => make("input", {
      type: "number", min: "0", step: "any", name: `${at}.${key}.${end}`, "aria-label": `Level ${state.rules.levels[at].name}, ${label}${more}`,
      value: pair[end] === null || pair[end] === undefined ? "" : String(pair[end]), ...name,
    });
    return make("div", { class: "studio-field" }, make("span", { "aria-hidden": "true" }, label),
      make("span", { class: "studio-pair" }, input(0, {}, ends === 2 ? ", least" : ""), ends === 2 ? make("span", { "aria-hidden": "true" }, "to") : null, ends === 2 ? input(1, {}, ", most") : null));
  }

  function readRules() {
    const value = (name) => {
      const given = rulesForm.elements[name].value.trim();
      return given === "" ? null : Number(given);
    };
    const levels = state.rules.levels.map((level, at) => {
      const changed = { ...level, contiguous: rulesForm.elements[`${at}.contiguous`].checked };
      for (const [key, label, ends] of FIELDS) {
        const found = ends === 1 ? [value(`${at}.${key}.0`)] : [value(`${at}.${key}.0`), value(`${at}.${key}.1`)];
        if (found.every((each) => each === null)) delete changed[key];
        else if (ends === 1) [changed[key]] = found;
        else if (found.includes(null)) throw new Error(`level ${level.name}: ${label.toLowerCase()} needs both ends, or none`);
        else changed[key] = key === "zones" && found[0] === found[1] ? found[0] : found;
      }
      return changed;
    });
    const profile = rulesForm.elements.profile;
    return { levels, ...(profile ? { profile: profile.value } : {}) };
  }

  rulesForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    apply.disabled = true;
    tell("Working out what the new rules mean for the plan; with other traffic this takes a while.");
    const done = await tried(async () => {
      await settled();
      await ask("POST", "/api/rules", readRules());
    });
    apply.disabled = false;
    if (done) location.reload();
  });

  // Plans kept under a name, the steps before, and files.

  const name = make("input", { id: "studio-name", maxlength: "120", required: true, autocomplete: "off" });
  const reason = make("input", { id: "studio-reason", maxlength: "1000", autocomplete: "off" });
  const saving = make("form", { id: "studio-save" },
    make("label", { class: "studio-field" }, make("span", {}, "Name"), name),
    make("label", { class: "studio-field" }, make("span", {}, "Reason (may be empty)"), reason),
    make("div", { class: "studio-row" }, make("button", { class: "plain" }, "Save this plan")));
  const plans = make("div", { id: "studio-plans" });
  const comparison = make("div", { id: "studio-comparison" });
  const steps = make("div", { id: "studio-steps" });

  saving.addEventListener("submit", async (event) => {
    event.preventDefault();
    await tried(async () => {
      await ask("POST", "/api/plans", { name: name.value, reason: reason.value, rows: sent() });
      tell(`Saved as ${name.value.trim()}.`);
      saving.reset();
      await refreshed();
    });
  });

  function drawPlans() {
    const choices = [["working", "The plan in hand"], ["start", "The plan begun with"], ...state.plans.map((plan) => [String(plan.id), plan.name])];
    const before = ["a", "b"].map((each) => document.getElementById(`studio-compare-${each}`)?.value);
    const chooser = (id, chosen) => make("select", { id }, ...choices.map(([value, label]) => make("option", { value, selected: value === chosen }, label)));
    const has = (value) => choices.some(([each]) => each === value);
    const compare = make("div", { class: "studio-row" },
      make("label", { class: "studio-field" }, make("span", {}, "Compare"), chooser("studio-compare-a", has(before[0]) ? before[0] : "start")),
      make("label", { class: "studio-field" }, make("span", {}, "with"), chooser("studio-compare-b", has(before[1]) ? before[1] : "working")),
      button("Show what differs", showComparison, { id: "studio-compare" }));
    const list = state.plans.length
      ? make("ul", { class: "studio-list" }, ...state.plans.map(planItem))
      : make("p", { class: "small" }, "No plan has a name yet. The plan in hand is kept all the same.");
    plans.replaceChildren(list, compare, comparison, make("h3", {}, "Download"), files("working", "the plan in hand"));
  }

  function planItem(plan) {
    const figures = plan.about.figures ?? {};
    const broken = figures.broken ? `${number(figures.broken)} rules broken` : "keeps every rule";
    const facts = [when(plan.at), broken, figures.terms?.mean_minutes === undefined ? null : `${number(figures.terms.mean_minutes, 2)} mean minutes`];
    return make("li", {},
      make("b", {}, plan.name), " ", make("span", { class: "small" }, facts.filter(Boolean).join(" · ")),
      plan.reason ? make("p", { class: "small" }, plan.reason) : null,
      make("div", { class: "studio-row" },
        button("Open", () => open(plan), { "aria-label": `Open ${plan.name}` }),
        button("Delete", (event) => remove(plan, event.currentTarget), { "aria-label": `Delete ${plan.name}` }),
        make("details", {}, make("summary", {}, "Download"), files(plan.id, plan.name))));
  }

  async function open(plan) {
    await tried(async () => {
      const found = await ask("GET", `/api/plans/${plan.id}`);
      put(found.rows, `Opened "${plan.name}"`);
      tell(`${plan.name} is the plan in hand now; undo brings the one before back.`);
    });
  }

  async function remove(plan, pressed) {
    if (pressed.dataset.sure !== "yes") { // twice, for it cannot be undone
      pressed.dataset.sure = "yes";
      pressed.textContent = "Delete for good?";
      pressed.setAttribute("aria-label", `Delete ${plan.name} for good?`);
      return;
    }
    await tried(async () => {
      await ask("DELETE", `/api/plans/${plan.id}`);
      await refreshed();
      tell(`${plan.name} is deleted.`);
      name.focus();
    });
  }

  function files(ref, of) {
    const get = (file) => button(file, (event) => save(ref, file, event.currentTarget), { "aria-label": `${file} of ${of}` });
    return make("div", { class: "studio-files" }, ...about.files.map(get));
  }

  /* Fetch a file and hand it to the browser; fetched, so that a refusal is read here and not saved as a file. */
  async function save(ref, file, pressed) {
    pressed.disabled = true;
    tell(`Making ${file}${file === "pack.zip" ? "; a sheet for every lot takes a while" : ""}.`);
    await tried(async () => {
      if (ref === "working") await settled();
      const answer = await fetch(`/download/${ref}/${file}`).catch(() => { throw new Error("the studio does not answer; start it again, then load this page"); });
      if (!answer.ok) throw new Error((await answer.json()).error);
      const link = make("a", { href: URL.createObjectURL(await answer.blob()), download: file });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      tell(`${file} is handed to the browser.`);
    });
    pressed.disabled = false;
  }

  async function showComparison() {
    const chosen = ["a", "b"].map((each) => document.getElementById(`studio-compare-${each}`).value);
    const ref = (value) => (/^\d+$/.test(value) ? Number(value) : value);
    await tried(async () => {
      await settled();
      const found = await ask("POST", "/api/compare", { a: ref(chosen[0]), b: ref(chosen[1]) });
      const [mine, theirs] = found.figures;
      const line = (label, key, shows) => [label, shows(mine[key]), shows(theirs[key])];
      comparison.replaceChildren(
        table("What differs", ["", ...found.names], [
          line("Rules broken", "broken", (value) => number(value)), line("Objective", "objective", (value) => number(value, 3)),
          line("Mean minutes", "mean_minutes", (value) => number(value, 2)), line("Longest minutes", "max_minutes", (value) => number(value, 1)),
          line("Zones", "zones", (value) => number(value)), line("Units without zone", "units_without_zone", (value) => number(value)),
        ]),
        make("p", {}, found.moves.length ? `${percent(theirs.share_moved)} of the hours change zone, ${number(theirs.units_moved)} ${theirs.units_moved === 1 ? "unit" : "units"}.` : "No unit changes zone."),
        found.moves.length ? table("What moves", ["From", "To", "Units", "Hours"], found.moves.slice(0, 20).map((move) => [move.from_zone ?? "none", move.to_zone ?? "none", number(move.units), number(move.weekly_hours, 1)])) : "",
        found.all_moves > 20 ? make("p", { class: "small" }, `${number(found.all_moves - 20)} more are on the page of the comparison.`) : "",
        make("p", {}, make("a", { href: `/compare/${chosen[0]}/${chosen[1]}`, target: "_blank", rel: "noopener" }, "Both maps side by side (new window)")));
      tell("What differs is shown below.");
    });
  }

  function drawSteps() {
    steps.replaceChildren(state.steps.length ? make("ol", { class: "studio-list" }, ...state.steps.map((step, at) => make("li", {},
      make("span", {}, step.label), " ", make("span", { class: "small" }, [when(step.at), step.reason].filter(Boolean).join(" · ")),
      at ? make("div", { class: "studio-row" }, button("Go back to this", () => back(step), { "aria-label": `Go back to: ${step.label}, ${when(step.at)}` })) : make("span", { class: "small" }, " (now)"))))
      : make("p", { class: "small" }, "No step yet."));
  }

  async function back(step) {
    await tried(async () => {
      const found = await ask("GET", `/api/steps/${step.id}`);
      put(found.rows, `Went back to "${step.label}" of ${when(step.at)}`);
      tell("That is the plan in hand again; undo brings the one before back.");
    });
  }

  // The panels, and how it begins.

  function lay() {
    document.head.append(make("style", {}, about.css));
    const solve = edit.panel("studio-solving", "Have it designed");
    solve.append(
      make("p", { class: "small" }, "Locked zones stay as they are. What is found is shown beside your plan first, and kept; nothing is put in its place unasked."),
      make("label", { class: "studio-field" }, make("span", {}, "Time at most"), seconds),
      make("div", { class: "studio-row" }, ...orders), working, outcome);
    edit.panel("studio-saving", "Plans kept").append(kept, said, saving, plans);
    edit.panel("studio-levels", "Levels and traffic").append(rulesForm);
    edit.panel("studio-history", "Steps").append(steps, make("p", { class: "small", id: "studio-about" }, about.kept));
  }

  function listen() {
    const stream = new EventSource("/api/events");
    stream.onmessage = (event) => follow(JSON.parse(event.data));
  }

  function same(rows) {
    const mine = new Map(sent().map((row) => [row.unit, row]));
    return rows.every(([unit, zone, level, centre]) => {
      const row = mine.get(unit) ?? { zone: null };
      return row.zone === zone && (zone === null || (row.level === level && row.centre === centre));
    });
  }

  async function start() {
    lay();
    await tried(async () => {
      state = await ask("GET", "/api/state");
      version = state.version;
      restoring = true;
      put(state.rows, "Went on with the plan in hand");
      const zones = new Set(state.rows.map(([, zone]) => zone));
      state.locked.filter((zone) => zones.has(zone)).forEach((zone) => edit.edit.lock(zone, true, ""));
      restoring = false;
      const last = state.steps[0];
      kept.textContent = last ? `Every change is kept; the last one ${when(last.at)}` : "Every change is kept";
      drawPlans();
      drawSteps();
      drawRules();
      shown = state.job && state.job.state !== "running" ? state.job.number : 0;
      if (state.job && state.job.state === "running") started = state.job.number;
      follow(state.job);
      edit.on("change", changed);
      listen();
      document.documentElement.dataset.studio = "ready";
    });
    restoring = false;
  }

  start();
})();
