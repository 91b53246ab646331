"use strict";
(() => {
  const AXES = ["x", "y", "z"];
  const make = (tag, name, text) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const unpack = async (code) => {
    const bytes = Uint8Array.from(atob(code), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  };
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

  class Viewer {
    constructor(root) {
      this.root = root;
      this.index = JSON.parse(root.querySelector("script").textContent);
      this.parts = {};
      this.event = this.index.first;
      this.method = 0;
      this.pressed = {};
      this.first = this.turn = [Math.PI + 0.38, 0.42];
      this.whole = root.classList.contains("ev-whole");
      this.build();
      this.listen();
      this.open();
    }

    build() {
      const { root } = this;
      this.bar = make("div", "ev-bar");
      const step = make("span", "ev-step");
      this.back = this.button(step, "◀", () => this.step(-1));
      this.back.title = this.back.ariaLabel = "previous event (arrow key to the left)";
      this.count = step.appendChild(make("b"));
      this.next = this.button(step, "▶", () => this.step(1));
      this.next.title = this.next.ariaLabel = "next event (arrow key to the right)";
      this.bar.append(step);
      const methods = this.index.methods;
      if (methods.length > 1) {
        const label = this.bar.appendChild(make("label", "", "found by "));
        const select = label.appendChild(make("select"));
        methods.forEach((name, place) => select.append(new Option(name, place)));
        select.onchange = () => { this.method = +select.value; this.open(true); };
      } else if (methods[0]) this.bar.append(make("span", "", `found by ${methods[0]}`));
      const tools = this.bar.appendChild(make("span"));
      this.button(tools, "save picture", () => this.save());
      if (!this.whole && root.requestFullscreen) {
        this.button(tools, "whole screen", () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()));
      }
      this.title = make("p", "ev-title");
      this.text = make("div", "ev-text");
      this.rows = make("div", "ev-rows");
      const main = make("div", "ev-main");
      this.stage = main.appendChild(make("div", "ev-stage"));
      this.canvas = this.stage.appendChild(make("canvas"));
      this.canvas.setAttribute("role", "img");
      this.tip = this.stage.appendChild(make("div", "ev-tip"));
      this.tip.hidden = true;
      this.legend = main.appendChild(make("ul", "ev-legend"));
      const wheel = this.whole ? "the wheel zooms" : "the wheel zooms after a click";
      const hint = `Drag to turn, with Shift to move; ${wheel}; double-click for the first view; a click on a name hides what it names.`;
      root.append(this.bar, this.title, this.text, this.rows, main, make("p", "ev-hint", hint));
    }

    button(parent, text, action) {
      const node = parent.appendChild(make("button", "", text));
      node.type = "button";
      node.onclick = action;
      return node;
    }

    step(by) {
      const to = this.event + by;
      if (to < 0 || to >= this.index.events.length) return;
      this.event = to;
      this.open();
    }

    /** Show the event of now; the view stays as it is where ``still``. */
    async open(still = false) {
      const shown = this.index.events[this.event], entry = shown.methods[this.method];
      const total = this.index.events.length;
      this.back.disabled = this.event === 0;
      this.next.disabled = this.event === total - 1;
      this.count.textContent = `${shown.name} (${this.event + 1} of ${total})`;
      this.title.replaceChildren(make("b", "", shown.name), entry ? `: ${entry.title}` : ": not kept by this method");
      this.canvas.ariaLabel = `${shown.name}: ${entry ? entry.title : ""}`;
      this.text.replaceChildren(...(entry ? entry.text : []).map((line) => make("p", "", line)));
      if (entry && entry.notes.length) {
        const notes = this.text.appendChild(make("details"));
        notes.append(make("summary", "", "definitions"), ...entry.notes.map((line) => make("p", "", line)));
      }
      const ticket = (this.ticket = {});
      const names = entry ? entry.parts : [];
      for (const name of names) this.parts[name] ??= unpack(this.index.parts[name]);
      let found;
      try {
        found = await Promise.all(names.map((name) => this.parts[name]));
      } catch (error) {
        this.text.append(make("p", "", `This browser cannot unpack the event (${error.message}); Chrome and Edge from 80, Firefox from 113 and Safari from 16.4 can.`));
        return;
      }
      if (ticket !== this.ticket) return;
      const scene = { points: null, prisms: null, colours: [], lines: [], outline: [], views: [], choices: [], choice: "", turn: this.first };
      for (const part of found) {
        for (const [key, value] of Object.entries(part)) scene[key] = Array.isArray(scene[key]) ? scene[key].concat(value) : value;
      }
      this.take(scene, still);
    }

    take(scene, still) {
      const { points } = scene;
      this.scene = scene;
      this.at = points ? mm(points) : [[], [], []];
      this.lines = scene.lines.map((one) => ({ ...one, at: mm(one) }));
      this.outline = scene.outline.map((one) => ({ ...one, at: mm(one) }));
      this.prisms = scene.prisms && { n: scene.prisms.n, low: mm(scene.prisms.low), high: mm(scene.prisms.high) };
      const count = this.at[0].length, corners = this.prisms ? 2 * this.prisms.n : 0;
      this.screen = { x: new Float32Array(count), y: new Float32Array(count), away: new Float32Array(count), shown: new Uint8Array(count) };
      this.corner = { x: new Float32Array(corners), y: new Float32Array(corners) };
      this.hidden = new Set();
      this.under = null;
      const rows = [["colour", scene.colours.map((one) => one.name)], ["show", scene.choices.map((one) => one.name)], ["view", scene.views.map((one) => one.name)]];
      this.rows.replaceChildren();
      for (const [row, names] of rows) {
        if (!names.includes(this.pressed[row])) this.pressed[row] = row === "show" && scene.choice ? scene.choice : names[0];
        if (names.length < 2) continue;
        const box = this.rows.appendChild(make("div", "ev-row"));
        box.append(make("span", "", row));
        for (const name of names) {
          this.button(box, name, () => this.press(row, name)).setAttribute("aria-pressed", name === this.pressed[row]);
        }
      }
      if (!this.turned) this.turn = scene.turn.slice();
      if (!still || !this.box) this.fit();
      this.list();
      this.draw();
    }

    press(row, name) {
      this.pressed[row] = name;
      for (const box of this.rows.children) {
        if (box.firstChild.textContent !== row) continue;
        for (const node of box.querySelectorAll("button")) node.setAttribute("aria-pressed", node.textContent === name);
      }
      if (row === "view") this.fit();
      this.list();
      this.draw();
    }

    chosen(row, from) { return from.find((one) => one.name === this.pressed[row]) || from[0]; }

    get colouring() { return this.chosen("colour", this.scene.colours); }

    shows(line) {
      const choice = this.chosen("show", this.scene.choices);
      return (line.kind === "" || !choice || choice.kinds.includes(line.kind)) && !this.hidden.has(line.key);
    }

    list() {
      this.hues = {};
      this.colour("paper"); // says whether the page is dark
      const { groups = [], scale } = this.colouring || {}, items = [];
      if (scale) {
        const item = make("li", "ev-scale", scale.title), bar = item.appendChild(make("div"));
        bar.style.background = `linear-gradient(to right, ${this.shown(this.colouring).join(", ")})`;
        const ends = item.appendChild(make("span"));
        for (const text of scale.ends) ends.append(make("span", "", text));
        items.push(item);
      }
      const seen = new Set();
      const entry = (name, colour, key, line) => {
        if (seen.has(key)) return;
        seen.add(key);
        const item = make("li"), node = this.button(item, "", () => {
          if (!this.hidden.delete(key)) this.hidden.add(key);
          node.setAttribute("aria-pressed", !this.hidden.has(key));
          this.draw();
        });
        node.setAttribute("aria-pressed", !this.hidden.has(key));
        const mark = node.appendChild(make("i", !line ? "" : line.dots > 4 ? "ev-spot" : "ev-thin"));
        mark.style.color = this.colour(colour);
        if (!line || line.dots > 4) mark.style.background = "currentcolor";
        else mark.style.borderTopStyle = line.dash === "solid" ? "solid" : line.dash === "dot" ? "dotted" : "dashed";
        node.append(make("span", "", name));
        items.push(item);
      };
      for (const group of groups) entry(group.name, group.colour, group.key);
      const choice = this.chosen("show", this.scene.choices);
      for (const line of this.lines) {
        if (line.kind === "" || !choice || choice.kinds.includes(line.kind)) entry(line.name, line.colour, line.key, line);
      }
      if (this.outline.length) entry("outline of the detector", "outline", "outline", { dash: "solid" });
      this.legend.replaceChildren(...items);
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

    listen() {
      const { canvas, root } = this, held = new Map();
      canvas.onpointerdown = (event) => {
        held.set(event.pointerId, [event.clientX, event.clientY]);
        canvas.setPointerCapture(event.pointerId);
        this.tip.hidden = true;
      };
      canvas.onpointerup = canvas.onpointercancel = (event) => held.delete(event.pointerId);
      canvas.onpointermove = (event) => {
        const last = held.get(event.pointerId), now = [event.clientX, event.clientY];
        if (!last) { this.point(event); return; }
        const step = [now[0] - last[0], now[1] - last[1]];
        if (held.size === 2) {
          const other = [...held].find(([id]) => id !== event.pointerId)[1];
          const far = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]);
          this.enlarge(far(now) / Math.max(far(last), 1));
        } else if (event.shiftKey || event.buttons & 6) this.centre = this.centre.map((one, i) => one + step[i]);
        else this.rotate(step[0], step[1]);
        held.set(event.pointerId, now);
        this.draw();
      };
      canvas.onpointerleave = () => { this.tip.hidden = true; if (this.under) { this.under = null; this.draw(); } };
      canvas.oncontextmenu = (event) => event.preventDefault();
      canvas.ondblclick = () => {
        this.turned = false;
        this.turn = this.scene.turn.slice();
        this.fit();
        this.draw();
      };
      canvas.addEventListener("wheel", (event) => {
        if (!this.whole && !event.ctrlKey && !root.matches(":focus-within, :fullscreen")) return; // the page scrolls on
        event.preventDefault();
        this.enlarge(Math.exp(-0.0015 * event.deltaY));
      }, { passive: false });
      (this.whole ? document : root).addEventListener("keydown", (event) => {
        const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (event.target.tagName === "SELECT" || event.ctrlKey || event.altKey || event.metaKey) return;
        if (event.shiftKey && event.key.startsWith("Arrow")) this.rotate(40 * (way || 0), { ArrowUp: -40, ArrowDown: 40 }[event.key] || 0);
        else if (way) this.step(way);
        else if (event.key === "+" || event.key === "-") this.enlarge(event.key === "+" ? 1.2 : 1 / 1.2);
        else return;
        event.preventDefault();
        this.draw();
      });
      new ResizeObserver(() => this.draw()).observe(this.stage);
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (this.scene) { this.list(); this.draw(); } });
      const print = (light) => () => {
        root.classList.toggle("ev-light", light);
        if (this.scene) { this.list(); this.paint(); }
      };
      window.addEventListener("beforeprint", print(true));
      window.addEventListener("afterprint", print(false));
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

    /** Tell about the hit or the line under the pointer. */
    point(event) {
      if (!this.scene || !this.colouring) return;
      const area = this.canvas.getBoundingClientRect(), { screen, scene } = this;
      const h = event.clientX - area.left - area.width / 2, v = event.clientY - area.top - area.height / 2;
      let best = this.prisms ? 200 : 50, hit = -1, under = null;
      for (let i = 0; i < screen.x.length; i++) {
        const far = screen.shown[i] ? (screen.x[i] - h) ** 2 + (screen.y[i] - v) ** 2 : best;
        if (far < best) { best = far; hit = i; }
      }
      best = Math.min(best, 36) + (hit >= 0 ? 0 : 0.1);
      for (const line of this.lines) {
        if (!line.text.length || !this.shows(line)) continue;
        const near = this.nearest(line, h, v, best);
        if (near) [best, under] = [near[0], { line, number: near[1] }];
      }
      if ((under && under.line) !== (this.under && this.under.line) || (under && under.number) !== (this.under && this.under.number)) {
        this.under = under;
        this.draw();
      }
      let text = "";
      if (under) text = under.line.text[under.number];
      else if (hit >= 0) {
        const group = this.colouring.groups && this.colouring.groups[this.colouring.of[hit]];
        text = [...scene.points.told.map(([name, unit, values]) => `${name} ${values[hit]} ${unit}`), ...(group ? [group.name] : [])].join("\n");
      }
      this.tip.hidden = !text;
      this.tip.textContent = text;
      const left = Math.min(event.clientX - area.left + 14, area.width - this.tip.offsetWidth - 4);
      const top = event.clientY - area.top + 14;
      this.tip.style.left = `${Math.max(left, 2)}px`;
      this.tip.style.top = `${top + this.tip.offsetHeight > area.height ? Math.max(top - this.tip.offsetHeight - 28, 2) : top}px`;
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

    save() {
      this.root.classList.add("ev-light"); // slides and papers are white
      this.paint(3);
      this.canvas.toBlob((blob) => {
        const link = make("a");
        link.href = URL.createObjectURL(blob);
        link.download = `${this.index.events[this.event].name.replace(/\W+/g, "_")}.png`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      });
      this.root.classList.remove("ev-light");
      this.draw();
    }
  }

  for (const root of document.querySelectorAll(".ev")) new Viewer(root);
})();
