
// In a page, an explorer's answers are there: its model looks them up in the place of a kernel.
function answered({ controls, at, size, states }) {
  const values = { controls, at, size, ...states[at.join()] };
  const listeners = new Set();
  return {
    get: (name) => values[name],
    set: (name, value) => { values[name] = value; },
    on: (_, listener) => listeners.add(listener),
    save_changes() {
      Object.assign(values, states[values.at.join()]);
      for (const listener of listeners) listener();
    },
  };
}

for (const el of document.querySelectorAll("[data-explorer]")) {
  const model = answered(JSON.parse(el.dataset.explorer));
  el.replaceChildren();
  render({ model, el });
}
