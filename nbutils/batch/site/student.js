// Two faces, one student: loads ONNX Runtime and the student from files beside the page, and compares two pictures.
const page = document.querySelector(".nbutils-student");
const answer = page.querySelector(".answer");

// Scripts are what a page that was opened as a file may load.
const loaded = (file) => new Promise((resolve, reject) => {
  const script = document.createElement("script");
  script.src = file;
  script.onload = resolve;
  script.onerror = () => reject(new Error(`${file} is missing`));
  document.head.append(script);
});
const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const unpacked = (text) =>
  new Response(new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
const address = async (text, type) => URL.createObjectURL(new Blob([await unpacked(text)], { type }));

async function open() {
  await Promise.all([loaded("student/student.js"), loaded("student/runtime.js")]);
  const { nbutilsStudent: student, nbutilsRuntime: runtime } = window;
  const ort = await import(await address(runtime.module, "text/javascript"));
  Object.assign(ort.env.wasm, {
    numThreads: 1,
    wasmPaths: { mjs: await address(runtime.loader, "text/javascript"), wasm: await address(runtime.code, "application/wasm") },
  });
  const session = await ort.InferenceSession.create(bytes(student.model), { executionProviders: ["wasm"] });
  const [height, width] = student.size;
  let last = Promise.resolve();
  // Features of RGBA pixels; one picture after another, as the runtime wants it.
  const features = (pixels) => (last = last.catch(() => {}).then(async () => {
    const images = new Uint8Array(height * width * 3);
    for (let from = 0, to = 0; from < pixels.length; from += 4) {
      for (let channel = 0; channel < 3; channel++) images[to++] = pixels[from + channel];
    }
    const found = await session.run({ images: new ort.Tensor("uint8", images, [1, height, width, 3]) });
    return found.features.data;
  }));
  return { student, features };
}

const distance = (first, second) => Math.hypot(...first.map((value, i) => value - second[i]));

// The middle of a picture, in the proportions of `canvas`, fills it.
function drawMiddle(canvas, picture) {
  const scale = Math.min(picture.width / canvas.width, picture.height / canvas.height);
  const [width, height] = [canvas.width * scale, canvas.height * scale];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(
    picture, (picture.width - width) / 2, (picture.height - height) / 2, width, height, 0, 0, canvas.width, canvas.height,
  );
  return context.getImageData(0, 0, canvas.width, canvas.height).data;
}

async function faceOf(canvas, address) {
  const picture = new Image();
  picture.src = address;
  await picture.decode();
  return drawMiddle(canvas, picture);
}

const svg = (tag, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};
const html = (tag, attributes = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
};
const short = (value) => Number(value.toPrecision(3)).toString();

// Where a distance lies among those of known pairs.
function drawDistances({ edges, one, two, threshold }, at, room) {
  const [wide, high, top] = [Math.min(Math.max(room, 320), 700), 150, 34];
  const [low, end] = [Math.min(edges[0], at), Math.max(edges.at(-1), at)];
  const x = (value) => 10 + (wide - 20) * ((value - low) / (end - low || 1));
  const most = Math.max(...one, ...two, 1);
  const area = (counts, kind) => {
    const y = (count) => top + high * (1 - count / most);
    const steps = counts.map((count, i) => `L${x(edges[i])},${y(count)}L${x(edges[i + 1])},${y(count)}`).join("");
    return svg("path", { class: kind, d: `M${x(edges[0])},${top + high}${steps}L${x(edges.at(-1))},${top + high}Z` });
  };
  const line = (value, kind, y) => svg("line", { class: kind, x1: x(value), x2: x(value), y1: y + 3, y2: top + high });
  const label = (value, text, y) =>
    svg("text", { class: "label", x: Math.min(Math.max(x(value), 60), wide - 60), y, "text-anchor": "middle" }, text);
  // Ticks at one, two or five times a power of ten, three at least.
  const power = 10 ** Math.floor(Math.log10((end - low) / 3 || 1));
  const step = [5, 2, 1].map((factor) => factor * power).find((each) => (end - low) / each >= 3) || power;
  const ticks = [];
  for (let value = Math.ceil(low / step) * step; value <= end; value += step) {
    ticks.push(svg("line", { class: "tick", x1: x(value), x2: x(value), y1: top + high, y2: top + high + 5 }),
      svg("text", { x: Math.min(Math.max(x(value), 12), wide - 12), y: top + high + 18, "text-anchor": "middle" }, short(value)));
  }
  const axis = [svg("line", { class: "tick", x1: 10, x2: wide - 10, y1: top + high, y2: top + high }), ...ticks,
    svg("text", { x: wide - 10, y: top + high + 40, "text-anchor": "end" }, "distance →")];
  const key = (kind, text, left) => [
    svg("rect", { class: kind, x: left, y: top + high + 31, width: 14, height: 10 }),
    svg("text", { x: left + 20, y: top + high + 40 }, text),
  ];
  return svg("svg", { viewBox: `0 0 ${wide} ${top + high + 46}`, role: "img",
      "aria-label": `Distance ${short(at)}, threshold ${short(threshold)}, among the distances of known pairs` },
    area(one, "one"), area(two, "two"), ...axis, line(threshold, "threshold", 30), line(at, "these", 14),
    label(threshold, `threshold ${short(threshold)}`, 30), label(at, `these two: ${short(at)}`, 14),
    ...key("one", "one person", 10), ...key("two", "two people", 120));
}

// Neurons by a score, the highest first, as a table.
function neuronTable(title, student, first, second, score, say) {
  const z = (values, i) => (values[i] - student.mean[i]) / student.deviation[i];
  const live = student.neurons.map((_, i) => i).filter((i) => student.deviation[i] > 0);
  const ranked = live.map((i) => [score(i, z(first, i), z(second, i)), i]).sort((a, b) => b[0] - a[0]).slice(0, 6);
  const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(1);
  const rows = ranked.filter(([value]) => value > 0).map(([value, i]) => html("tr", {},
    html("th", { scope: "row", textContent: `neuron ${student.neurons[i]}` }),
    ...[signed(z(first, i)), signed(z(second, i)), say(value)].map((textContent) => html("td", { textContent, className: "number" })),
    ...(student.tells.length ? [html("td", { textContent: student.tells[i] || "–" })] : [])));
  const heads = ["neuron", "first face, SD", "second face, SD", title.column, ...(student.tells.length ? ["predicts best"] : [])];
  return html("div", { className: "scroll", tabIndex: 0 }, html("table", {},
    html("caption", { textContent: title.caption }),
    html("thead", {}, html("tr", {}, ...heads.map((textContent) => html("th", { scope: "col", textContent })))),
    html("tbody", {}, ...rows)));
}

function show(student, { first, second }) {
  const apart = distance(first.features, second.features);
  const one = apart <= student.threshold;
  const known = first.person !== undefined && second.person !== undefined;
  const truth = known ? ` In truth they are ${first.person === second.person ? "one person" : "two people"}.` : "";
  const right = known && (first.person === second.person) === one ? " ✓" : known ? " ✗" : "";
  answer.replaceChildren(html("b", { textContent: `Distance ${short(apart)}` }),
    ` ${one ? "is within" : "is beyond"} the threshold ${short(student.threshold)}: `
      + `the student takes them for ${one ? "one person" : "two people"}.${truth}${right}`);
  page.dataset.distance = apart;
  const place = page.querySelector(".distances div");
  place.replaceChildren(drawDistances(student, apart, place.clientWidth));
  const square = apart ** 2 || 1;
  page.querySelector(".neurons").replaceChildren(
    neuronTable({ column: "product", caption: "The neurons that agree most" }, student, first.features, second.features,
      (_, a, b) => a * b, (value) => value.toFixed(1)),
    neuronTable({ column: "share of distance²", caption: "The neurons that differ most" }, student, first.features,
      second.features, (i) => (first.features[i] - second.features[i]) ** 2 / square, (value) => `${(100 * value).toFixed(1)} %`));
}

try {
  const { student, features } = await open();
  const chosen = {};
  const update = () => { if (chosen.first && chosen.second) show(student, chosen); };
  for (const slot of page.querySelectorAll(".slot")) {
    const canvas = slot.querySelector("canvas");
    const name = slot.dataset.slot;
    const file = slot.querySelector("input[type=file]");
    let asked = 0;
    const take = async (pixels, person) => {
      const mine = ++asked;
      const found = await features(await pixels);
      if (mine !== asked) return; // another face was chosen meanwhile
      chosen[name] = { features: found, person };
      update();
    };
    for (const radio of slot.querySelectorAll("input[type=radio]")) {
      radio.addEventListener("change", async () => {
        const face = student.faces[radio.value];
        file.value = "";
        await take(faceOf(canvas, face.picture), face.person);
      });
    }
    file.addEventListener("change", async () => {
      const [given] = file.files;
      if (!given) return;
      let picture;
      try {
        picture = await createImageBitmap(given);
      } catch {
        answer.textContent = `${given.name} is no picture that this browser can read: choose a JPEG, PNG or WebP file.`;
        file.value = "";
        return;
      }
      for (const radio of slot.querySelectorAll("input[type=radio]")) radio.checked = false;
      await take(drawMiddle(canvas, picture));
    });
  }
  // For tests, and for whoever is curious: the distance of two faces of the gallery.
  const canvas = () => html("canvas", { width: student.size[1], height: student.size[0] });
  const of = async (i) => features(await faceOf(canvas(), student.faces[i].picture));
  window.nbutilsDistance = async (i, j) => distance(await of(i), await of(j));
  for (const [name, i] of [["first", 0], ["second", 1]]) {
    const radio = page.querySelector(`input[name=${name}][value="${i}"]`);
    radio.checked = true;
    radio.dispatchEvent(new Event("change"));
  }
} catch (error) {
  answer.textContent = `The student cannot be run in this browser: ${error.message}`;
}
