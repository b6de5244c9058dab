// The texts and tables of one prediction.
const $ = id => document.getElementById(id);
const percent = (x, digits = 1) => (100 * x).toFixed(digits) + "\u00a0%";
const element = (name, text = "", attributes = {}) => {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};
const number = text => element("td", text, {class: "number"});
const field = name => $("form").elements[name];
const label = name => // without the unit
  field(name).closest("label").querySelector("span").textContent.replace(/ \(.*\)$/, "");
const choice = (name, value) =>
  [...field(name).options].find(option => option.value === value).textContent;
const DATABASE = "https://next-gen.materialsproject.org/materials/";

// The id of a crystal, as a link to its entry if the database is known.
function crystalId(id) {
  return /^mp-\d+$/.test(id) ? element("a", id, {
    href: DATABASE + id, target: "_blank", rel: "noopener noreferrer",
  }) : document.createTextNode(id);
}

function shares(found, count = 7) {
  return Object.entries(found).slice(0, count).filter(([, share]) => share >= .005)
    .map(([name, share]) => `${name} ${percent(share, 0)}`).join(", ");
}

const lines = (id, texts) =>
  $(id).replaceChildren(...texts.filter(Boolean).map(text => element("div", text)));

function showPrediction(entry) {
  const {prediction} = entry;
  $("prediction").hidden = !prediction;
  showVerdict(entry);
  if (!prediction) return;
  showGroups(prediction);
  showSet(prediction);
  showSymmetry(prediction);
  showFamiliarity(prediction);
  showNeighbours(prediction);
  showReliability(entry);
  showConditions(prediction);
  $("notes").replaceChildren(...prediction.notes.map(text => element("li", text)));
  $("notes-title").hidden = !prediction.notes.length;
  showMatches(prediction);
}

function showVerdict({prediction, done}) {
  const verdict = prediction && prediction.verdict;
  $("verdict").hidden = !verdict;
  if (!verdict) return;
  $("verdict").className = verdict.level;
  // The reliability comes a second later.
  $("verdict").textContent =
    done ? verdict.text : verdict.text.replace(/unknown$/, "…");
}

function showSet(prediction) {
  const inside = prediction.groups.filter(group => group.in_set);
  const other = prediction.other_groups;
  lines("set", [
    prediction.coverage !== null && `${percent(prediction.coverage, 0)} prediction set: ` +
      `${inside.map(group => group.number).join(", ")} (${inside.length} of ` +
      `${prediction.groups.length} space groups)`,
    other && `Outside the model's space groups: ${percent(other.probability, 0)} (if ` +
      `${percent(other.share, 0)} of all crystals are, as in its data)`,
  ]);
}

function showGroups(prediction) {
  const all = $("more").getAttribute("aria-expanded") === "true";
  $("more").hidden = prediction.groups.length <= 6;
  $("more").textContent = all ? "The first six" : `All ${prediction.groups.length} groups`;
  $("groups").replaceChildren(...prediction.groups.slice(0, all ? undefined : 6).map(group => {
    const row = element("tr", "", group.in_set ? {} : {class: "outside"});
    const share = element("td", percent(group.probability), {class: "number bar"});
    share.style.backgroundSize = `${100 * group.probability}% 100%`;
    row.append(
      number(group.number), element("td", group.symbol), element("td", group.system), share,
      element("td", group.in_set ? "yes" : "no"));
    return row;
  }));
}

function showSymmetry(prediction) {
  const found = prediction.hierarchy, cell = prediction.cell_size;
  const digits = x => Number(x.toPrecision(3));
  lines("symmetry", [
    `Crystal system: ${shares(prediction.systems)}`,
    found && `Bravais lattice: ${shares(found.bravais_lattices, 3)}`,
    found && `Laue class: ${shares(found.laue_classes, 3)}`,
    found && `Inversion centres: ${percent(found.centrosymmetric, 0)}`,
    found && found.supergroup && `Supergroup of the set: ${found.supergroup}`,
    cell && `Primitive cell: ${cell.atoms} atoms (${percent(cell.probability, 0)}; ` +
      `90 % interval ${cell.atoms_range.join(" to ")})`,
    cell && cell.volume && `Volume of the primitive cell: ${digits(cell.volume)} Å³ ` +
      `(90 % interval ${cell.volume_range.map(digits).join(" to ")})`,
  ]);
}

function showFamiliarity(prediction) {
  const found = prediction.familiarity;
  $("familiarity").hidden = $("familiarity").previousElementSibling.hidden = !found;
  if (!found) return;
  const often = share => `expect ${(10 * share).toFixed(0)} of 10 right`;
  lines("familiarity", [
    (found.n_alike ? `Known structures like it: ${found.n_alike}` :
      "No known structure is like it") + ` (similarity ${found.similarity.toFixed(2)})`,
    found.structure_type === "unsure" ?
      `New structure type: ${percent(found.p_new, 0)}` :
      `Structure type stated as ${found.structure_type}`,
    `If the structure type is known, ${often(found.if_known)}`,
    `If the structure type is new, ${often(found.if_new)}`,
  ]);
}

function showNeighbours(prediction) {
  const place = $("neighbours"), found = prediction.neighbours;
  place.hidden = place.previousElementSibling.hidden = !found.length;
  const among = prediction.composition ?
    `With a composition like ${prediction.composition}: ` : "";
  place.replaceChildren(among, ...found.flatMap((each, k) => [
    k ? ", " : "", `${each.formula} (`, crystalId(each.id),
    `, group ${each.number}, similarity ${each.similarity.toFixed(2)})`,
  ]));
}

function showReliability({prediction, done}) {
  const found = prediction.reliability;
  if (!found) {
    $("reliability").textContent = done ? "Unknown; see the notes." : "…";
    return;
  }
  const share = s => // without line breaks
    `${percent(s.value, 0)} (${(100 * s.low).toFixed(0)}–${percent(s.high, 0)})`;
  const composition = prediction.composition ? " with their compositions" : "";
  const count = n => n.toLocaleString("en");
  lines("reliability", [
    `Top-1 ${share(found.top1)} and top-6 ${share(found.top6)} of ${count(found.n)} test ` +
      `crystals${composition}, simulated at these conditions`,
    `At similar confidence: top-1 ${share(found.alike_top1)} and top-6 ` +
      `${share(found.alike_top6)} of ${count(found.n_alike)} of them`,
    found.if_known && `If the structure type is known: top-1 ${share(found.if_known)}`,
    found.if_new && `If the structure type is new: top-1 ${share(found.if_new)}`,
  ]);
}

function showConditions(prediction) {
  const omega = prediction.conditions;
  const assumed = ["radiation", "qmin", "qmax", "qdamp", "qbroad"]
    .filter(name => prediction.assumed.includes(name)).map(label);
  lines("conditions", [
    prediction.composition && `With the composition ${prediction.composition}`,
    `${choice("radiation", omega.radiation)}, r ${omega.rmin.toFixed(1)} to ` +
      `${omega.rmax.toFixed(1)} Å, Q ${omega.qmin} to ${omega.qmax} Å⁻¹, ` +
      `${label("qdamp")} ${omega.qdamp}, ${label("qbroad")} ${omega.qbroad} Å⁻¹`,
    assumed.length && `Assumed, because not stated: ${assumed.join(", ")}`,
  ]);
}

function showMatches(prediction) {
  const {matches, importance} = prediction, table = $("matches");
  const chosen = Number((table.querySelector("input:checked") || {value: 0}).value);
  $("explanation").hidden = !importance;
  table.hidden = !matches;
  $("compared").textContent = "";
  table.tBodies[0].replaceChildren();
  if (!matches) return;
  $("compared").textContent =
    `Best matches of ${matches.n.toLocaleString("en")} known crystals, by Rw up to ` +
    `${matches.r.at(-1).toFixed(0)} Å. The plot above shows the chosen one.`;
  table.tBodies[0].replaceChildren(...matches.best.map((match, k) => {
    const row = element("tr"), show = element("td"), id = element("td");
    const radio = element("input", "", {
      type: "radio", name: "match", value: k,
      "aria-label": `show ${match.formula} ${match.id}`,
    });
    radio.checked = k === Math.min(chosen, matches.best.length - 1);
    radio.addEventListener("change", () => drawEntry(selected));
    show.append(radio);
    id.append(crystalId(match.id));
    row.append(
      show, element("td", match.formula), id, number(match.number),
      number(match.rw.toFixed(2)),
      number((match.strain >= 0 ? "+" : "−") + percent(Math.abs(match.strain))));
    return row;
  }));
}

// The measured points of a file, and the chosen match if there is one.
function drawEntry({id, pdf, prediction, turn}) {
  const place = $("curves");
  place.hidden = !pdf;
  if (pdf) {
    const drawn = [{x: pdf.r, y: pdf.g, color: "--ink", name: "measured", points: true}];
    const matches = prediction && prediction.matches;
    if (matches) {
      const chosen = $("matches").querySelector("input:checked");
      const match = matches.best[Number(chosen.value)];
      const made = smooth({x: matches.r, y: match.g, color: "--match", name: match.formula});
      const away = smooth({x: matches.r, y: matches.g.map((value, k) => value - match.g[k]),
        color: "--against", name: "difference"});
      const shift = 1.2 * Math.min(...matches.g, ...made.y) - Math.max(...away.y);
      drawn.push(made, {...away, y: away.y.map(value => value + shift)});
    }
    const names = drawn.map(line => line.name).join(", ");
    plot(place, {
      key: `${id}.${turn}`, lines: drawn, xLabel: "r (Å)", yLabel: "G(r) (Å⁻²)", height: 300,
      words: `G(r) against r: ${names}.`,
      caption: `The ${pdf.r.length.toLocaleString("en")} points of the file. Drag along r ` +
        "to zoom; a double click shows all.",
    });
  }
  if (!prediction || !prediction.importance) return;
  const {centres, width, values} = prediction.importance, first = prediction.groups[0];
  const title = `Importance of each r for ${first.number} ${first.symbol}`;
  plot($("importance"), {
    bars: {x: centres, y: values, width: .8 * width / 2}, xLabel: "r (Å)",
    yLabel: "importance", height: 170, words: `${title}.`,
    caption: `${title}: the decrease of its log p when a window of ${width} Å around r is ` +
      "hidden. A negative value counts against this group.",
  });
}
