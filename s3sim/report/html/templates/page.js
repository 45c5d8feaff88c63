"use strict";
(async () => {
  const read = (element) => JSON.parse(element.textContent);
  const byId = (id) => document.getElementById(id);
  const names = read(byId("names"));
  const kinds = {f4: Float32Array, f8: Float64Array, u2: Uint16Array};

  // a column of the page's data as a typed array; little-endian, as all browsers' machines are
  const unpacked = ({type, data}) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    return new kinds[type](bytes.buffer);
  };

  const model = (name) => {
    for (const one of Bokeh.documents) {
      const found = one.get_model_by_name(name);
      if (found !== null) return found;
    }
    return null;
  };

  const fill = (name, data) => {
    const source = model(name);
    if (source !== null) source.data = data;
  };

  const showRange = (range, start, end) => {
    range.setv({start, end, reset_start: start, reset_end: end});
  };

  const say = (id, text) => {
    const element = byId(id);
    if (element !== null) element.textContent = text;
  };

  const showLatencies = (id, number, latencies) => {
    for (const metric of names.latencies) {
      const found = latencies[metric];
      const data = found ? {value: unpacked(found.value), share: unpacked(found.share)} : {value: [], share: []};
      fill(`${id}-${metric}-source-${number}`, data);
    }
  };

  const showMemory = (id, number, memory) => {
    say(`${id}-memory-${number}-note`, memory.note);
    const range = model(`${id}-memory-x-${number}`);
    if (range === null) return;
    const columns = memory.columns;
    const data = {time: [], used: [], held: []};
    if (columns) {
      for (const name of Object.keys(data)) data[name] = unpacked(columns[name]);
      showRange(range, 0, memory.end);
      model(`${id}-memory-capacity-${number}`).location = memory.capacity;
    }
    fill(`${id}-memory-source-${number}`, data);
  };

  // the bars of one sequence after the other, sorted into a source for each state
  const showBars = (id, bars) => {
    say(`${id}-timeline-note`, bars.note);
    const range = model(`${id}-timeline-x`);
    if (range === null) return;
    const sources = names.states.map(() => ({row: [], begin: [], end: [], id: [], state: [], length: []}));
    const ids = bars.ids ?? [];
    if (bars.columns) {
      const [row, state, begin, end] = ["row", "state", "begin", "end"].map((name) => unpacked(bars.columns[name]));
      row.forEach((place, index) => {
        const source = sources[state[index]];
        source.row.push(place);
        source.begin.push(begin[index]);
        source.end.push(end[index]);
        source.id.push(ids[place]);
        source.state.push(names.states[state[index]]);
        source.length.push(end[index] - begin[index]);
      });
      model(`${id}-timeline-ids`).major_label_overrides = new Map(ids.map((ident, place) => [place, String(ident)]));
      showRange(model(`${id}-timeline-y`), ids.length - 0.4, -0.6);
      showRange(range, begin.reduce((a, b) => Math.min(a, b)), end.reduce((a, b) => Math.max(a, b)));
    }
    sources.forEach((data, number) => fill(`${id}-timeline-source-${number}`, data));
  };

  // share of the shown time by which each button moves its start and its end
  const moves = {in: [0.25, -0.25], out: [-0.5, 0.5], back: [-0.5, -0.5], on: [0.5, 0.5]};

  const zoom = (id, how) => {
    const range = model(`${id}-timeline-x`);
    if (how === "all") {
      range.setv({start: range.reset_start, end: range.reset_end});
      return;
    }
    const [first, last] = moves[how].map((share) => share * (range.end - range.start));
    range.setv({start: range.start + first, end: range.end + last});
  };

  const hide = (fieldset, box) => {
    const {section, kind} = fieldset.dataset;
    const number = box.dataset.number;
    const parts = kind === "states" ? ["timeline"] : [...names.parts, ...names.latencies];
    for (const part of parts) {
      const renderer = model(`${section}-${part}-${number}`);
      if (renderer !== null) renderer.visible = box.checked;
    }
    const panel = kind === "states" ? null : byId(section).querySelector(`[data-system="${number}"]`);
    if (panel !== null) panel.hidden = !box.checked;
  };

  const use = (views) => {
    const id = views.id;
    const level = byId(`${id}-level`);
    const system = byId(`${id}-system`);
    const chosen = () => views.levels[level === null ? 0 : Number(level.value)];
    const timeline = () => {
      if (system !== null) showBars(id, chosen().views[Number(system.value)].bars);
    };
    const all = () => {
      for (const [metric, [low, high]] of Object.entries(chosen().ranges)) showRange(model(`${id}-${metric}-x`), low, high);
      chosen().views.forEach((view, number) => {
        showLatencies(id, number, view.latencies);
        showMemory(id, number, view.memory);
      });
      timeline();
    };
    if (level !== null) level.addEventListener("change", all);
    if (system !== null) system.addEventListener("change", timeline);
    all();
  };

  for (const item of read(byId("figures"))) await Bokeh.embed.embed_item(item);
  if (matchMedia("(pointer: coarse)").matches) {
    // a finger that is put on a figure scrolls the page, until a tool is chosen
    for (const one of Bokeh.documents) for (const plot of one.roots()) plot.toolbar.active_drag = null;
  }
  for (const element of document.querySelectorAll("script.views")) use(read(element));
  for (const fieldset of document.querySelectorAll(".legend")) {
    fieldset.addEventListener("change", (event) => hide(fieldset, event.target));
  }
  for (const group of document.querySelectorAll(".zoom")) {
    group.addEventListener("click", (event) => {
      const how = event.target.dataset.zoom;
      if (how) zoom(group.dataset.section, how);
    });
  }
  document.documentElement.dataset.state = "ready";
})();
