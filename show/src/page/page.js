"use strict";
// Draws the map. `view` says which steps and addresses are to be seen; every change of it, or of what
// is pointed at, asks for one frame.

const functions = JSON.parse(document.getElementById("data").textContent);
const get = (id) => document.getElementById(id);
const canvas = get("map");
const pen = canvas.getContext("2d", { alpha: false });
const FONT = "'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif";
const RIGHT = 14, TOP = 16, GAP = 30;
let LEFT = 72;

let shown;               // the function
let view;                // { from, to } in steps, { low, high } in bytes
let pointed = null;      // block under the pointer
let held = null;         // tensor that was clicked
let found = new Set();   // tensors that the search names
let drag = null;
let asked = false;
let panels;
const times = [];        // of the last frames, in ms

//---- Light and dark -----------------------------------------------------------------------------

const prefersDark = matchMedia("screen and (prefers-color-scheme: dark)");
const INKS = ["paper", "ink", "grid", "edge", "halo", "name", "stripe", "mark", "band", "workspace", "capacity", "over",
  "occupied", "live", "loaded", "reloaded", "stored", "spilled", "seen", "shade"];
let ink = {};            // colours by the names that they have in the style sheet
let tone = 0;            // which of a tensor's two colours: on light or on dark paper
let patterns = {};
/** Paper is light, whatever the screen is. */
function dress(isPrinted) {
  document.documentElement.classList.toggle("printed", isPrinted);
  tone = prefersDark.matches && !isPrinted ? 1 : 0;
  const style = getComputedStyle(document.documentElement);
  ink = Object.fromEntries(INKS.map((it) => [it, style.getPropertyValue(`--${it}`).trim()]));
  patterns = {};
}

//---- Units --------------------------------------------------------------------------------------

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
function bytesText(bytes) {
  let unit = 0;
  while (1023.5 <= bytes && unit + 1 < UNITS.length) { bytes /= 1024; unit++; }
  return `${unit === 0 ? bytes : +bytes.toPrecision(3)} ${UNITS[unit]}`;
}
const exactly = (bytes) => bytes.toLocaleString("en");
const unitOf = (bytes) => (bytes < 4096 ? ["B", 1] : bytes < 1 << 24 ? ["KiB", 1024] : ["MiB", 1 << 20]);
function ticks(from, to, atMost, isBinary) {
  let step = 1;
  const factors = isBinary ? [2] : [2, 2.5, 2];
  for (let i = 0; atMost < (to - from) / step; i++) step *= factors[i % factors.length];
  const list = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) list.push(at);
  return list;
}
function shortened(text, room, least) {
  if (text.length <= room) return text;
  if (room < least) return "";
  const tail = Math.max(3, Math.floor((room - 1) * 3 / 4));
  return text.slice(0, room - 1 - tail) + "…" + text.slice(text.length - tail);
}

//---- What there is to see -----------------------------------------------------------------------

function show(index) {
  shown = functions[index];
  const n = shown.operators.length;
  shown.n = n;
  shown.blocksOf = shown.tensors.map(() => []);
  // Lists that would be empty are left out.
  shown.blocks.forEach((it) => { it.flights ??= []; it.ways ??= []; it.notes ??= []; it.since = Math.min(it.from, ...it.flights.map((way) => way.from)); });
  shown.blocks.forEach((it, at) => { if (it.tensor !== null) shown.blocksOf[it.tensor].push(at); });
  shown.mostMoved = Math.max(1, ...shown.moved.map((it) => Math.max(it[0] + it[1], it[2] + it[3])));
  const live = Math.max(1, ...shown.live, ...shown.occupied);
  shown.mostLive = shown.scratchpad <= shown.top ? Math.max(live, shown.scratchpad) : live;
  // Blocks by first step, so that those of a view are found by halving; long ones go to a list of their own.
  shown.sorted = shown.blocks.map((_, at) => at).sort((a, b) => shown.blocks[a].since - shown.blocks[b].since);
  shown.covered = new Set(shown.blocks.flatMap((it) => it.over));
  shown.longest = Math.max(1, ...shown.blocks.map((it) => it.to - it.since));
  shown.links.forEach((it) => { shown.blocks[it.from].behind = it; shown.blocks[it.to].before = it; });
  shown.operators.forEach((it) => { it.over = null; });
  for (const [from, to, text] of shown.oversubscribed) {
    for (let step = from; step < to; step++) shown.operators[step].over = text;
  }
  get("facts").textContent = shown.facts;
  tellMarks();
  pointed = held = null;
  found = new Set();
  get("search").value = "";
  get("found").textContent = "";
  reset();
}
/** The legend has what there is to see. */
function tellMarks() {
  const marks = {
    moved: shown.tensors.some((it) => it.moved),
    kept: shown.blocks.some((it) => it.kept),
    way: shown.blocks.some((it) => 0 < it.flights.length),
    over: 0 < shown.oversubscribed.length,
    place: shown.blocks.some((it) => 0 < it.over.length),
    spill: shown.links.some((it) => it.spilled),
    copy: shown.links.some((it) => !it.spilled),
  };
  for (const node of document.querySelectorAll("footer [data-if]")) node.hidden = !marks[node.dataset.if];
  get("prefixes").textContent = shown.prefixes.length ? `names are without ${shown.prefixes.join(", ")}` : "";
}
function reset() {
  view = { from: 0, to: Math.max(1, shown.n), low: 0, high: shown.top * 1.02 };
  ask();
}
function keepWithin() {
  const n = Math.max(1, shown.n), top = shown.top * 1.02;
  const width = Math.min(Math.max(view.to - view.from, Math.min(n, 2)), n);
  view.from = Math.min(Math.max(view.from, 0), n - width);
  view.to = view.from + width;
  const height = Math.min(Math.max(view.high - view.low, top / 1000), top);
  view.low = Math.min(Math.max(view.low, 0), top - height);
  view.high = view.low + height;
}
const x = (step) => LEFT + (step - view.from) / (view.to - view.from) * panels.width;
const y = (bytes) => panels.map.bottom - (bytes - view.low) / (view.high - view.low) * panels.map.height;
const stepAt = (px) => view.from + (px - LEFT) / panels.width * (view.to - view.from);
const bytesAt = (py) => view.low + (panels.map.bottom - py) / panels.map.height * (view.high - view.low);

function layOut() {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  LEFT = width < 600 ? 56 : 72;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const room = height - TOP - 2 * GAP - 12;
  const panel = (top, share) => ({ top, height: room * share, bottom: top + room * share });
  const map = panel(TOP, 0.68);
  const moved = panel(map.bottom + GAP, 0.12);
  const curves = panel(moved.bottom + 14, 0.2 - 14 / room);
  panels = { whole: { width, height }, width: width - LEFT - RIGHT, map, moved, curves };
}

//---- Drawing ------------------------------------------------------------------------------------

function ask() {
  if (!asked) {
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  }
}
function draw() {
  const start = performance.now();
  layOut();
  pen.fillStyle = ink.paper;
  pen.fillRect(0, 0, panels.whole.width, panels.whole.height);
  drawAxes();
  clipped(panels.map, drawMap);
  clipped(panels.moved, drawMoved);
  clipped(panels.curves, drawCurves);
  drawOver();
  drawFrames();
  times.push(performance.now() - start);
  if (240 < times.length) times.shift();
}
function clipped(panel, inside) {
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, panel.top - 1, panels.width, panel.height + 2);
  pen.clip();
  inside();
  pen.restore();
}
function write(text, px, py, align, size, colour) {
  pen.font = `${size || 11}px ${FONT}`;
  pen.textAlign = align;
  pen.fillStyle = colour || ink.ink;
  pen.fillText(text, px, py);
}
function upright(text, px, py, size, colour) {
  pen.save();
  pen.translate(px, py);
  pen.rotate(-Math.PI / 2);
  write(text, 0, 0, "center", size, colour);
  pen.restore();
}
function line(x1, y1, x2, y2, colour, width) {
  pen.strokeStyle = colour;
  pen.lineWidth = width || 1;
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}
function drawAxes() {
  const { map, moved, curves, width } = panels;
  const right = LEFT + width;
  const half = Math.min(width / (view.to - view.from), 60) / 2;
  for (const step of ticks(Math.ceil(view.from), view.to - 1e-9, width / 56, false)) {
    if (!Number.isInteger(step) || shown.n <= step) continue;
    line(x(step), map.top, x(step), map.bottom, ink.grid);
    line(x(step), curves.top, x(step), curves.bottom, ink.grid);
    write(String(step), x(step) + half, map.bottom + 16, "center", 10);
  }
  write("step", right, map.bottom + 25, "right", 10);
  const [unit, size] = unitOf(view.high - view.low);
  for (const at of ticks(view.low / size, view.high / size, map.height / 40, true)) {
    line(LEFT, y(at * size), right, y(at * size), ink.grid);
    write(String(at), LEFT - 6, y(at * size) + 4, "right", 10);
  }
  upright(`address, ${unit}`, 16, (map.top + map.bottom) / 2);
  upright("moved", 16, (moved.top + moved.bottom) / 2);
  write(bytesText(shown.mostMoved), LEFT - 6, moved.top + 7, "right", 10);
  write("in", LEFT - 6, (moved.top + moved.bottom) / 2 - 3, "right", 10);
  write("out", LEFT - 6, (moved.top + moved.bottom) / 2 + 11, "right", 10);
  const [liveUnit, liveSize] = unitOf(shown.mostLive);
  for (const at of ticks(0, shown.mostLive / liveSize, curves.height / 26, true)) {
    const py = curves.bottom - at * liveSize / shown.mostLive * curves.height;
    line(LEFT, py, right, py, ink.grid);
    write(String(at), LEFT - 6, py + 4, "right", 10);
  }
  upright(`bytes, ${liveUnit}`, 16, (curves.top + curves.bottom) / 2);
}
/** Where more is live than fits: left ends and widths. */
function* overInView() {
  for (const [from, to] of shown.oversubscribed) {
    const left = Math.max(x(from), LEFT), right = Math.min(Math.max(x(to), x(from) + 1), LEFT + panels.width);
    if (left < right) yield [left, right - left];
  }
}
function drawOver() {
  pen.fillStyle = ink.over;
  for (const [left, width] of overInView()) pen.fillRect(left, panels.map.bottom + 1, width, 4);
}
function drawFrames() {
  for (const panel of [panels.map, panels.moved, panels.curves]) {
    line(LEFT, panel.top, LEFT, panel.bottom, ink.ink);
    if (panel !== panels.moved) line(LEFT, panel.bottom, LEFT + panels.width, panel.bottom, ink.ink);
  }
}

/** Marks over a colour: dots, stripes up, bars, a grid, stripes of transfers under way, and broad bands. */
function pattern(kind) {
  if (!patterns[kind]) {
    const tile = document.createElement("canvas");
    const side = kind === "moved" ? 10 : kind.startsWith("way") ? 8 : 6;
    tile.width = tile.height = side;
    const brush = tile.getContext("2d");
    const isBold = side === 8 || kind === "input";
    brush.strokeStyle = brush.fillStyle = kind === "moved" ? ink.band : isBold ? ink.mark : ink.stripe;
    brush.lineWidth = kind === "moved" ? 3.2 : 0.9;
    const stripes = (up) => {
      for (const from of [-side, 0, side]) {
        brush.moveTo(from - 1, up(-1));
        brush.lineTo(from + side + 1, up(side + 1));
      }
    };
    brush.beginPath();
    if (kind === "input") {
      brush.arc(3, 3, 0.9, 0, 7);
      brush.fill();
    } else if (kind === "kept") {
      for (const at of [1.5, 4.5]) { brush.moveTo(0, at); brush.lineTo(6, at); }
    } else if (kind === "moved" || kind === "way-out") {
      stripes((at) => at);
    } else {
      stripes((at) => side - at);
      if (kind === "workspace") stripes((at) => at);
    }
    if (kind !== "input") brush.stroke();
    patterns[kind] = pen.createPattern(tile, "repeat");
  }
  return patterns[kind];
}

/** The tensors that are looked at: held, found, or pointed at; none if all are alike. */
function lookedAt() {
  const tensors = new Set(found);
  if (held !== null) tensors.add(held);
  if (pointed !== null && shown.blocks[pointed].tensor !== null) tensors.add(shown.blocks[pointed].tensor);
  return tensors;
}
/** Indices of the blocks that touch the steps to be seen. */
function* inView() {
  const { sorted, blocks, longest } = shown;
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (blocks[sorted[middle]].since < view.from - longest) low = middle + 1; else high = middle;
  }
  for (; low < sorted.length && blocks[sorted[low]].since < view.to; low++) {
    const block = blocks[sorted[low]];
    if (view.from < block.to && 0 < block.size && block.offset < view.high && view.low < block.offset + block.size) {
      yield sorted[low];
    }
  }
}
function area(block) {
  const px = x(block.from), py = y(block.offset + block.size);
  return [px, py, x(block.to) - px, y(block.offset) - py];
}
function drawMap() {
  const eyes = lookedAt();
  const indices = [...inView()];
  const isFaint = (block) => 0 < eyes.size && !eyes.has(block.tensor);
  for (const index of indices) {
    const block = shown.blocks[index];
    const tensor = block.tensor === null ? null : shown.tensors[block.tensor];
    const [px, py, width, height] = area(block);
    pen.globalAlpha = isFaint(block) ? 0.3 : 1;
    pen.fillStyle = tensor ? tensor.colour[tone] : ink.workspace;
    pen.fillRect(px, py, width, height);
    const kind = block.kept ? "kept" : tensor ? tensor.kind : "workspace";
    const isMoved = tensor !== null && tensor.moved;
    if (3 < width && 3 < height) {
      for (const [isThere, name] of [[kind !== "activation", kind], [isMoved, "moved"]]) {
        if (!isThere) continue;
        pen.fillStyle = pattern(name);
        pen.fillRect(px, py, width, height);
      }
    }
    const isSeen = tensor && eyes.has(block.tensor);
    if (2 < width || isSeen) {
      pen.lineWidth = isSeen ? 2.5 : isMoved ? 1.2 : 0.5;
      pen.strokeStyle = isSeen || isMoved ? ink.seen : ink.edge;
      pen.strokeRect(px, py, width, height);
    }
    if (block.over.length && 3 < width && 4 < height) {
      const half = Math.min(height / 2, 5), middle = py + height / 2;
      pen.beginPath();
      pen.moveTo(px, middle - half);
      pen.lineTo(px + Math.min(width, 6), middle);
      pen.lineTo(px, middle + half);
      pen.closePath();
      pen.fillStyle = ink.ink;
      pen.fill();
      pen.strokeStyle = ink.paper;
      pen.lineWidth = 0.6;
      pen.stroke();
    }
  }
  for (const index of indices) drawFlights(shown.blocks[index], isFaint(shown.blocks[index]));
  drawLinks(eyes);
  for (const index of indices) {
    if (!isFaint(shown.blocks[index])) drawName(shown.blocks[index], shown.covered.has(index));
  }
  pen.globalAlpha = 1;
  pen.setLineDash([7, 3]);
  line(LEFT, y(shown.scratchpad), LEFT + panels.width, y(shown.scratchpad), ink.capacity, 1.5);
  pen.setLineDash([]);
}
/** What is under way: lighter and hatched while it comes in, hatched over its block while it goes out. */
function drawFlights(block, isFaint) {
  for (const flight of block.flights) {
    const [px, py, width, height] = area(flight);
    if (flight.inward) {
      pen.globalAlpha = isFaint ? 0.15 : 0.4;
      pen.fillStyle = shown.tensors[block.tensor].colour[tone];
      pen.fillRect(px, py, width, height);
    }
    pen.globalAlpha = isFaint ? 0.3 : 1;
    if (2 < width && 2 < height) {
      pen.fillStyle = pattern(flight.inward ? "way-in" : "way-out");
      pen.fillRect(px, py, width, height);
    }
  }
  pen.globalAlpha = 1;
}
function drawLinks(eyes) {
  for (const { from, to, spilled: isSpilled } of shown.links) {
    const a = shown.blocks[from], b = shown.blocks[to];
    if (a.size === 0 || b.from < view.from || view.to < a.to) continue;
    const isSeen = eyes.has(a.tensor);
    pen.globalAlpha = 0 < eyes.size && !isSeen ? 0.15 : 1;
    const start = [x(a.to), y(a.offset + a.size / 2)], end = [x(b.from), y(b.offset + b.size / 2)];
    const bend = Math.min((end[0] - start[0]) / 2, 60);
    const curve = () => {
      pen.beginPath();
      pen.moveTo(...start);
      pen.bezierCurveTo(start[0] + bend, start[1], end[0] - bend, end[1], ...end);
      pen.stroke();
    };
    pen.strokeStyle = ink.halo;
    pen.lineWidth = 4;
    curve();
    pen.strokeStyle = pen.fillStyle = shown.tensors[a.tensor].line[tone];
    pen.lineWidth = isSeen ? 3 : 1.6;
    pen.setLineDash(isSpilled ? [] : [4, 2.5]);
    curve();
    pen.setLineDash([]);
    if (isSpilled) mark(start, -1);
    mark(end, 1);
  }
  pen.globalAlpha = 1;
}
function mark([px, py], up) {
  pen.beginPath();
  pen.moveTo(px - 4, py + 3 * up);
  pen.lineTo(px + 4, py + 3 * up);
  pen.lineTo(px, py - 4.5 * up);
  pen.closePath();
  pen.fill();
}
function drawName(block, isCovered) {
  let [px, py, width, height] = area(block);
  // Of its last step, the result in its place takes over.
  if (isCovered) width -= x(block.to) - x(block.to - 1);
  // A name stays in sight while some of its box is.
  const right = Math.min(px + width, LEFT + panels.width), bottom = Math.min(py + height, panels.map.bottom);
  px = Math.max(px, LEFT);
  py = Math.max(py, panels.map.top);
  width = right - px;
  height = bottom - py;
  if (width < 10 || height < 10) return;
  const tensor = block.tensor === null ? null : shown.tensors[block.tensor];
  const name = tensor ? tensor.label ?? tensor.name : "workspace";
  // Of what is not moved, scraps of a name are only in the way.
  const least = tensor && tensor.moved ? 5 : 7;
  const across = 11 <= height ? shortened(name, Math.floor((width - 6) / 5.6), least) : "";
  const along = 11 <= width ? shortened(name, Math.floor((height - 6) / 5.6), least) : "";
  // Letters stand on the plain colour, over lines and marks.
  const put = (text, qx, qy) => {
    const wide = 5.6 * text.length + 4, high = 11;
    pen.fillStyle = tensor ? tensor.colour[tone] : ink.workspace;
    pen.globalAlpha = 0.85;
    if (isAcross) pen.fillRect(qx - wide / 2, qy - high / 2, wide, high);
    else pen.fillRect(qx - high / 2, qy - wide / 2, high, wide);
    pen.globalAlpha = 1;
    if (isAcross) write(text, qx, qy + 3.5, "center", 10, ink.name);
    else upright(text, qx + 3.5, qy, 10, ink.name);
  };
  const middle = [px + width / 2, py + height / 2];
  const isAcross = along.length <= across.length;
  if (across && isAcross) {
    const size = tensor ? bytesText(block.size) : "";
    if (size && 26 <= height && 5.6 * size.length < width - 6) {
      put(across, middle[0], middle[1] - 5);
      put(size, middle[0], middle[1] + 6);
    } else {
      put(across, ...middle);
    }
  } else if (along) {
    put(along, ...middle);
  }
}
function* steps() {
  const last = Math.min(shown.n, Math.ceil(view.to));
  for (let step = Math.max(0, Math.floor(view.from)); step < last; step++) yield step;
}
function drawMoved() {
  const { moved } = panels, middle = (moved.top + moved.bottom) / 2, scale = moved.height / 2 / shown.mostMoved;
  for (const step of steps()) {
    const [loaded, reloaded, stored, spilled] = shown.moved[step];
    const px = x(step), width = Math.max(1, x(step + 1) - px);
    const bar = (colour, bytes, below, up, least) => {
      if (bytes === 0) return;
      pen.fillStyle = colour;
      const near = middle - up * below * scale, far = near - up * Math.max(least, bytes * scale);
      pen.fillRect(px, Math.min(near, far), width, Math.abs(far - near));
    };
    // What must move, then over it, so that it is seen however little it is, what need not.
    bar(ink.loaded, loaded, reloaded, 1, 1);
    bar(ink.stored, stored, spilled, -1, 1);
    bar(ink.reloaded, reloaded, 0, 1, 5);
    bar(ink.spilled, spilled, 0, -1, 5);
  }
  line(LEFT, middle, LEFT + panels.width, middle, ink.ink);
}
function drawCurves() {
  const { curves } = panels;
  const py = (bytes) => curves.bottom - bytes / shown.mostLive * curves.height;
  const stairs = (values) => {
    for (const step of steps()) {
      pen.lineTo(x(step), py(values[step]));
      pen.lineTo(x(step + 1), py(values[step]));
    }
  };
  pen.beginPath();
  pen.moveTo(x(Math.max(0, Math.floor(view.from))), curves.bottom);
  stairs(shown.occupied);
  pen.lineTo(x(Math.min(shown.n, Math.ceil(view.to))), curves.bottom);
  pen.closePath();
  pen.fillStyle = ink.occupied;
  pen.fill();
  pen.beginPath();
  stairs(shown.live);
  pen.strokeStyle = ink.live;
  pen.lineWidth = 1.4;
  pen.stroke();
  pen.fillStyle = ink.over;
  pen.globalAlpha = 0.12;
  for (const [left, width] of overInView()) pen.fillRect(left, curves.top, width, curves.height);
  pen.globalAlpha = 1;
  pen.setLineDash([7, 3]);
  line(LEFT, py(shown.scratchpad), LEFT + panels.width, py(shown.scratchpad), ink.capacity, 1.5);
  pen.setLineDash([]);
  if (pointed !== null || pointerStep !== null) {
    const step = pointerStep;
    if (step !== null && 0 <= step && step < shown.n) {
      pen.fillStyle = ink.shade;
      pen.fillRect(x(step), curves.top, x(step + 1) - x(step), curves.height);
    }
  }
}

//---- What is under the pointer ------------------------------------------------------------------

let pointerStep = null;
function pick(px, py) {
  if (px < LEFT || LEFT + panels.width < px || py < panels.map.top || panels.map.bottom < py) return null;
  const step = stepAt(px), bytes = bytesAt(py);
  let best = null;
  for (const index of inView()) {
    const it = shown.blocks[index];
    // A result lies over the operand whose place it takes.
    const has = (area) => area.from <= step && step < area.to && area.offset <= bytes && bytes < area.offset + area.size;
    if (has(it) || it.flights.some(has)) best = index;
  }
  return best;
}
function nodes(...list) {
  const [tag, ...children] = list;
  const node = document.createElement(tag);
  node.append(...children);
  return node;
}
const operatorText = (step) => `${shown.operators[step].name} (step ${step})`;
function listed(items, most) {
  const rest = items.length - most;
  return items.slice(0, most).join(", ") + (0 < rest ? ` and ${rest} more` : "");
}
function evictionEntries(link) {
  const entries = [["moved", link.how]];
  if (link.why !== null) entries.push(["why", link.why]);
  if (link.full !== null) entries.push(["in use then", shown.present[link.full]]);
  return entries;
}
function describe(index) {
  const block = shown.blocks[index];
  const entries = [];
  const place = (it) => `steps ${it.from} to ${it.to - 1} at ${exactly(it.offset)}`;
  let name;
  if (block.tensor === null) {
    name = `workspace of ${shown.operators[block.from].name}`;
    entries.push(["size", `${bytesText(block.size)} (${exactly(block.size)} B)`], ["where", place(block)]);
  } else {
    const tensor = shown.tensors[block.tensor];
    name = tensor.name;
    if (tensor.id !== tensor.name) entries.push(["in the plan", tensor.id]);
    entries.push(["kind", tensor.kind + (tensor.shape ? `, ${tensor.shape}` : "")]);
    entries.push(["size", `${bytesText(tensor.size)} (${exactly(tensor.size)} B)`]);
    entries.push(["producer", tensor.producer === null ? "none: an argument, in host memory" : `${shown.operators[tensor.producer].kind} ${operatorText(tensor.producer)}`]);
    entries.push(["uses", tensor.readers.length === 0 ? "none" : listed(tensor.readers.map(operatorText), 6)]);
    entries.push(["where", listed(shown.blocksOf[block.tensor].map((at) => place(shown.blocks[at])), 5)]);
    const [loads, reloads, spills, stores] = tensor.cost;
    const parts = [[loads, "load"], [stores, "store"], [spills, "spill"], [reloads, "reload"]].filter((it) => it[0]);
    const words = parts.map(([n, what]) => (n === 1 ? `1 ${what}` : `${n} ${what}s`)).join(", ");
    const total = (loads + reloads + spills + stores) * tensor.size;
    const more = (reloads + spills) * tensor.size;
    entries.push(["cost", total === 0 ? "no transfers" : `${bytesText(total)}: ${words}` + (more ? `; ${bytesText(more)} of it non-compulsory` : "")]);
    for (const it of block.notes) entries.push([block.kept ? "kept" : "why", it]);
    for (const it of [block.before, block.behind]) if (it) entries.push(...evictionEntries(it));
    if (block.over.length) entries.push(["in place", "of an operand"]);
    for (const way of block.ways) entries.push(["transfer", way]);
  }
  return [name, entries];
}
function stepText(step) {
  const operator = shown.operators[step];
  const entries = [["runs", `${operator.kind} ${operator.name}`]];
  if (operator.macs !== null) entries.push(["MACs", exactly(operator.macs)]);
  if (operator.location) entries.push(["source", operator.location]);
  entries.push(["in the scratchpad", bytesText(shown.occupied[step])], ["live", bytesText(shown.live[step])]);
  ["loaded", "reloaded", "stored", "spilled"].forEach((what, at) => {
    if (0 < shown.moved[step][at]) entries.push([what, bytesText(shown.moved[step][at])]);
  });
  if (operator.over !== null) entries.push(["too much", operator.over]);
  return [`step ${step}`, entries];
}
function tell(px, py) {
  const tip = get("tip");
  const isBelow = panels.map.bottom < py;
  const step = LEFT <= px && px <= LEFT + panels.width ? Math.floor(stepAt(px)) : -1;
  pointerStep = 0 <= step && step < shown.n ? step : null;
  if (pointed === null && !(isBelow && pointerStep !== null)) {
    tip.hidden = true;
    return;
  }
  const [name, entries] = pointed !== null ? describe(pointed) : stepText(pointerStep);
  const list = nodes("dl");
  if (pointed !== null && pointerStep !== null && shown.operators[pointerStep].over !== null) {
    entries.push(["too much", shown.operators[pointerStep].over]);
  }
  for (const [term, text] of entries) list.append(nodes("dt", term), nodes("dd", text));
  if (pointed !== null) list.append(nodes("dt", "operator here"), nodes("dd", operatorText(pointerStep)));
  tip.replaceChildren(nodes("strong", name), list);
  tip.hidden = false;
  const { width, height } = panels.whole;
  const right = px + 16 + tip.offsetWidth < width ? px + 16 : px - 16 - tip.offsetWidth;
  tip.style.left = `${Math.max(2, right)}px`;
  tip.style.top = `${Math.max(2, Math.min(py + 14, height - tip.offsetHeight - 4))}px`;
}

//---- What people do -----------------------------------------------------------------------------

function zoom(factor, px, py, axis) {
  if (axis !== "addresses") {
    const at = stepAt(px);
    view.from = at - (at - view.from) * factor;
    view.to = at + (view.to - at) * factor;
  }
  if (axis !== "steps") {
    const at = bytesAt(py);
    view.low = at - (at - view.low) * factor;
    view.high = at + (view.high - at) * factor;
  }
  keepWithin();
  ask();
}
function pan(steps, bytes) {
  view.from += steps; view.to += steps;
  view.low += bytes; view.high += bytes;
  keepWithin();
  ask();
}
function search(text) {
  const wanted = text.trim().toLowerCase();
  found = new Set();
  if (wanted) {
    shown.tensors.forEach((it, at) => {
      const isNamed = it.name.toLowerCase().includes(wanted) || it.id.toLowerCase().includes(wanted);
      if (isNamed && 0 < shown.blocksOf[at].length) found.add(at);
    });
    // A whole name means that one only.
    const exact = [...found].filter((at) => shown.tensors[at].name.toLowerCase() === wanted || shown.tensors[at].id.toLowerCase() === wanted);
    if (0 < exact.length) found = new Set(exact);
  }
  get("found").textContent = wanted ? `${found.size} found` : "";
  ask();
}
/** All blocks of the tensors that the search names are to be seen. */
function lookAtFound() {
  const blocks = [...found].flatMap((it) => shown.blocksOf[it]).map((at) => shown.blocks[at]);
  if (blocks.length === 0) return;
  const from = Math.min(...blocks.map((it) => it.from)), to = Math.max(...blocks.map((it) => it.to));
  const margin = Math.max(2, (to - from) * 0.15);
  [view.from, view.to] = [from - margin, to + margin];
  keepWithin();
  ask();
}
const at = (event) => {
  const { left, top } = canvas.getBoundingClientRect();
  return [event.clientX - left, event.clientY - top];
};
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const isSideways = Math.abs(event.deltaY) < Math.abs(event.deltaX) && !event.shiftKey;
  if (isSideways) {
    pan(event.deltaX / panels.width * (view.to - view.from), 0);
    return;
  }
  const delta = (event.deltaY || event.deltaX) * (event.deltaMode === 1 ? 20 : 1);
  zoom(Math.exp(Math.min(Math.max(delta, -300), 300) * 0.002), ...at(event), event.shiftKey ? "addresses" : event.ctrlKey ? "both" : "steps");
}, { passive: false });
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  drag = { last: at(event), isMoved: false };
});
canvas.addEventListener("pointermove", (event) => {
  const [px, py] = at(event);
  if (drag) {
    const [lastX, lastY] = drag.last;
    if (!drag.isMoved && Math.abs(px - lastX) + Math.abs(py - lastY) < 4) return;
    drag.isMoved = true;
    canvas.classList.add("dragged");
    pan((lastX - px) / panels.width * (view.to - view.from), (py - lastY) / panels.map.height * (view.high - view.low));
    drag.last = [px, py];
    get("tip").hidden = true;
    return;
  }
  pointed = pick(px, py);
  tell(px, py);
  ask();
});
canvas.addEventListener("pointerup", (event) => {
  if (drag && !drag.isMoved) {
    const block = pick(...at(event));
    const tensor = block === null ? null : shown.blocks[block].tensor;
    held = held === tensor ? null : tensor;
    // Fingers point by tapping.
    if (event.pointerType !== "mouse") {
      pointed = block;
      tell(...at(event));
    }
    ask();
  }
  drag = null;
  canvas.classList.remove("dragged");
});
canvas.addEventListener("pointerleave", () => {
  pointed = pointerStep = null;
  get("tip").hidden = true;
  ask();
});
canvas.addEventListener("dblclick", reset);
document.addEventListener("keydown", (event) => {
  const isTyping = document.activeElement === get("search");
  if (event.key === "Escape") {
    held = null;
    get("search").value = "";
    search("");
    get("search").blur();
    return;
  }
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const width = view.to - view.from, height = view.high - view.low;
  const middle = [LEFT + panels.width / 2, (panels.map.top + panels.map.bottom) / 2];
  const deeds = {
    "ArrowLeft": () => pan(-width / 8, 0), "ArrowRight": () => pan(width / 8, 0),
    "ArrowUp": () => pan(0, height / 8), "ArrowDown": () => pan(0, -height / 8),
    "+": () => zoom(0.7, ...middle, "steps"), "=": () => zoom(0.7, ...middle, "steps"),
    "-": () => zoom(1 / 0.7, ...middle, "steps"), "0": reset, "Home": reset,
    "/": () => get("search").focus(),
  };
  if (deeds[event.key]) {
    event.preventDefault();
    deeds[event.key]();
  }
});
get("search").addEventListener("input", (event) => search(event.target.value));
get("tools").addEventListener("submit", (event) => { event.preventDefault(); lookAtFound(); });
get("reset").addEventListener("click", reset);
get("nearer").addEventListener("click", () => zoom(0.7, LEFT + panels.width / 2, panels.map.top, "steps"));
get("farther").addEventListener("click", () => zoom(1 / 0.7, LEFT + panels.width / 2, panels.map.top, "steps"));
functions.forEach((it, index) => get("function").append(new Option(`@${it.name}`, index)));
get("function").addEventListener("change", (event) => { show(Number(event.target.value)); canvas.focus(); });
new ResizeObserver(ask).observe(canvas);
prefersDark.addEventListener("change", () => { dress(false); ask(); });
window.addEventListener("beforeprint", () => { dress(true); draw(); });
window.addEventListener("afterprint", () => { dress(false); ask(); });

// For scripts that try the page: where things are, and how long frames took.
window.cosma = {
  get view() { return { ...view }; },
  get times() { return [...times]; },
  get shown() { return shown; },
  get highlighted() { return [...lookedAt()]; },
  /** Where a block is on the screen: left, top, width, height. */
  place(index) {
    const { left, top } = canvas.getBoundingClientRect();
    const [px, py, width, height] = area(shown.blocks[index]);
    return [left + px, top + py, width, height];
  },
};
dress(false);
layOut();
if (0 < functions.length) show(0);
