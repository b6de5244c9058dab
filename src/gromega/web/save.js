// Downloads: one prediction as JSON, CSV or PNG; all of them as JSON or as a CSV with the
// columns of gromega predict --summary.
const SUMMARY = ["file", "verdict", "number", "symbol", "probability", "set", "reliability",
  "top1", "composition", "qmax", "assumed", "atoms", "atoms_range", "volume", "volume_range",
  "notes"];

function save(blob, name) {
  const link = element("a", "", {download: name});
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const stem = name => name.replace(/\.[^.]*$/, "");
const saveJson = (value, name) => save(
  new Blob([JSON.stringify(value, null, 2)], {type: "application/json"}), name);
const cell = value => /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
const saveCsv = (rows, name) => save(new Blob(
  [rows.map(row => row.map(value => cell(String(value))).join(",")).join("\n") + "\n"],
  {type: "text/csv"}), name);

function saveGroups({name, prediction}) {
  const rows = prediction.groups.map((group, k) =>
    [k + 1, group.number, group.symbol, group.system, group.probability.toFixed(6),
      Number(group.in_set)]);
  saveCsv([["rank", "number", "symbol", "system", "probability", "in_set"], ...rows],
    stem(name) + ".csv");
}

function summaryRow({name, prediction}) {
  const [first] = prediction.groups, found = prediction.reliability;
  const {atoms = "", atoms_range: range, volume, volume_range: volumes} =
    prediction.cell_size || {};
  const inDecimals = values => (values || []).map(value => value.toFixed(1)).join(" ");
  return [
    name, prediction.verdict.level, first.number, first.symbol,
    first.probability.toFixed(4),
    prediction.groups.filter(group => group.in_set).map(group => group.number).join(" "),
    prediction.verdict.reliability || "", found ? found.top1.value.toFixed(4) : "",
    prediction.composition || "", prediction.conditions.qmax, prediction.assumed.join(" "),
    atoms, (range || []).join(" "), inDecimals(volume == null ? [] : [volume]),
    inDecimals(volumes), prediction.notes.join(" | "),
  ];
}

const saveSummary = found =>
  saveCsv([SUMMARY, ...found.map(summaryRow)], "predictions.csv");

// As of gromega predict --json: by file; a name that is there twice gets a number.
function saveAll(found) {
  const named = {};
  for (const {name, prediction} of found) {
    let key = name;
    for (let k = 2; key in named; k++) key = `${name} (${k})`;
    named[key] = prediction;
  }
  saveJson(named, "predictions.json");
}

async function savePng(name) {
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
  canvas.toBlob(blob => save(blob, stem(name) + ".png"), "image/png");
}
