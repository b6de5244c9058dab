"use strict";
// The plots, drawn as SVG with zoom and hover. Not plotly (7.1): its bundle has 4.8 MB, a
// hundred times this page, and it adds style elements, which the policy of the page forbids.
const SVG = "http://www.w3.org/2000/svg";
const LEFT = 58, RIGHT = 8, TOP = 26, BOTTOM = 40;

function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(k => k * power).find(s => s >= rough);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    found.push(Number((k * step).toPrecision(6)));
  }
  return found;
}

// The points of a line between two x, with one beyond each; no more than the lowest and the
// highest of each column of pixels.
function visible({x, y}, x0, x1, columns) {
  let start = x.findIndex(value => value >= x0), stop = x.findLastIndex(value => value <= x1);
  if (start < 0 || stop < 0) return [];
  start = Math.max(start - 1, 0);
  stop = Math.min(stop + 1, x.length - 1);
  const size = Math.max(1, Math.floor((stop - start) / (2 * columns)));
  const found = [];
  for (let k = start; k <= stop; k += size) {
    let low = k, high = k;
    for (let j = k; j < Math.min(k + size, stop + 1); j++) {
      if (y[j] < y[low]) low = j;
      if (y[j] > y[high]) high = j;
    }
    for (const j of low === high ? [low] : [low, high].sort((a, b) => a - b)) {
      found.push([x[j], y[j]]);
    }
  }
  return found;
}

// A curve of even x with six steps for each of its own, by a cubic spline (not-a-knot), as in
// the figures of gromega predict. m are the second derivatives, with the step of x as unit.
function smooth({x, y, ...rest}) {
  const last = x.length - 1, steps = 6, m = [], c = [], found = {x: [x[0]], y: [y[0]]};
  if (last < 3) return {x, y, ...rest};
  const bend = k => 6 * (y[k + 1] - 2 * y[k] + y[k - 1]);
  c[1] = 0;
  m[1] = bend(1) / 6;
  for (let k = 2; k < last - 1; k++) {
    c[k] = 1 / (4 - c[k - 1]);
    m[k] = (bend(k) - m[k - 1]) * c[k];
  }
  m[last - 1] = bend(last - 1) / 6;
  for (let k = last - 2; k > 1; k--) m[k] -= c[k] * m[k + 1];
  m[0] = 2 * m[1] - m[2];
  m[last] = 2 * m[last - 1] - m[last - 2];
  for (let k = 0; k < last; k++) {
    for (let step = 1; step <= steps; step++) {
      const b = step / steps, a = 1 - b;
      found.x.push(a * x[k] + b * x[k + 1]);
      found.y.push(a * y[k] + b * y[k + 1] +
        ((a ** 3 - a) * m[k] + (b ** 3 - b) * m[k + 1]) / 6);
    }
  }
  return {...found, ...rest};
}

// Draws into a place what it is given: lines {x, y, color, name} or bars {x, y, width}, labels,
// the height, words for those who do not see it, and a caption. Lines can be zoomed; the
// range that is shown stays with the place as long as the key is the same.
function plot(place, given) {
  if (place.plotKey !== given.key) { place.plotRange = null; place.plotKey = given.key; }
  const {lines = [], bars = null, height} = given;
  const width = Math.min(900, Math.max(300, place.clientWidth));
  const style = getComputedStyle(document.documentElement);
  const color = name => style.getPropertyValue(name).trim();
  const all = bars ? [bars] : lines;
  const end = (of, pick) => all.reduce((best, one) => one[of].reduce(pick, best), one0(of));
  const one0 = of => all[0][of][0];
  const margin = bars ? 1 : 0;
  const whole = [end("x", (a, b) => Math.min(a, b)) - margin,
    end("x", (a, b) => Math.max(a, b)) + margin];
  const [x0, x1] = place.plotRange || whole;
  const shown = lines.map(line => visible(line, x0, x1, width));
  const ys = bars ? [0, ...bars.y] : shown.flat()
    .filter(([x]) => x >= x0 && x <= x1).map(([, y]) => y);
  let y0 = Math.min(...ys), y1 = Math.max(...ys);
  if (!(y1 > y0)) { y0 = (ys.length ? y0 : 0) - 1; y1 = y0 + 2; }
  const pad = .04 * (y1 - y0);
  y0 -= pad; y1 += pad;
  const X = x => LEFT + (x - x0) / (x1 - x0) * (width - LEFT - RIGHT);
  const Y = y => height - BOTTOM - (y - y0) / (y1 - y0) * (height - TOP - BOTTOM);

  const svg = document.createElementNS(SVG, "svg");
  const add = (name, attributes, text = "", parent = svg) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    parent.append(made);
    return made;
  };
  for (const [key, value] of Object.entries({
    viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": given.words,
    "font-family": "system-ui, sans-serif", "font-size": 13,
  })) svg.setAttribute(key, value);
  add("rect", {width, height, fill: color("--paper")});
  for (const x of ticks(x0, x1, width / 60)) {
    add("line", {x1: X(x), x2: X(x), y1: TOP, y2: height - BOTTOM, stroke: color("--line")});
    add("text", {x: X(x), y: height - BOTTOM + 16, "text-anchor": "middle",
      fill: color("--soft")}, x);
  }
  for (const y of ticks(y0, y1, height > 200 ? 6 : 3)) {
    add("line", {x1: LEFT, x2: width - RIGHT, y1: Y(y), y2: Y(y), stroke: color("--line")});
    add("text", {x: LEFT - 6, y: Y(y) + 4, "text-anchor": "end", fill: color("--soft")},
      String(y).replace("-", "−"));
  }
  add("text", {x: (LEFT + width) / 2, y: height - 6, "text-anchor": "middle",
    fill: color("--ink")}, given.xLabel);
  add("text", {transform: `translate(14 ${(TOP + height - BOTTOM) / 2}) rotate(-90)`,
    "text-anchor": "middle", fill: color("--ink")}, given.yLabel);
  const clip = `clip-${place.id}`;
  const frame = {x: LEFT, y: TOP, width: width - LEFT - RIGHT, height: height - TOP - BOTTOM};
  add("rect", frame, "", add("clipPath", {id: clip}));
  const inside = add("g", {"clip-path": `url(#${clip})`});
  let at = LEFT;
  lines.forEach((line, k) => {
    const points = shown[k].map(([x, y]) => `${X(x).toFixed(2)},${Y(y).toFixed(2)}`);
    add("polyline", {points: points.join(" "), fill: "none", stroke: color(line.color),
      "stroke-width": 1.4, "stroke-linejoin": "round"}, "", inside);
    // Single points are shown where there is room for them.
    if (line.points && points.length < width / 6) {
      for (const [x, y] of shown[k]) {
        add("circle", {cx: X(x), cy: Y(y), r: 2.5, fill: color(line.color)}, "", inside);
      }
    }
    add("line", {x1: at, x2: at + 22, y1: 12, y2: 12, stroke: color(line.color),
      "stroke-width": 2});
    add("text", {x: at + 28, y: 16, fill: color("--ink")}, line.name);
    at += 44 + 7.5 * line.name.length;
  });
  if (bars) bars.x.forEach((x, k) => {
    const y = bars.y[k], half = bars.width / 2;
    add("rect", {x: X(x - half), width: X(x + half) - X(x - half),
      y: Math.min(Y(y), Y(0)), height: Math.abs(Y(y) - Y(0)),
      fill: color(y > 0 ? "--match" : "--against")});
  });
  const caption = element("figcaption", given.caption);
  if (bars) { place.replaceChildren(svg, caption); return; }
  const readout = element("p", "", {class: "readout"});
  const again = range => { place.plotRange = range; plot(place, given); };
  const scale = {width, height, x0, x1, X, Y, whole, color, add};
  watch(svg, lines, scale, readout, again);
  const tools = element("div", "", {class: "row tools"});
  tools.append(...zoomButtons(place, scale, again), readout);
  place.replaceChildren(svg, tools, caption);
}

// A range of x, at most the whole one and at least 0.2 Å.
function within([low, high], whole) {
  const size = Math.min(Math.max(high - low, .2), whole[1] - whole[0]);
  const start = Math.min(Math.max((low + high - size) / 2, whole[0]), whole[1] - size);
  return size >= whole[1] - whole[0] ? null : [start, start + size];
}

function zoomButtons(place, {x0, x1, whole}, again) {
  const middle = (x0 + x1) / 2, half = (x1 - x0) / 2;
  const actions = [
    ["+", "zoom in", [middle - half / 2, middle + half / 2]],
    ["−", "zoom out", [middle - 2 * half, middle + 2 * half]],
    ["‹", "to shorter r", [x0 - half, x1 - half]],
    ["›", "to longer r", [x0 + half, x1 + half]],
    ["all r", "the whole range", whole],
  ];
  return actions.map(([text, label, range], k) => {
    const button = element("button", text, {type: "button", title: label,
      "aria-label": label});
    button.disabled = !place.plotRange && k > 0;
    button.addEventListener("click", () => {
      again(within(range, whole));
      // The buttons are new: the keyboard stays where it was.
      const next = place.querySelectorAll(".tools button")[k];
      (next.disabled ? place.querySelector(".tools button") : next).focus();
    });
    return button;
  });
}

// Shows the point under the pointer, and zooms to the range along which it is dragged.
function watch(svg, lines, {width, height, x0, x1, X, Y, whole, color, add}, readout, again) {
  const marks = add("g", {});
  const own = lines[0];
  let from = null;
  const position = event => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * width;
    return x0 + (at - LEFT) / (width - LEFT - RIGHT) * (x1 - x0);
  };
  const nearest = (x, value) => {
    let low = 0, high = x.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (x[middle] < value) low = middle; else high = middle;
    }
    return value - x[low] < x[high] - value ? low : high;
  };
  const hover = value => {
    const k = nearest(own.x, value), r = own.x[k], g = own.y[k];
    if (r < x0 || r > x1) return;
    add("line", {x1: X(r), x2: X(r), y1: TOP, y2: height - BOTTOM, stroke: color("--soft"),
      "stroke-dasharray": "3 3"}, "", marks);
    add("circle", {cx: X(r), cy: Y(g), r: 4, fill: color("--link")}, "", marks);
    readout.textContent = `r ${r.toFixed(3)} Å, G(r) ${g.toFixed(3)} Å⁻²`
      .replaceAll("-", "−");
  };
  svg.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    from = {at: position(event), x: event.clientX};
    // A drag may end outside the plot.
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", event => {
    marks.replaceChildren();
    const value = position(event);
    if (from) {
      const [low, high] = [from.at, value].sort((a, b) => a - b).map(X);
      add("rect", {x: low, width: high - low, y: TOP, height: height - TOP - BOTTOM,
        fill: color("--link"), "fill-opacity": .15}, "", marks);
    }
    hover(value);
  });
  svg.addEventListener("pointerup", event => {
    const start = from;
    from = null;
    if (start && Math.abs(event.clientX - start.x) > 8) {
      again(within([start.at, position(event)].sort((a, b) => a - b), whole));
    } else { marks.replaceChildren(); hover(position(event)); }
  });
  for (const kind of ["pointerleave", "pointercancel"]) {
    svg.addEventListener(kind, () => { from = null; marks.replaceChildren(); });
  }
  svg.addEventListener("dblclick", () => again(null));
}
