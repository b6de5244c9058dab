"use strict";
const $ = id => document.getElementById(id);
const percent = (x, digits = 1) => (100 * x).toFixed(digits) + "\u00a0%";
const element = (name, text = "", attributes = {}) => {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};
const field = name => $("form").elements[name];
const label = name => // without the unit
  field(name).closest("label").querySelector("span").textContent.replace(/ \(.*\)$/, "");
const choice = (name, value) =>
  [...field(name).options].find(option => option.value === value).textContent;
// The latest request; the predictions of earlier ones are not shown.
let latest = {file: null, name: "", turn: 0}, prediction = null;

async function request(file, name, parts) {
  const query = new URLSearchParams({...parts, name: name.slice(-200)});
  for (const [key, value] of new FormData($("form"))) {
    if (typeof value === "string" && value !== "") query.set(key, value);
  }
  let response;
  try {
    response = await fetch("/api/predict?" + query, {
      method: "POST", body: file, headers: {"Content-Type": "application/octet-stream"},
    });
  } catch {
    throw new Error("no response from the server; check that it is still running.");
  }
  const found = await response.json().catch(() => ({detail: response.statusText}));
  if (!response.ok) throw new Error(found.detail || "the request failed.");
  return found;
}

async function predict(file, name) {
  const turn = latest.turn + 1;
  latest = {file, name, turn};
  prediction = null;
  $("again").disabled = false;
  $("problem").textContent = "";
  $("prediction").hidden = true;
  // Nothing of the previous file is left beside this prediction.
  for (const id of ["curves", "importance", "compared"]) $(id).replaceChildren();
  $("matches").tBodies[0].replaceChildren();
  $("matches").hidden = $("png").disabled = true;
  $("status").textContent = `Predicting ${name} …`;
  const current = () => latest.turn === turn;
  const merge = found => {
    if (!current()) return;
    // Each part adds notes; those of the file are the same in all parts.
    const notes = [...new Set([...(prediction ? prediction.notes : []), ...found.notes])];
    prediction = {
      ...found, notes,
      reliability: found.reliability || (prediction && prediction.reliability),
      importance: found.importance || (prediction && prediction.importance),
      matches: found.matches || (prediction && prediction.matches),
    };
    show();
  };
  try {
    merge(await request(file, name, {reliability: false}));
    if (!current()) return;
    $("status").textContent = "Computing reliability, importance and matches …";
    await Promise.all([
      request(file, name, {reliability: true}).then(merge),
      request(file, name, {reliability: false, explain: true}).then(merge),
    ]);
    if (!current()) return;
    if (!prediction.reliability) $("reliability").textContent = "Unknown; see the notes.";
    $("status").textContent = "";
    $("title").focus({preventScroll: true});
  } catch (error) {
    if (!current()) return;
    $("status").textContent = "";
    $("problem").textContent = error.message;
  }
}

function show() {
  $("prediction").hidden = false;
  $("title").textContent = latest.name;
  const inside = prediction.groups.filter(group => group.in_set);
  const other = prediction.other_groups;
  $("set").textContent = [
    prediction.coverage !== null &&
      `${percent(prediction.coverage, 0)} prediction set: ${inside.length} of ` +
      `${prediction.groups.length} space groups.`,
    other && `Outside the model's space groups: ${percent(other.probability, 0)} (if ` +
      `${percent(other.share, 0)} of all crystals are, as in its data).`,
  ].filter(Boolean).join(" ");
  $("more").hidden = prediction.groups.length <= 6;
  showGroups();
  $("systems").textContent = "Crystal system: " + Object.entries(prediction.systems)
    .filter(([, share]) => share >= .005)
    .map(([name, share]) => `${name} ${percent(share, 0)}`).join(", ") + ".";
  showFamiliarity();
  showReliability();
  $("notes").replaceChildren(...prediction.notes.map(text => element("li", text)));
  const omega = prediction.conditions;
  const assumed = ["radiation", "qmin", "qmax", "qdamp", "qbroad"]
    .filter(name => prediction.assumed.includes(name)).map(label);
  $("conditions").textContent =
    (prediction.composition ? `With the composition ${prediction.composition}. ` : "") +
    `Conditions: ${choice("radiation", omega.radiation)}, ` +
    `r ${omega.rmin.toFixed(1)} to ${omega.rmax.toFixed(1)} Å, ` +
    `Q ${omega.qmin} to ${omega.qmax} Å⁻¹, ` +
    `${label("qdamp")} ${omega.qdamp}, ${label("qbroad")} ${omega.qbroad} Å⁻¹.` +
    (assumed.length ? ` Assumed, because not stated: ${assumed.join(", ")}.` : "");
  $("neighbours").textContent = prediction.neighbours.length === 0 ? "" :
    "Nearest neighbours" +
    (prediction.composition ? ` with a composition like ${prediction.composition}` : "") +
    " (id, space group, similarity): " + prediction.neighbours.map(each =>
      `${each.formula} (${each.id}, ${each.number}, ${each.similarity.toFixed(2)})`,
    ).join(", ") + ".";
  if (prediction.importance) showExplanation();
}

function showGroups() {
  const all = $("more").getAttribute("aria-expanded") === "true";
  $("more").textContent = all ? "The first six" : `All ${prediction.groups.length} groups`;
  $("groups").replaceChildren(...prediction.groups.slice(0, all ? undefined : 6).map(group => {
    const row = element("tr", "", group.in_set ? {} : {class: "outside"});
    const share = element("td", percent(group.probability), {class: "number bar"});
    share.style.backgroundSize = `${100 * group.probability}% 100%`;
    row.append(
      element("td", group.number, {class: "number"}), element("td", group.symbol),
      element("td", group.system), share, element("td", group.in_set ? "yes" : "no"));
    return row;
  }));
}

function showFamiliarity() {
  const found = prediction.familiarity;
  $("familiarity").textContent = !found ? "" :
    (found.n_alike ? `Known structures like it: ${found.n_alike}` :
      "No known structure is like it") +
    ` (similarity ${found.similarity.toFixed(2)}). ` +
    (found.structure_type === "unsure" ?
      `New structure type: ${percent(found.p_new, 0)}` :
      `Structure type stated as ${found.structure_type}`) +
    `; expect ${(10 * found.if_known).toFixed(0)} of 10 right if it is known, ` +
    `${(10 * found.if_new).toFixed(0)} if it is new.`;
}

function showReliability() {
  const found = prediction.reliability;
  if (!found) { $("reliability").textContent = "…"; return; }
  const share = s => // without line breaks
    `${(100 * s.value).toFixed(0)}\u00a0±\u00a0${(50 * (s.high - s.low)).toFixed(0)}\u00a0%`;
  const composition = prediction.composition ? " with their compositions" : "";
  $("reliability").textContent =
    `Accuracy on ${found.n.toLocaleString("en")} test crystals${composition}, simulated ` +
    `at these conditions: top-1 ${share(found.top1)}, top-6 ${share(found.top6)}. On the ` +
    `${found.n_alike.toLocaleString("en")} of them predicted with a confidence similar ` +
    `to that of this PDF: top-1 ${share(found.alike_top1)}, ` +
    `top-6 ${share(found.alike_top6)}.` +
    (found.if_known && found.if_new ? ` Of those, top-1 ${share(found.if_known)} if the ` +
      `structure type is known, ${share(found.if_new)} if it is new.` : "");
}

function showExplanation() {
  const {matches} = prediction, table = $("matches");
  const chosen = table.querySelector("input:checked");
  const place = chosen ? Number(chosen.value) : 0;
  table.hidden = !matches;
  $("compared").textContent = "";
  if (matches) {
    $("compared").textContent =
      `Best matches of ${matches.n.toLocaleString("en")} known crystals, by Rw up to ` +
      `${matches.r.at(-1).toFixed(0)} Å. The strain stretches the cell of a crystal to ` +
      "minimize its Rw.";
    table.tBodies[0].replaceChildren(...matches.best.map((match, k) => {
      const row = element("tr"), cell = element("td");
      const radio = element("input", "", {
        type: "radio", name: "match", value: k,
        "aria-label": `show ${match.formula} ${match.id}`,
      });
      radio.checked = k === Math.min(place, matches.best.length - 1);
      radio.addEventListener("change", drawExplanation);
      cell.append(radio);
      row.append(
        cell, element("td", match.formula), element("td", match.id),
        element("td", match.number, {class: "number"}),
        element("td", match.rw.toFixed(2), {class: "number"}),
        element("td", (match.strain >= 0 ? "+" : "−") +
          percent(Math.abs(match.strain)), {class: "number"}));
      return row;
    }));
  }
  drawExplanation();
  $("png").disabled = false;
}

function save(blob, ending) {
  const link = element("a", "", {download: latest.name.replace(/\.[^.]*$/, "") + ending});
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

$("json").addEventListener("click", () => save(
  new Blob([JSON.stringify(prediction, null, 2)], {type: "application/json"}), ".json"));
$("csv").addEventListener("click", () => {
  const rows = prediction.groups.map((group, k) =>
    [k + 1, group.number, group.symbol, group.system, group.probability.toFixed(6),
      Number(group.in_set)]);
  const text = [["rank", "number", "symbol", "system", "probability", "in_set"], ...rows]
    .map(row => row.join(",")).join("\n") + "\n";
  save(new Blob([text], {type: "text/csv"}), ".csv");
});
$("png").addEventListener("click", async () => {
  const svgs = [...document.querySelectorAll("#curves svg, #importance svg")];
  const images = await Promise.all(svgs.map(svg => new Promise((done, failed) => {
    const {width, height} = svg.viewBox.baseVal, image = new Image();
    const copy = svg.cloneNode(true);
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    image.onload = () => done({image, width, height});
    image.onerror = failed;
    image.src = "data:image/svg+xml;charset=utf-8," +
      encodeURIComponent(new XMLSerializer().serializeToString(copy));
  })));
  const canvas = document.createElement("canvas"), scale = 2;
  canvas.width = scale * images[0].width;
  canvas.height = scale * images.reduce((sum, one) => sum + one.height, 0);
  const context = canvas.getContext("2d");
  let y = 0;
  for (const {image, width, height} of images) {
    context.drawImage(image, 0, scale * y, scale * width, scale * height);
    y += height;
  }
  canvas.toBlob(blob => save(blob, ".png"), "image/png");
});
$("more").addEventListener("click", () => {
  const open = $("more").getAttribute("aria-expanded") === "true";
  $("more").setAttribute("aria-expanded", String(!open));
  showGroups();
});
$("file").addEventListener("change", event => {
  const [file] = event.target.files;
  if (file) predict(file, file.name);
});
$("form").addEventListener("submit", event => {
  event.preventDefault();
  if (latest.file) predict(latest.file, latest.name);
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, event => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) {
      const [file] = event.dataTransfer.files;
      predict(file, file.name);
    }
  });
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  if (prediction && prediction.importance) drawExplanation();
});
fetch("/api/model").then(response => response.json()).then(model => {
  $("model").textContent = `Model: ${model.name}, ` +
    `${model.space_groups.length} space groups.`;
});
fetch("/api/examples").then(response => response.json()).then(names => {
  for (const name of names) {
    const button = element("button", name.replace(/\.gr$/, "").replaceAll("-", " "),
      {type: "button"});
    button.addEventListener("click", async () => {
      const response = await fetch("/api/examples/" + encodeURIComponent(name));
      predict(await response.blob(), name);
    });
    $("examples").append(button);
  }
});
