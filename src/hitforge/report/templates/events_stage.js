const AXES = ["x", "y", "z"];
const mm = (part) => AXES.map((axis) => Float32Array.from(part[axis], (value) => value / 10));
const nice = (span, count) => {
  const rough = span / Math.max(count, 1), power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((one) => one * power >= rough);
};
/** Ends of what of a line from a to b lies in a box, as shares of its length; null where nothing does. */
const cut = (a, b, box) => {
  let low = 0, high = 1;
  for (let i = 0; i < 3; i++) {
    const step = b[i] - a[i];
    if (Math.abs(step) < 1e-9) {
      if (a[i] < box[i][0] - 0.2 || a[i] > box[i][1] + 0.2) return null; // numbers are rounded
      continue;
    }
    const first = (box[i][0] - a[i]) / step, last = (box[i][1] - a[i]) / step;
    low = Math.max(low, Math.min(first, last));
    high = Math.min(high, Math.max(first, last));
  }
  return low < high ? [low, high] : null;
};

const probe = document.createElement("canvas").getContext("2d");
const read = (colour) => {
  probe.fillStyle = colour; // which the browser turns into #rrggbb
  return [1, 3, 5].map((i) => parseInt(probe.fillStyle.slice(i, i + 2), 16));
};
const bright = (rgb) => 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2];
const hex = (value) => Math.round(value).toString(16).padStart(2, "0");
const mixed = (from, to, share) => `#${from.map((one, i) => hex(one + share * (to[i] - one))).join("")}`;

/** An event on a canvas: place, colours and turn of what there is. The page itself stands in events.js. */
class Stage {
  chosen(row, from) { return from.find((one) => one.name === this.pressed[row]) || from[0]; }

  get colouring() { return this.chosen("colour", this.scene.colours); }

  shows(line) {
    const choice = this.chosen("show", this.scene.choices);
    return (line.kind === "" || !choice || choice.kinds.includes(line.kind)) && !this.hidden.has(line.key);
  }

  colour(name) {
    this.hues ??= {};
    return (this.hues[name] ??= this.hue(name));
  }

  /** Colours of hits; a scale runs the other way on a dark page, so that what is large stands out. */
  shown({ colours, scale }) {
    if (!scale || !this.dark) return colours.map((one) => (scale ? one : this.colour(one)));
    return colours.map((one) => mixed(read(one), [255, 255, 255], 0.12)).reverse();
  }

  /** A colour as the page has it; a dark one becomes lighter on a dark page. */
  hue(name) {
    const style = getComputedStyle(this.root), of = (key) => style.getPropertyValue(`--ev-${key}`).trim();
    const paper = read(of("paper")), rgb = read(name[0] === "#" ? name : of("ink"));
    this.dark = bright(paper) < 110;
    if (name === "faint" || name === "outline") return mixed(paper, rgb, name === "faint" ? 0.3 : 0.42);
    if (name[0] !== "#") return of(name);
    return this.dark && bright(rgb) < 110 ? mixed(rgb, [255, 255, 255], 0.4) : name;
  }

  /** Turn to the chosen view: all that lies in its box fills the stage. */
  fit() {
    const view = this.chosen("view", this.scene.views);
    this.box = view.box;
    this.middle = this.box.map(([low, high]) => (low + high) / 2);
    this.reach = Math.hypot(...this.box.map(([low, high]) => (high - low) / 2));
    this.zoom = 1;
    this.scale = 1;
    this.centre = [0, 0];
    this.aim();
    const { clientWidth: width, clientHeight: height } = this.stage;
    const ends = this.corners().map((corner) => this.project(corner));
    const [x, y] = [0, 1].map((i) => ends.map((end) => end[i]));
    const span = [Math.max(...x) - Math.min(...x), Math.max(...y) - Math.min(...y)];
    const room = [Math.max(width - 130, 120), Math.max(height - 90, 120)];
    this.scale = Math.min(room[0] / span[0], room[1] / span[1]);
    this.centre = [x, y].map((one) => (-(Math.max(...one) + Math.min(...one)) / 2) * this.scale);
    this.fitted = [width, height];
  }

  corners() {
    return [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => this.box.map((ends, i) => ends[(bits >> i) & 1]));
  }

  aim() {
    const [a, p] = this.turn;
    const to = [-Math.cos(p) * Math.cos(a), -Math.sin(p), -Math.cos(p) * Math.sin(a)];
    const right = [-to[2], 0, to[0]].map((one) => one / Math.hypot(to[2], to[0]));
    const up = [right[1] * to[2] - right[2] * to[1], right[2] * to[0] - right[0] * to[2], right[0] * to[1] - right[1] * to[0]];
    this.basis = [right, up, to];
  }

  /** Place on the stage from its middle, and depth. */
  project([x, y, z]) {
    const [m, n, o] = this.middle, [r, u, t] = this.basis;
    const i = x - m, j = y - n, k = z - o;
    const away = i * t[0] + j * t[1] + k * t[2];
    const near = (this.zoom * this.scale * 4 * this.reach) / Math.max(4 * this.reach + away, 0.05 * this.reach);
    return [(i * r[0] + j * r[1] + k * r[2]) * near + this.centre[0], -(i * u[0] + j * u[1] + k * u[2]) * near + this.centre[1], away];
  }

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; if (this.scene) this.paint(); });
  }

  paint(ratio = Math.min(window.devicePixelRatio || 1, 2)) {
    const { clientWidth: width, clientHeight: height } = this.stage, { canvas } = this;
    if (!width || !height) return;
    if (this.fitted[0] !== width || this.fitted[1] !== height) this.fit();
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = (this.pen = canvas.getContext("2d"));
    this.shades = {};
    this.hues = {};
    this.aim();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = this.colour("paper");
    pen.fillRect(0, 0, width, height);
    pen.translate(width / 2, height / 2);
    pen.lineJoin = pen.lineCap = "round";
    if (!this.hidden.has("outline")) {
      pen.globalAlpha = 0.5;
      for (const one of this.outline) this.stroke(one, "outline", 0.8);
      pen.globalAlpha = 1;
    }
    this.frame();
    if (this.prisms) this.bodies(); else this.dots();
    for (const line of this.lines) {
      if (!this.shows(line)) continue;
      pen.globalAlpha = line.width > 2 ? 1 : 0.8;
      this.stroke(line, line.colour, 0.55 * line.width + 0.4);
      if (line.dots) this.marks(line);
    }
    pen.globalAlpha = 1;
    const { under } = this;
    if (under && under.line && this.shows(under.line)) this.stroke(under.line, under.line.colour, under.line.width + 2.5, under.number);
  }

  /** Draw lines, all or that of a number, as far as they lie in the box. */
  stroke(line, colour, width, only) {
    const { pen, box } = this, [x, y, z] = line.at, { ends } = line;
    pen.strokeStyle = this.colour(colour);
    pen.lineWidth = width;
    pen.setLineDash(line.dash === "dash" ? [6, 4] : line.dash === "dot" ? [1.5, 3.5] : []);
    pen.beginPath();
    for (let number = only ?? 0; number < (only === undefined ? ends.length - 1 : only + 1); number++) {
      let on = false;
      for (let i = ends[number]; i < ends[number + 1] - 1; i++) {
        const a = [x[i], y[i], z[i]], b = [x[i + 1], y[i + 1], z[i + 1]], part = cut(a, b, box);
        if (!part) { on = false; continue; }
        const [from, to] = part.map((share) => this.project(a.map((one, k) => one + share * (b[k] - one))));
        if (!on || part[0] > 0) pen.moveTo(from[0], from[1]);
        pen.lineTo(to[0], to[1]);
        on = part[1] === 1;
      }
    }
    pen.stroke();
    pen.setLineDash([]);
  }

  marks(line) {
    const { pen } = this, [x, y, z] = line.at;
    pen.fillStyle = this.colour(line.colour);
    for (let i = 0; i < x.length; i++) {
      if (!this.inside(x[i], y[i], z[i])) continue;
      const [h, v] = this.project([x[i], y[i], z[i]]), r = line.dots;
      pen.beginPath();
      if (line.dots > 4) { pen.moveTo(h, v - r); pen.lineTo(h + r, v); pen.lineTo(h, v + r); pen.lineTo(h - r, v); pen.closePath(); }
      else pen.arc(h, v, r, 0, 7);
      pen.fill();
    }
  }

  inside(x, y, z) {
    const [a, b, c] = this.box;
    return x >= a[0] && x <= a[1] && y >= b[0] && y <= b[1] && z >= c[0] && z <= c[1];
  }

  /** Project all hits; return those that are shown, the farthest first. */
  sorted() {
    const [x, y, z] = this.at, { screen, colouring } = this, count = x.length, bins = 4096;
    const gone = (colouring.groups || []).map((group) => this.hidden.has(group.key));
    const first = new Uint32Array(bins + 1), bin = new Uint16Array(count);
    let shown = 0;
    for (let i = 0; i < count; i++) {
      screen.shown[i] = this.inside(x[i], y[i], z[i]) && !gone[colouring.of[i]] ? 1 : 0;
      if (!screen.shown[i]) continue;
      const [h, v, away] = this.project([x[i], y[i], z[i]]);
      screen.x[i] = h;
      screen.y[i] = v;
      bin[i] = Math.max(0, Math.min(bins - 1, Math.floor((1 - away / this.reach) * 0.5 * bins)));
      first[bin[i] + 1]++;
      shown++;
    }
    for (let i = 0; i < bins; i++) first[i + 1] += first[i];
    const order = new Uint32Array(shown);
    for (let i = 0; i < count; i++) if (screen.shown[i]) order[first[bin[i]]++] = i;
    return order;
  }

  dots() {
    if (!this.scene.points || !this.colouring) return;
    const { pen, screen } = this, { size } = this.scene.points, { of } = this.colouring;
    const paint = this.shown(this.colouring), grow = Math.min(Math.max(Math.sqrt(this.zoom), 0.7), 2.5);
    let last = -1;
    pen.globalAlpha = 0.85;
    for (const i of this.sorted()) {
      if (of[i] !== last) pen.fillStyle = paint[(last = of[i])];
      const r = 0.05 * size[i] * grow;
      if (r < 1.1) pen.fillRect(screen.x[i] - r, screen.y[i] - r, 2 * r, 2 * r);
      else { pen.beginPath(); pen.arc(screen.x[i], screen.y[i], r, 0, 6.2832); pen.fill(); }
    }
    pen.globalAlpha = 1;
  }

  /** Cells and towers as bodies with flat faces. */
  bodies() {
    const { pen, prisms, corner } = this, { n } = prisms, { of } = this.colouring, colours = this.shown(this.colouring);
    for (const i of this.sorted()) {
      for (let k = 0; k < n; k++) {
        [prisms.low, prisms.high].forEach(([x, y, z], end) => {
          [corner.x[end * n + k], corner.y[end * n + k]] = this.project([x[i * n + k], y[i * n + k], z[i * n + k]]);
        });
      }
      for (let k = 0; k < n; k++) this.face([k, (k + 1) % n, n + ((k + 1) % n), n + k], colours[of[i]], 0.72 + 0.2 * Math.abs((2 * k) / n - 1));
      const ring = Array.from({ length: n }, (_, k) => k);
      this.face(ring.map((k) => n + k), colours[of[i]], 1);
      this.face(ring.reverse(), colours[of[i]], 1);
    }
    pen.globalAlpha = 1;
  }

  face(ring, colour, light) {
    const { pen } = this, { x, y } = this.corner;
    let area = 0;
    for (let k = 0; k < ring.length; k++) {
      const a = ring[k], b = ring[(k + 1) % ring.length];
      area += x[a] * y[b] - x[b] * y[a];
    }
    if (area > -1e-3) return; // seen from behind
    pen.fillStyle = this.shades[colour + light] ??= this.shade(colour, light);
    pen.beginPath();
    ring.forEach((a, k) => (k ? pen.lineTo(x[a], y[a]) : pen.moveTo(x[a], y[a])));
    pen.closePath();
    pen.fill();
    pen.strokeStyle = "rgba(0, 0, 0, .25)";
    pen.lineWidth = 0.4;
    pen.stroke();
  }

  shade(colour, light) {
    const value = parseInt(colour.slice(1), 16);
    return `rgb(${[16, 8, 0].map((bits) => Math.round(((value >> bits) & 255) * light)).join(",")})`;
  }

  /** The box with its numbers in mm. */
  frame() {
    const { pen, box } = this, corners = this.corners(), ends = corners.map((corner) => this.project(corner));
    pen.strokeStyle = this.colour("line");
    pen.lineWidth = 1;
    pen.beginPath();
    for (let a = 0; a < 8; a++) {
      for (const bit of [1, 2, 4]) if (!(a & bit)) { pen.moveTo(ends[a][0], ends[a][1]); pen.lineTo(ends[a | bit][0], ends[a | bit][1]); }
    }
    pen.stroke();
    pen.fillStyle = pen.strokeStyle = this.colour("soft");
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const middle = this.project(this.middle);
    for (let i = 0; i < 3; i++) {
      const bit = 1 << i, edges = [];
      for (let a = 0; a < 8; a++) if (!(a & bit)) edges.push([ends[a], ends[a | bit], corners[a]]);
      const along = Math.abs(edges[0][1][0] - edges[0][0][0]) > Math.abs(edges[0][1][1] - edges[0][0][1]);
      const rank = (edge) => (i === 1 ? edge[0][0] + edge[1][0] : along ? -(edge[0][1] + edge[1][1]) : -(edge[0][0] + edge[1][0]));
      const [from, to, corner] = edges.sort((one, two) => rank(one) - rank(two))[0];
      const long = Math.hypot(to[0] - from[0], to[1] - from[1]);
      if (long < 45) continue;
      const half = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
      let out = [-(to[1] - from[1]) / long, (to[0] - from[0]) / long];
      if (out[0] * (half[0] - middle[0]) + out[1] * (half[1] - middle[1]) < 0) out = out.map((one) => -one);
      const [low, high] = box[i], step = nice(high - low, long / 75);
      pen.beginPath();
      for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
        const [h, v] = this.project(corner.map((one, k) => (k === i ? value : one)));
        pen.moveTo(h, v);
        pen.lineTo(h + 4 * out[0], v + 4 * out[1]);
        pen.fillText(String(Math.round(value * 10) / 10), h + 19 * out[0], v + 12 * out[1]);
      }
      pen.stroke();
      const shift = [half[0] + 52 * out[0], half[1] + 28 * out[1]];
      pen.font = "bold 11px system-ui, sans-serif";
      const side = this.stage.clientWidth / 2 - 26; // never beyond the edge
      pen.fillText(`${AXES[i]} [mm]`, Math.max(-side, Math.min(side, shift[0])), shift[1]);
      pen.font = "11px system-ui, sans-serif";
    }
  }

  rotate(right, down) {
    this.turned = true;
    this.turn[0] += 0.008 * right;
    this.turn[1] = Math.max(-1.55, Math.min(1.55, this.turn[1] + 0.008 * down));
  }

  enlarge(by) {
    const zoom = Math.max(0.3, Math.min(40, this.zoom * by));
    this.centre = this.centre.map((one) => (one * zoom) / this.zoom);
    this.zoom = zoom;
    this.draw();
  }

  /** Square of the distance to the nearest line of a kind, and its number; null where all are farther than ``best``. */
  nearest(line, h, v, best) {
    const [x, y, z] = line.at, { ends } = line;
    let found = null;
    for (let number = 0; number < ends.length - 1; number++) {
      let last = null;
      for (let i = ends[number]; i < ends[number + 1]; i++) {
        const now = this.inside(x[i], y[i], z[i]) ? this.project([x[i], y[i], z[i]]) : null;
        if (now && (last || ends[number + 1] - ends[number] === 1)) {
          const from = last || now, dx = now[0] - from[0], dy = now[1] - from[1];
          const share = Math.max(0, Math.min(1, ((h - from[0]) * dx + (v - from[1]) * dy) / Math.max(dx * dx + dy * dy, 1e-9)));
          const far = (from[0] + share * dx - h) ** 2 + (from[1] + share * dy - v) ** 2;
          if (far < best) { best = far; found = [far, number]; }
        }
        last = now;
      }
    }
    return found;
  }
}
