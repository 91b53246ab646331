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

/** The page around it: buttons, legend, what stands under the pointer. */
class Viewer extends Stage {
  constructor(root) {
    super();
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
