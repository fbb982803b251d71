// Tables whose columns sort by a click or a key on their heading: up, down, and as they came.
(() => {
  "use strict";
  const number = (text) => {
    const found = text.replaceAll("−", "-").match(/^[^\d-]{0,2}(-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)/i);
    return found ? Number(found[1].replaceAll(",", "")) : NaN;
  };
  const compare = (first, second) => {
    const [a, b] = [number(first), number(second)];
    if (!Number.isNaN(a) && !Number.isNaN(b)) return a - b;
    return first.localeCompare(second, undefined, { numeric: true });
  };
  const missing = (text) => text === "" || text === "–";
  const after = { none: "ascending", ascending: "descending", descending: "none" };

  for (const table of document.querySelectorAll("table")) {
    const heads = table.tHead ? [...table.tHead.rows] : [];
    const bodies = [...table.tBodies].filter((body) => body.rows.length > 1);
    const spans = table.querySelector("tbody [rowspan], thead [colspan]");
    if (heads.length !== 1 || bodies.length === 0 || spans) continue;
    const before = new Map(bodies.map((body) => [body, [...body.rows]]));
    [...heads[0].cells].forEach((head, column) => {
      if (head.textContent.trim() === "") return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = after[head.getAttribute("aria-sort") ?? "none"];
        for (const other of heads[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", next);
        for (const body of bodies) {
          const rows = [...before.get(body)];
          const text = (row) => row.cells[column]?.textContent.trim() ?? "";
          const group = rows.filter((row) => row.cells.length === 1);
          const sorted = rows.filter((row) => row.cells.length > 1);
          if (next !== "none") {
            const sign = next === "ascending" ? 1 : -1;
            sorted.sort((x, y) => {
              const [a, b] = [text(x), text(y)];
              // What is missing stands last, whichever way.
              return missing(a) - missing(b) || sign * compare(a, b);
            });
          }
          body.append(...group, ...sorted);
        }
      });
    });
  }
})();
