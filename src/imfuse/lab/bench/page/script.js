"use strict";
// Tables that sort, tips, the legend that picks out a method, p-values of each metric, and points that open pictures.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// JSON has no infinities, which therefore come as texts; null is what was not measured.
function number(value) {
  return value === null ? NaN : Number(value);
}

function written(value, decimals) {
  const n = number(value);
  if (Number.isNaN(n)) return "–";
  return Number.isFinite(n) ? n.toFixed(decimals) : n > 0 ? "∞" : "-∞";
}

function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

// ---- tables -------------------------------------------------------------------------------------------------------

function compareKeys(first, second, sign) {
  const [a, b] = [first, second].map((key) => (key === "nan" ? NaN : key === "inf" ? Infinity : Number(key)));
  if (first === "nan" || second === "nan") return (first === "nan") - (second === "nan"); // unmeasured rows stay last
  if (Number.isNaN(a) || Number.isNaN(b)) return sign * first.localeCompare(second, "en", { numeric: true });
  return sign * (a - b || 0);
}

function sortBy(head) {
  const table = head.closest("table");
  const column = [...head.parentNode.children].indexOf(head);
  const better = head.dataset.better === "high" ? "descending" : "ascending";
  const current = head.getAttribute("aria-sort");
  const order = current === better ? (better === "ascending" ? "descending" : "ascending") : better;
  all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", order);
  for (const body of table.tBodies) {
    const rows = [...body.rows];
    const key = (row) => row.cells[column].dataset.key;
    rows.sort((a, b) => compareKeys(key(a), key(b), order === "ascending" ? 1 : -1));
    body.append(...rows);
  }
}

all("button.sort").forEach((button) => button.addEventListener("click", () => sortBy(button.closest("th"))));

// ---- tips ---------------------------------------------------------------------------------------------------------

const tip = byId("tip");

function showTip(text, box) {
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, box.left + box.width / 2 - width / 2), innerWidth - width - 8);
  const above = box.top - height - 8;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
}

function tipOf(target) {
  const point = target.closest?.("[data-points] use");
  if (point) return pointText(point);
  return target.closest?.("[data-tip]")?.dataset.tip;
}

function offerTip({ target }) {
  const text = target.closest && tipOf(target);
  if (!text) return void (tip.hidden = true);
  const box = (target.closest("[data-points] use") ?? target.closest("[data-tip]")).getBoundingClientRect();
  showTip(text, box);
}

document.addEventListener("pointerover", offerTip);
document.addEventListener("focusin", offerTip);
document.addEventListener("focusout", () => (tip.hidden = true));
document.addEventListener("keydown", (event) => event.key === "Escape" && (tip.hidden = true));
document.addEventListener("scroll", () => (tip.hidden = true), true);

// ---- points of the distributions ----------------------------------------------------------------------------------

function pointOf(use) {
  const group = use.closest("[data-points]");
  const [method, scenes] = group.dataset.points.split(":");
  const scene = Number(scenes.split(".")[all("use", group).indexOf(use)]);
  const plot = use.closest(".plots > figure");
  return { method: Number(method), scene, metric: [...plot.parentNode.children].indexOf(plot) };
}

function pointText(use) {
  const { method, scene, metric } = pointOf(use);
  const { name, decimals } = data.metrics[metric];
  const shown = data.gallery.some((entry) => entry.scene === scene) ? " (click: picture)" : "";
  const value = written(data.values[method][metric][scene], decimals);
  return `${data.stems[scene]}: ${data.methods[method].name}, ${name} ${value}${shown}`;
}

document.addEventListener("click", ({ target }) => {
  const use = target.closest?.("[data-points] use");
  if (!use) return;
  const { method, scene } = pointOf(use);
  const place = data.gallery.findIndex((entry) => entry.scene === scene);
  if (place >= 0) location.hash = `view=${place},${data.sources.length - 1},${data.sources.length + method}`;
});

// ---- one method picked out ----------------------------------------------------------------------------------------

let picked = null;

function pick(method) {
  all("[data-pick]").forEach((button) => button.setAttribute("aria-pressed", button.dataset.pick === picked));
  all("[data-method]").forEach((mark) => mark.classList.toggle("dim", method !== null && mark.dataset.method !== method));
  all("[data-points]").forEach((mark) => {
    mark.classList.toggle("dim", method !== null && mark.dataset.points.split(":")[0] !== method);
  });
}

all("[data-pick]").forEach((button) => {
  const method = button.dataset.pick;
  button.addEventListener("click", () => {
    picked = picked === method ? null : method;
    pick(picked);
  });
  button.addEventListener("mouseenter", () => pick(method));
  button.addEventListener("mouseleave", () => pick(picked));
});

// ---- p-values -----------------------------------------------------------------------------------------------------

function pText(p) {
  if (Number.isNaN(p)) return "–";
  return p < 0.001 ? "< 0.001" : p < 0.1 ? p.toFixed(3) : p.toFixed(2);
}

function showTests(test) {
  const tests = data.tests[test];
  all("#matrix tbody tr").forEach((row, y) => {
    all("td", row).forEach((cell, x) => {
      const [i, j] = [data.order[y], data.order[x]];
      const p = number(tests[i][j]);
      const direction = p < data.level ? data.directions[test][i][j] : 0;
      cell.className = i === j ? "same" : ["worse", "", "better"][direction + 1];
      cell.textContent = i === j ? "" : pText(p);
    });
  });
}

byId("test").addEventListener("change", (event) => showTests(Number(event.target.value)));

// ---- what lies beyond the right edge -------------------------------------------------------------------------------

function cue(box) {
  box.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
}

const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => cue(target.closest(".scroll"))));
all(".scroll").forEach((box) => {
  box.addEventListener("scroll", () => cue(box), { passive: true });
  [box, ...box.children].forEach((node) => sizes.observe(node));
});

// ---- where the reader is ------------------------------------------------------------------------------------------

const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) links.get(target.id)?.classList.toggle("here", isIntersecting);
  },
  { rootMargin: "-35% 0px -60% 0px" },
);
all("main > section").forEach((section) => watcher.observe(section));
