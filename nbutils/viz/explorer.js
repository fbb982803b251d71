// An explorer: controls, a sentence, a picture that follows them, and the setting as code. The same module draws it in
// a notebook, where a kernel answers (anywidget), and in a page, where the answers are there already.
let explorers = 0;

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

// A control's inputs; `move` is called with the position among its steps.
function inputs({ label, kind, steps }, at, id, move) {
  const disabled = steps.length < 2;
  if (kind === "slider") {
    const value = element("output", { htmlFor: id, textContent: steps[at] });
    const input = element("input", { id, type: "range", min: 0, max: steps.length - 1, value: at, disabled });
    input.setAttribute("aria-valuetext", steps[at]);
    input.addEventListener("input", () => {
      value.textContent = steps[input.valueAsNumber];
      input.setAttribute("aria-valuetext", value.textContent);
      move(input.valueAsNumber);
    });
    return element("div", { className: "control" }, element("label", { htmlFor: id, textContent: label }), input, value);
  }
  if (kind === "tick") {
    const input = element("input", { id, type: "checkbox", checked: steps[at] === "yes", disabled });
    input.addEventListener("change", () => move(steps.indexOf(input.checked ? "yes" : "no")));
    return element("div", { className: "control" }, input, element("label", { htmlFor: id, textContent: label }));
  }
  const input = element("select", { id, disabled }, ...steps.map((text) => element("option", { textContent: text })));
  input.selectedIndex = at;
  input.addEventListener("change", () => move(input.selectedIndex));
  return element("div", { className: "control" }, element("label", { htmlFor: id, textContent: label }), input);
}

function render({ model, el }) {
  const id = `explorer-${++explorers}`;
  const controls = model.get("controls");
  const at = [...model.get("at")];
  const [width, height] = model.get("size");
  const says = element("p", { className: "says" });
  says.setAttribute("aria-live", "polite");
  const picture = element("img", { width, height });
  if (width > 700) picture.style.minWidth = `${0.6 * width}px`; // on a narrow screen it scrolls, and can be read
  const code = element("code");
  let shown = "";

  function show() {
    const found = model.get("picture");
    says.textContent = model.get("says");
    code.textContent = model.get("code");
    picture.alt = controls.map(({ label, steps }, i) => `${label}: ${steps[at[i]]}`).join(", ");
    const empty = !(found.length || found.byteLength);
    picture.style.visibility = empty ? "hidden" : "visible";
    if (empty) return;
    const source = typeof found === "string" ? found : URL.createObjectURL(new Blob([found]));
    const next = new Image();
    next.src = shown = source;
    // The former picture stays until the next one can be drawn.
    next.decode().catch(() => {}).then(() => { if (shown === source) picture.src = source; });
  }

  const row = element("div", { className: "controls" });
  controls.forEach((control, i) => {
    row.append(inputs(control, at[i], `${id}-${i}`, (position) => {
      at[i] = position;
      model.set("at", [...at]);
      model.save_changes();
    }));
  });
  for (const name of ["picture", "says", "code"]) model.on(`change:${name}`, show);
  el.classList.add("nbutils-explorer");
  // On their way up, JupyterLab would take the keys to move its cells; shortcuts, as to save, are its own.
  el.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey || event.altKey)) event.stopPropagation();
  });
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Explorer");
  el.append(row, says, element("div", { className: "picture", tabIndex: 0 }, picture), element("pre", { tabIndex: 0 }, code));
  show();
}

export default { render };
