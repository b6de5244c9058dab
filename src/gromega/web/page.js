// The files of the page: each has its own options, its prediction and its place in the queue.
const AT_ONCE = 2; // requests for different files
let entries = [], selected = null, count = 0, running = 0;
let restored = null; // the name and the options of a link whose file is not there yet

async function post(path, entry, parts = {}) {
  const query = new URLSearchParams(
    {...entry.options, ...parts, name: entry.name.slice(-200)});
  let response;
  try {
    response = await fetch(`${path}?${query}`, {
      method: "POST", body: entry.file,
      headers: {"Content-Type": "application/octet-stream"},
    });
  } catch {
    throw new Error("no response from the server; check that it is still running.");
  }
  const found = await response.json().catch(() => ({detail: response.statusText}));
  if (!response.ok) throw new Error(found.detail || "the request failed.");
  return found;
}

// The fields of the form that are not as in the file.
function formOptions() {
  const found = {};
  for (const [key, value] of new FormData($("form"))) {
    const control = field(key);
    const usual = control.tagName === "SELECT" ? control.options[0].value : "";
    if (typeof value === "string" && value !== usual) found[key] = value;
  }
  return found;
}

function fillForm(entry) {
  $("form").reset();
  for (const [name, value] of Object.entries(entry.fields)) {
    field(name).value = value;
  }
  const prediction = entry.prediction;
  for (const control of $("form").querySelectorAll("input[type=number]")) {
    const value = prediction && prediction.conditions[control.name];
    const known = value !== undefined && value !== null && !(control.name in entry.options);
    control.dataset.empty ??= control.placeholder;
    const source = prediction && prediction.assumed.includes(control.name) ?
      "assumed" : "in the file";
    control.placeholder = known ? `${Number(value.toPrecision(4))} (${source})` :
      control.dataset.empty;
  }
  $("for-all").hidden = entries.length < 2;
}

// One object of the responses: the reliability can change verdict and familiarity; the
// explanation adds matches, importance and notes.
function compose({first, reliable, explained}) {
  const base = reliable || first;
  if (!base || !explained) return base;
  const more = explained.notes.filter(note => !first.notes.includes(note));
  return {...base, importance: explained.importance, matches: explained.matches,
    notes: [...new Set([...base.notes, ...more])]};
}

function start(entry, options) {
  Object.assign(entry, {
    options, fields: {...options}, turn: entry.turn + 1, prediction: null, pdf: null,
    parts: {}, problem: "", done: false, waiting: true, explaining: null,
  });
  if (entry === selected) {
    show();
    history.replaceState(null, "", linkOf(entry));
  }
  work();
  refresh();
}

function work() {
  while (running < AT_ONCE) {
    // The one that is looked at comes first.
    const next = selected && selected.waiting ? selected :
      entries.find(entry => entry.waiting);
    if (!next) break;
    next.waiting = false;
    running++;
    predict(next).finally(() => { running--; work(); refresh(); });
  }
}

async function predict(entry) {
  const {turn} = entry, current = () => entry.turn === turn;
  const merge = part => found => {
    if (!current()) return;
    entry.parts[part] = found;
    entry.prediction = compose(entry.parts);
    if (entry === selected) show();
    refresh();
  };
  try {
    await Promise.all([
      post("/api/pdf", entry).then(pdf => { if (current()) entry.pdf = pdf; }),
      post("/api/predict", entry, {reliability: false}).then(merge("first")),
    ]);
    if (entry === selected) { show(); explain(entry); }
    await post("/api/predict", entry, {reliability: true}).then(merge("reliable"));
  } catch (error) {
    if (current()) entry.problem = error.message;
  }
  if (!current()) return;
  entry.done = true;
  if (entry !== selected) return;
  show();
  // Users of a keyboard or a screen reader continue at the prediction.
  const idle = !$("form").contains(document.activeElement);
  if (idle && !entry.problem && entries.length < 2) $("title").focus({preventScroll: true});
}

// Importance and matches take longest: only for the file that is looked at.
async function explain(entry) {
  const {turn} = entry;
  if (!entry.parts.first || entry.parts.explained || entry.explaining === turn) return;
  entry.explaining = turn;
  refresh();
  try {
    const found = await post("/api/predict", entry, {reliability: false, explain: true});
    if (entry.turn !== turn) return;
    entry.parts.explained = found;
    entry.prediction = compose(entry.parts);
  } catch (error) {
    if (entry.turn === turn) entry.problem = error.message;
  }
  if (entry.turn !== turn) return;
  entry.explaining = null;
  if (entry === selected) show();
  refresh();
}

function show() {
  const entry = selected;
  $("one").hidden = !entry;
  if (!entry) return;
  $("title").textContent = entry.name;
  $("problem").textContent = entry.problem;
  // A problem with the options: they are what has to change.
  if (entry.problem) $("options").open = true;
  showPrediction(entry);
  drawEntry(entry);
  $("png").disabled = !entry.parts.explained;
  $("link").href = linkOf(entry);
  if (!$("form").contains(document.activeElement)) fillForm(entry);
}

function select(entry) {
  if (entry !== selected) $("matches").tBodies[0].replaceChildren();
  selected = entry;
  document.activeElement.blur();
  fillForm(entry);
  show();
  explain(entry);
  history.replaceState(null, "", linkOf(entry));
  refresh();
}

// The table of files, the progress and the status.
function refresh() {
  $("series").hidden = entries.length < 2;
  $("rows").replaceChildren(...entries.map(entry => {
    const {prediction, problem} = entry;
    const row = element("tr", "", entry === selected ? {class: "selected"} : {});
    const name = element("td"), open = element("button", entry.name, {type: "button"});
    if (entry === selected) open.setAttribute("aria-current", "true");
    open.addEventListener("click", () => { select(entry); $("title").focus(); });
    name.append(open);
    row.append(name);
    if (!prediction) {
      const text = problem ? "not predicted" : "…";
      row.append(element("td", text, {colspan: 8, class: problem ? "problem" : ""}));
      return row;
    }
    const [first] = prediction.groups;
    const [, , , , , set, level, , composition, qmax] = summaryRow(entry);
    row.append(
      element("td", prediction.verdict.level), element("td", `${first.number} ${first.symbol}`),
      number(percent(first.probability, 0)),
      ...[set.split(" ").slice(0, 6).join(", ") + (set.split(" ").length > 6 ? ", …" : ""),
        level || (entry.done ? "unknown" : "…"), composition || "–"]
        .map(text => element("td", text, {class: "wide"})),
      element("td", qmax, {class: "wide number"}),
      element("td", prediction.notes.length, {class: "wide number"}));
    return row;
  }));
  const done = entries.filter(entry => entry.done).length;
  const predicted = entries.filter(entry => entry.prediction);
  $("all-json").disabled = $("all-csv").disabled = !predicted.length;
  $("progress").hidden = done === entries.length;
  $("progress").max = Math.max(entries.length, 1);
  $("progress").value = done;
  $("status").textContent =
    done < entries.length ? `Predicting: ${done} of ${entries.length} files are done.` :
    selected && selected.explaining ? "Computing importance and matches …" : "";
}

// Each file begins with options of its own: none, or those of a link.
function addFiles(files) {
  const added = files.map(({file, name, options}) => {
    const asked = restored && restored.name === name ? restored.options : {};
    if (restored && restored.name === name) forget();
    return {id: ++count, file, name, turn: 0, asked: options || asked};
  });
  if (!added.length) return;
  entries.push(...added);
  $("failure").textContent = "";
  for (const entry of added) start(entry, entry.asked);
  select(added[0]);
}

function linkOf({name, options}) {
  return "#" + new URLSearchParams({file: name, ...options});
}

function forget() {
  restored = null;
  $("restored").textContent = "";
}

// Restores the options of a link, and the file too if it is an example.
async function restore() {
  const {file: name, ...rest} = Object.fromEntries(
    new URLSearchParams(location.hash.slice(1)));
  if (!name || (selected && location.hash === linkOf(selected))) return;
  const options = Object.fromEntries(
    Object.entries(rest).filter(([key]) => field(key) instanceof Element));
  if (examples.includes(name)) { await openExample(name, options); return; }
  restored = {name, options};
  const texts = Object.entries(options).map(([key, value]) => `${key} ${value}`);
  $("restored").textContent = `The link is for ${name}, with ` +
    `${texts.join(", ") || "no options"}. Choose this file to restore the prediction.`;
}

let examples = [];
async function openExample(name, options = {}) {
  try {
    const response = await fetch("/api/examples/" + encodeURIComponent(name));
    addFiles([{file: await response.blob(), name, options}]);
  } catch {
    $("failure").textContent = "no response from the server; check that it is still running.";
  }
}

const predicted = () => entries.filter(entry => entry.prediction);
$("json").addEventListener("click", () =>
  saveJson(selected.prediction, stem(selected.name) + ".json"));
$("csv").addEventListener("click", () => saveGroups(selected));
$("png").addEventListener("click", () => savePng(selected.name));
$("all-json").addEventListener("click", () => saveAll(predicted()));
$("all-csv").addEventListener("click", () => saveSummary(predicted()));
$("clear").addEventListener("click", () => {
  for (const entry of entries) Object.assign(entry, {turn: entry.turn + 1, waiting: false});
  entries = [];
  selected = null;
  history.replaceState(null, "", location.pathname);
  show();
  refresh();
  $("file").focus();
});
$("more").addEventListener("click", () => {
  const open = $("more").getAttribute("aria-expanded") === "true";
  $("more").setAttribute("aria-expanded", String(!open));
  showGroups(selected.prediction);
});
$("file").addEventListener("change", event => {
  addFiles([...event.target.files].map(file => ({file, name: file.name})));
  // The same file can be chosen again.
  event.target.value = "";
});
$("form").addEventListener("input", () => { selected.fields = formOptions(); });
$("form").addEventListener("submit", event => {
  event.preventDefault();
  start(selected, formOptions());
});
$("for-all").addEventListener("click", () => {
  const options = formOptions();
  for (const entry of entries) start(entry, {...options});
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, event => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") {
      addFiles([...event.dataTransfer.files].map(file => ({file, name: file.name})));
    }
  });
}
const redraw = () => { if (selected) drawEntry(selected); };
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
addEventListener("resize", redraw);
addEventListener("hashchange", restore);
fetch("/api/model").then(response => response.json()).then(model => {
  $("model").textContent = `Model: ${model.name}, ` +
    `${model.space_groups.length} space groups.`;
});
fetch("/api/examples").then(response => response.json()).then(names => {
  examples = names;
  for (const name of names) {
    const button = element("button", name.replace(/\.gr$/, "").replaceAll("-", " "),
      {type: "button"});
    button.addEventListener("click", () => openExample(name));
    $("examples").append(button);
  }
  return restore();
});
