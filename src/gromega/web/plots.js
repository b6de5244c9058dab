// The plots of an explained prediction, drawn as SVG.
function drawExplanation() {
  const {matches} = prediction, {r, g, centres, width, values} = prediction.importance;
  const lines = [{x: r, y: g, color: "--ink", name: "measured"}];
  if (matches) {
    const chosen = $("matches").querySelector("input:checked");
    const match = matches.best[Number(chosen.value)];
    const away = matches.g.map((value, k) => value - match.g[k]);
    const shift = 1.2 * Math.min(...g, ...match.g) - Math.max(...away);
    lines.push(
      {x: matches.r, y: match.g, color: "--match", name: match.formula},
      {x: matches.r, y: away.map(value => value + shift), color: "--against",
       name: "difference"});
  }
  const names = lines.map(line => line.name).join(", ");
  draw($("curves"), {lines}, "r (Å)", "G(r)", 300,
    `G(r) against r: ${names}.`, "On the r grid of the network.");
  const first = prediction.groups[0];
  const title = `Importance of each r for ${first.number} ${first.symbol}`;
  draw($("importance"), {bars: {x: centres, y: values,
    width: .8 * width / 2}}, "r (Å)", "importance", 170, `${title}.`,
    `${title}: the decrease of its log p when a window of ${width} Å around r is ` +
    "hidden. A negative value counts against this group.");
}

function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(k => k * power).find(s => s >= rough);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    found.push(Number((k * step).toPrecision(6)));
  }
  return found;
}

function draw(place, {lines = [], bars = null}, xLabel, yLabel, height, words, caption) {
  const width = Math.min(720, Math.max(320, place.clientWidth));
  const left = 58, right = 8, top = 26, bottom = 40;
  const style = getComputedStyle(document.documentElement);
  const color = name => style.getPropertyValue(name).trim();
  const all = bars ? [bars] : lines;
  const xs = all.flatMap(one => one.x), ys = all.flatMap(one => one.y);
  const x0 = Math.min(...xs) - (bars ? 1 : 0), x1 = Math.max(...xs) + (bars ? 1 : 0);
  let y0 = Math.min(...ys, ...(bars ? [0] : [])), y1 = Math.max(...ys, ...(bars ? [0] : []));
  if (y0 === y1) { y0 -= 1; y1 += 1; }
  const pad = .04 * (y1 - y0);
  y0 -= pad; y1 += pad;
  const X = x => left + (x - x0) / (x1 - x0) * (width - left - right);
  const Y = y => height - bottom - (y - y0) / (y1 - y0) * (height - top - bottom);
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const add = (name, attributes, text = "") => {
    const made = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    svg.append(made);
  };
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", words);
  svg.setAttribute("font-family", "system-ui, sans-serif");
  svg.setAttribute("font-size", "13");
  add("rect", {width, height, fill: color("--paper")});
  for (const x of ticks(x0, x1, width / 100)) {
    add("line", {x1: X(x), x2: X(x), y1: top, y2: height - bottom, stroke: color("--line")});
    add("text", {x: X(x), y: height - bottom + 16, "text-anchor": "middle",
      fill: color("--soft")}, x);
  }
  for (const y of ticks(y0, y1, height > 200 ? 6 : 3)) {
    add("line", {x1: left, x2: width - right, y1: Y(y), y2: Y(y), stroke: color("--line")});
    add("text", {x: left - 6, y: Y(y) + 4, "text-anchor": "end", fill: color("--soft")},
      String(y).replace("-", "−"));
  }
  add("text", {x: (left + width) / 2, y: height - 6, "text-anchor": "middle",
    fill: color("--ink")}, xLabel);
  add("text", {transform: `translate(14 ${(top + height - bottom) / 2}) rotate(-90)`,
    "text-anchor": "middle", fill: color("--ink")}, yLabel);
  let at = left;
  for (const line of lines) {
    const points = line.x.map((x, k) => `${X(x).toFixed(2)},${Y(line.y[k]).toFixed(2)}`);
    add("polyline", {points: points.join(" "), fill: "none", stroke: color(line.color),
      "stroke-width": 1.4, "stroke-linejoin": "round"});
    add("line", {x1: at, x2: at + 22, y1: 12, y2: 12, stroke: color(line.color),
      "stroke-width": 2});
    add("text", {x: at + 28, y: 16, fill: color("--ink")}, line.name);
    at += 44 + 7.5 * line.name.length;
  }
  if (bars) bars.x.forEach((x, k) => {
    const y = bars.y[k];
    add("rect", {x: X(x - bars.width / 2), width: X(x + bars.width / 2) - X(x - bars.width / 2),
      y: Math.min(Y(y), Y(0)), height: Math.abs(Y(y) - Y(0)),
      fill: color(y > 0 ? "--match" : "--against")});
  });
  place.replaceChildren(svg, element("figcaption", caption));
}
