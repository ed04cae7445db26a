// The pictures: any two of the sources and methods of a scene, side by side under a boundary, or subtracted.
const names = [...data.sources, ...data.methods.map((method) => method.name)];
const GREY = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E%3Crect width='100%25' height='100%25' fill='%23808080'/%3E%3C/svg%3E";
const NEGATIVE = [[244, 244, 242], [110, 163, 230], [11, 60, 140]];
const POSITIVE = [[244, 244, 242], [240, 162, 109], [156, 47, 6]];

const view = { place: 0, left: 0, right: 0, split: 50, zoom: "fit" };

// ---- what is shown ------------------------------------------------------------------------------------------------

function scene() {
  return data.gallery[view.place];
}

function showLayer(id, index) {
  const [picture, tint] = all("img", byId(id));
  const { pictures, coloured } = scene();
  const mode = byId("tint").value;
  setSource(picture, pictures[index] ?? GREY);
  picture.alt = names[index];
  const tinted = mode === "luma" || (mode === "source" && coloured !== null && index >= data.sources.length);
  tint.hidden = !tinted;
  // The blend mode `color` keeps the luma of what lies below (weights .3, .59, .11) and takes the chroma of the tint.
  if (tinted) setSource(tint, mode === "luma" ? GREY : pictures[coloured]);
}

// The same source again would be decoded anew, and flicker.
function setSource(image, uri) {
  if (image.src !== uri) image.src = uri;
}

function show() {
  const { pictures, scene: index } = scene();
  showLayer("layer-left", view.left);
  showLayer("layer-right", view.right);
  const missing = (i) => (pictures[i] ? "" : " (no picture)");
  const mapped = byId("difference").checked;
  byId("tag-left").textContent = mapped ? `${names[view.left]} − ${names[view.right]}` : names[view.left] + missing(view.left);
  byId("tag-right").textContent = mapped ? "" : names[view.right] + missing(view.right);
  byId("left").value = view.left;
  byId("right").value = view.right;
  byId("stem").textContent = data.stems[index];
  all("#thumbs button").forEach((button, i) => button.setAttribute("aria-pressed", i === view.place));
  showSize();
  showValues();
  showMap();
}

// Brings the boundary, and the middle of the height, into the sight of a zoomed picture.
function centre() {
  const stage = byId("stage");
  stage.scrollLeft = (view.split / 100) * stage.scrollWidth - stage.clientWidth / 2;
  stage.scrollTop = (stage.scrollHeight - stage.clientHeight) / 2;
}

function setSplit(percent) {
  view.split = Math.min(100, Math.max(0, percent));
  byId("sheet").style.setProperty("--split", `${view.split}%`);
  byId("split").value = view.split;
}

function showSize() {
  const { width, height } = scene();
  const sheet = byId("sheet");
  const fit = `min(100%, calc(82vh * ${width / height}), ${2.5 * width}px)`;
  sheet.style.width = view.zoom === "fit" ? fit : `${width * Number(view.zoom)}px`;
  sheet.style.aspectRatio = `${width} / ${height}`;
  sheet.classList.toggle("sharp", view.zoom !== "fit");
  byId("stage").classList.toggle("zoomed", view.zoom !== "fit");
}

// ---- values of this image -----------------------------------------------------------------------------------------

function valueRow(label, values, decimals, up) {
  const numbers = values.map(number);
  const best = up ? Math.max(...numbers) : Math.min(...numbers);
  const row = document.createElement("tr");
  const head = element("th", `${label} ${up ? "↑" : "↓"}`);
  head.scope = "row";
  const cells = values.map((value, i) => {
    const cell = element("td", "", numbers[i] === best && numbers[0] !== numbers[1] ? "best" : "");
    cell.append(element("span", written(value, decimals)));
    return cell;
  });
  row.append(head, ...cells);
  return row;
}

function showValues() {
  const index = scene().scene;
  const methods = [view.left, view.right].map((i) => i - data.sources.length);
  byId("value-left").textContent = names[view.left];
  byId("value-right").textContent = names[view.right];
  const ofBoth = (values) => methods.map((method) => (method < 0 ? null : values(method)));
  const rows = data.metrics.map(({ name, up, decimals }, k) => {
    return valueRow(name, ofBoth((method) => data.values[method][k][index]), decimals, up);
  });
  rows.unshift(valueRow("mean rank", ofBoth((method) => data.sceneRanks[method][index]), 2, false));
  byId("image-values").tBodies[0].replaceChildren(...rows);
  byId("pair-note").textContent = methods.some((method) => method < 0) ? "A source has no values of its own." : "";
}

// ---- difference maps ----------------------------------------------------------------------------------------------

async function lumaOf(uri, width, height) {
  const image = new Image();
  image.src = uri;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data: rgba } = context.getImageData(0, 0, width, height);
  const luma = new Float32Array(width * height);
  for (let i = 0; i < luma.length; i++) luma[i] = 0.299 * rgba[4 * i] + 0.587 * rgba[4 * i + 1] + 0.114 * rgba[4 * i + 2];
  return luma;
}

function colourAt(steps, share) {
  const place = Math.min(1, share) * (steps.length - 1);
  const below = Math.min(Math.floor(place), steps.length - 2);
  return steps[below].map((low, channel) => low + (steps[below + 1][channel] - low) * (place - below));
}

function paint(canvas, first, second, width, height, gain) {
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  const palette = Array.from({ length: 511 }, (_, i) => colourAt(i < 255 ? NEGATIVE : POSITIVE, Math.abs(i - 255) / 255));
  for (let i = 0; i < first.length; i++) {
    const level = Math.round(Math.min(255, Math.max(-255, (first[i] - second[i]) * gain)));
    pixels.data.set(palette[level + 255], 4 * i);
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

let asked = 0;

async function showMap() {
  const mapped = byId("difference").checked;
  const { width, height, pictures } = scene();
  const pair = [pictures[view.left], pictures[view.right]];
  byId("stage").classList.toggle("mapped", mapped);
  byId("map").hidden = byId("scale").hidden = byId("gain-label").hidden = !mapped;
  byId("split").hidden = byId("tint-label").hidden = mapped;
  const gain = Number(byId("gain").value);
  const reach = Math.round(255 / gain);
  byId("map").setAttribute("aria-label", `Map of ${names[view.left]} less ${names[view.right]}`);
  byId("scale-low").textContent = `${names[view.right]} brighter by ${reach}`;
  byId("scale-high").textContent = `${names[view.left]} brighter by ${reach} of 255 levels`;
  const mine = ++asked;
  if (!mapped) return;
  if (!pair.every(Boolean)) return void byId("map").getContext("2d").clearRect(0, 0, width, height);
  const [first, second] = await Promise.all(pair.map((uri) => lumaOf(uri, width, height)));
  if (mine === asked) paint(byId("map"), first, second, width, height, gain); // else the reader has gone on
}

// ---- what the reader does -----------------------------------------------------------------------------------------

function fillSelect(select) {
  const groups = [["sources", 0, data.sources.length], ["fused", data.sources.length, names.length]];
  for (const [label, start, end] of groups) {
    const group = document.createElement("optgroup");
    group.label = label;
    for (let i = start; i < end; i++) group.append(new Option(names[i], i));
    select.append(group);
  }
}

function fillThumbs() {
  data.gallery.forEach(({ scene: index, pictures, coloured }, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.tip = data.stems[index];
    const image = new Image();
    image.loading = "lazy";
    image.decoding = "async";
    image.src = pictures[coloured ?? 0];
    image.alt = data.stems[index];
    button.append(image);
    button.addEventListener("click", () => open({ place }));
    byId("thumbs").append(button);
  });
}

function open(changes) {
  Object.assign(view, changes);
  show();
  const hash = `#view=${view.place},${view.left},${view.right}`;
  try {
    history.replaceState(null, "", hash);
  } catch {
    // some browsers forbid it for files; the pictures change all the same
  }
}

function followHash() {
  const match = /^#view=(\d+),(\d+),(\d+)$/.exec(location.hash);
  if (!match) return;
  const [place, left, right] = match.slice(1).map(Number);
  if (place >= data.gallery.length || left >= names.length || right >= names.length) return;
  open({ place, left, right });
  byId("viewer").scrollIntoView({ block: "start" });
  const thumb = byId("thumbs").children[place];
  byId("thumbs").scrollLeft = thumb.offsetLeft - byId("thumbs").offsetLeft - 100;
}

function dragTo(event) {
  const box = byId("sheet").getBoundingClientRect();
  setSplit(((event.clientX - box.left) / box.width) * 100);
}

function startDrag(event) {
  const onHandle = event.target.closest("#handle");
  const onPicture = event.target.closest("#sheet");
  // In a zoomed picture a finger pans, and only the handle drags.
  const pans = event.pointerType === "touch" && view.zoom !== "fit";
  if (event.button || byId("difference").checked || !(onHandle || (onPicture && !pans))) return;
  const stage = byId("stage");
  stage.setPointerCapture(event.pointerId);
  if (event.pointerType !== "touch") dragTo(event); // a finger may be about to scroll the page
  const stop = (end) => {
    if (end.type === "pointerup") dragTo(end);
    stage.removeEventListener("pointermove", dragTo);
    stage.removeEventListener("pointerup", stop);
    stage.removeEventListener("pointercancel", stop);
    byId("split").focus({ preventScroll: true }); // so that the arrows go on from here
  };
  stage.addEventListener("pointermove", dragTo);
  stage.addEventListener("pointerup", stop);
  stage.addEventListener("pointercancel", stop);
}

function steer(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || view.zoom !== "fit") return; // in a zoomed picture the arrows pan
  event.preventDefault();
  setSplit(view.split + step * (event.shiftKey ? 10 : 1));
}

function turn(step) {
  open({ place: (view.place + step + data.gallery.length) % data.gallery.length });
}

// The two best, of which the second may be a reference.
function openingPair() {
  return data.order.slice(0, 2).map((method) => data.sources.length + method);
}

if (data.gallery.length) {
  fillSelect(byId("left"));
  fillSelect(byId("right"));
  fillThumbs();
  byId("left").addEventListener("change", (event) => open({ left: Number(event.target.value) }));
  byId("right").addEventListener("change", (event) => open({ right: Number(event.target.value) }));
  byId("swap").addEventListener("click", () => open({ left: view.right, right: view.left }));
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  byId("zoom").addEventListener("change", (event) => {
    open({ zoom: event.target.value });
    centre();
  });
  for (const id of ["difference", "gain", "tint"]) byId(id).addEventListener("change", show);
  byId("split").addEventListener("input", (event) => setSplit(Number(event.target.value)));
  byId("stage").addEventListener("pointerdown", startDrag);
  byId("stage").addEventListener("keydown", steer);
  byId("tint-label").style.display = data.gallery.some((entry) => entry.coloured !== null) ? "" : "none";
  addEventListener("hashchange", followHash);
  [view.left, view.right = view.left] = openingPair();
  setSplit(50);
  show();
  followHash();
}
