"use strict";

// What the controller has sent: a part for each key, such as "nodes/n1".
const parts = new Map();
// The samples of each egress address since the page was opened.
const series = new Map();
const mostSamples = 60;
const mostRows = 200;
const day = 24 * 60 * 60 * 1000;
const shownWhole = new Set();

const of = kind => [...parts].filter(([key]) => key.startsWith(kind + "/")).map(([, part]) => part);
const place = one => `${one.namespace}/${one.pod}`;
const byName = (one, other) => one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
const time = text => new Date(text).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function shape(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const word = (isGood, good, bad) => element("span", { class: isGood ? "good" : "bad" }, isGood ? good : bad);
const list = items => element("ul", {}, ...items.map(item => element("li", {}, item)));

// A table below the title of a section. Rows are { key, text, cells }: text is what the filter looks in, and what a row is compared by.
const tables = new Map();

function table(section, titles, rows, nothing) {
  const filter = document.getElementById("filter").value.trim().toLowerCase();
  const found = rows.filter(row => row.text.toLowerCase().includes(filter));
  let known = tables.get(section);
  if (!known) {
    const body = element("tbody");
    const head = element("thead", {}, element("tr", {}, ...titles.map(title => element("th", { scope: "col" }, title))));
    known = { whole: element("table", {}, head, body), note: element("p", { class: "note" }), body, rows: new Map() };
    tables.set(section, known);
    document.getElementById(section).append(known.whole, known.note);
  }

  const shown = shownWhole.has(section) ? found : found.slice(0, mostRows);
  const kept = new Map();
  for (const row of shown) {
    let line = known.rows.get(row.key);
    if (!line || line.text !== row.text) {
      const cells = row.cells().map((cell, index) =>
        element("td", { "data-title": titles[index] }, element("div", {}, cell)));
      line = { text: row.text, node: element("tr", {}, ...cells) };
    }
    kept.set(row.key, line);
  }

  for (const [key, line] of known.rows) {
    if (kept.get(key)?.node !== line.node) {
      line.node.remove();
    }
  }
  let place = known.body.firstChild;
  for (const line of kept.values()) {
    if (line.node === place) {
      place = place.nextSibling;
    } else {
      known.body.insertBefore(line.node, place);
    }
  }
  known.rows = kept;
  known.whole.hidden = found.length === 0;
  known.note.replaceChildren();
  if (found.length === 0) {
    known.note.append(rows.length === 0 ? nothing : "nothing matches the filter");
  } else if (found.length > shown.length) {
    const all = element("button", { type: "button" }, `Show all ${found.length.toLocaleString("en")}`);
    all.addEventListener("click", () => { shownWhole.add(section); render(); });
    known.note.append(`the first ${mostRows} are shown `, all);
  }
}

const row = (key, values, cells) => ({ key, text: JSON.stringify(values), cells });

function problems() {
  const found = [];
  const add = (what, where, why) => found.push(row([what, where, why].join(), [what, where, why], () => [what, where, why]));
  for (const one of of("egressIPs")) {
    one.unassigned.forEach(address => add(`${address.egressIP} has no node`, `EgressIP ${one.name}`, address.message));
    one.pending.forEach(item => add(`${item.egressIP} is not assigned yet`, `EgressIP ${one.name}`, `it could be on ${item.node}`));
  }
  for (const node of of("nodes")) {
    node.conflicts.forEach(other => add(`${other.egressIP} has another holder`, `node ${node.name}`, `the machine ${other.mac} has it`));
    node.taken.forEach(taken => add(`${taken.egressIP} was taken over`, `node ${node.name}`, `${taken.from} does not answer`));
    node.missing.forEach(other => add(`${other} is not heard`, `node ${node.name}`, "heartbeats do not arrive"));
    node.problems.forEach(problem => add("the agent tells", `node ${node.name}`, problem));
    if (node.assignable && !node.ready) {
      add("the node is not ready", `node ${node.name}`, "it gets no egress address");
    } else if (node.assignable && !node.reachable) {
      add("the node is not reachable", `node ${node.name}`, "it gets no egress address");
    }
  }
  for (const router of of("routers")) {
    const bad = router.conditions.find(one => one.type === "Degraded" && one.status === "True")
      ?? router.conditions.find(one => one.type === "Available" && one.status !== "True");
    if (bad) {
      add(bad.type === "Degraded" ? "the router is degraded" : "the router is not available",
        `EgressRouter ${router.namespace}/${router.name}`, bad.message);
    }
  }
  const own = new Set(of("routers").map(router => `${router.namespace}/${router.name}`));
  for (const one of of("attachments")) {
    if (!one.ready && !own.has(one.network)) {
      add("the pod of a router is not ready", `pod ${place(one)}`, `it has ${one.interface} of ${one.network}`);
    }
  }
  for (const [key, part] of parts) {
    if (key.startsWith("faults/")) {
      add("no figures of connections", `node ${key.slice(7)}`, part.fault);
    }
  }
  return found;
}

function spark(samples, title) {
  const most = Math.max(1, ...samples);
  // The newest is at the right.
  const points = samples.map((value, index) => `${mostSamples - samples.length + index},${(20 - 18 * value / most).toFixed(1)}`).join(" ");
  return shape("svg", { class: "spark", viewBox: `0 0 ${mostSamples - 1} 21`, preserveAspectRatio: "none", role: "img", "aria-label": title },
    shape("polyline", { points }));
}

function amount(bytes) {
  const units = ["B/s", "kB/s", "MB/s", "GB/s"];
  let unit = 0;
  for (; bytes >= 1000 && unit < units.length - 1; unit++) {
    bytes /= 1000;
  }
  return `${bytes.toFixed(unit === 0 || bytes >= 100 ? 0 : 1)} ${units[unit]}`;
}

function traffic(address) {
  const samples = series.get(address) ?? [];
  const last = samples.at(-1);
  if (!last) {
    return ["", "", ""];
  }
  const rates = samples.slice(1).map((sample, index) =>
    Math.max(0, 1000 * (sample.bytes - samples[index].bytes) / (sample.at - samples[index].at)));
  return [
    element("span", {}, last.connections.toLocaleString("en"),
      spark(samples.map(sample => sample.connections), `connections with ${address}`)),
    last.bytes === undefined || rates.length === 0 ? ""
      : element("span", {}, amount(rates.at(-1)), spark(rates, `bytes with ${address}`)),
    last.ports.toLocaleString("en"),
  ];
}

function addresses() {
  return of("egressIPs").flatMap(one => [
    ...one.items.map(item => ({ address: item.egressIP, node: item.node, one })),
    ...one.unassigned.map(item => ({ address: item.egressIP, node: null, one })),
  ]).sort((one, other) => one.address.localeCompare(other.address, "en", { numeric: true })).map(({ address, node, one }) => {
    const samples = series.get(address);
    return row(`${one.name} ${address}`, [address, node, one.name, samples?.length, samples?.at(-1)?.at], () => [
      element("strong", {}, address), node ?? word(false, "", "none"), one.name, ...traffic(address),
    ]);
  });
}

const nodes = () => of("nodes").sort(byName).map(node => row(node.name, node, () => [
  element("strong", {}, node.name),
  node.egressIPs.length === 0 ? "none" : list(node.egressIPs),
  word(node.ready, "yes", "no"),
  word(node.reachable, "yes", "no"),
  node.assignable ? "yes" : "no",
  list(node.networks.map(network => `${network.link} ${network.cidr}`)),
]));

function objects() {
  return of("egressIPs").sort(byName).map(one => row(one.name, one, () => {
    const pods = one.pods.map(pod => `${pod.namespace}/${pod.name} ${pod.addresses.join(" ")}`);
    if (one.podCount > pods.length) {
      pods.push(`and ${count(one.podCount - pods.length, "other")}`);
    }
    const condition = one.conditions[0];
    return [
      element("strong", {}, one.name),
      list([...one.items.map(item => `${item.egressIP} on ${item.node}`), ...one.unassigned.map(item => `${item.egressIP}: no node`)]),
      one.podCount === 0 ? "none" : element("details", {}, element("summary", {}, count(one.podCount, "pod")), list(pods)),
      condition ? word(condition.status === "True", condition.message, condition.message) : "the controller has not decided yet",
    ];
  }));
}

const routers = () => of("routers").sort(byName).map(router => row(`${router.namespace}/${router.name}`, router, () => {
  const available = router.conditions.find(one => one.type === "Available");
  return [
    element("strong", {}, `${router.namespace}/${router.name}`),
    list(router.addresses),
    router.pair ? "two" : "one",
    word(available?.status === "True", "yes", "no"),
    available?.message ?? "the controller has not decided yet",
  ];
}));

const attachments = () => of("attachments").sort((one, other) => byName({ name: place(one) }, { name: place(other) })).map(one =>
  row(`${place(one)} ${one.interface}`, one, () => [
    element("strong", {}, place(one)),
    one.node,
    `${one.interface} of ${one.network}`,
    list(one.addresses),
    word(one.ready, "yes", "no"),
  ]));

const events = () => of("events").filter(one => Date.now() - new Date(one.time) < day)
  .sort((one, other) => one.time < other.time ? 1 : -1);

const lanes = [["moves, failovers", one => one.reason === "Reassigned"], ["warnings", one => one.type === "Warning"], ["other", () => true]];

function timeline(all) {
  const [width, left, lane] = [1000, 110, 34];
  const end = Date.now();
  const at = moment => left + (width - left - 20) * (moment - (end - day)) / day;
  const since = new Date(parts.get("about")?.since ?? end) - 60 * 60 * 1000;
  const picture = shape("svg", {
    viewBox: `0 0 ${width} ${lanes.length * lane + 24}`, role: "img",
    "aria-label": `${count(all.length, "event")} of the last day; the table below has them`,
  });
  if (since > end - day) {
    const unknown = shape("rect", { x: at(end - day), y: 0, width: Math.max(0, at(since) - at(end - day)), height: lanes.length * lane });
    unknown.append(shape("title", {}, "before the controller started and the API server's events begin"));
    picture.append(unknown);
  }
  for (let hour = Math.ceil((end - day) / (3 * 3600e3)); hour * 3 * 3600e3 <= end; hour++) {
    const x = at(hour * 3 * 3600e3);
    picture.append(shape("line", { x1: x, x2: x, y1: 0, y2: lanes.length * lane }));
    picture.append(shape("text", { x, y: lanes.length * lane + 16, "text-anchor": "middle" }, time(hour * 3 * 3600e3).slice(0, 5)));
  }
  lanes.forEach(([name], index) => picture.append(shape("text", { x: 8, y: index * lane + 21 }, name)));
  for (const one of all) {
    const index = lanes.findIndex(([, holds]) => holds(one));
    picture.append(shape("circle", { class: one.type, cx: at(new Date(one.time)), cy: index * lane + 17, r: 5 },
      shape("title", {}, `${time(one.time)} ${one.message}`)));
  }
  document.getElementById("timeline").replaceChildren(picture);
}

function summary(found) {
  const [all, hosts, pods] = [of("egressIPs"), of("nodes"), of("routers")];
  const held = all.reduce((sum, one) => sum + one.items.length, 0);
  const unassigned = all.reduce((sum, one) => sum + one.unassigned.length, 0);
  const holders = hosts.filter(node => node.assignable);
  const ready = holders.filter(node => node.ready && node.reachable).length;
  const available = pods.filter(one => one.conditions.some(known => known.type === "Available" && known.status === "True")).length;
  const tiles = [
    ["addresses held", held, false], ["without a node", unassigned, unassigned > 0], ["EgressIPs", all.length, false],
    ["egress nodes ready", `${ready} of ${holders.length}`, ready < holders.length],
    ["routers available", `${available} of ${pods.length}`, available < pods.length], ["problems", found, found > 0],
  ];
  document.getElementById("summary").replaceChildren(...tiles.map(([name, value, isBad]) =>
    element("div", isBad ? { class: "bad" } : {}, element("dt", {}, name), element("dd", {}, value.toLocaleString("en")))));
}

function render() {
  const found = problems();
  const told = events();
  summary(found.length);
  table("problems", ["What", "Where", "Why"], found, "none");
  timeline(told);
  table("day", ["Time", "Object", "What"], told.map(one => row([one.time, one.name, one.message].join(), one, () => [
    new Date(one.time).toLocaleString("en-GB"), `${one.kind} ${one.namespace ? one.namespace + "/" : ""}${one.name}`, one.message,
  ])), "no event is known");
  table("addresses", ["Address", "Node", "EgressIP", "Connections", "Bytes", "Ports to one server"], addresses(), "no address is held");
  table("nodes", ["Node", "Holds", "Ready", "Reachable", "Assignable", "Networks"], nodes(), "no node is known");
  table("objects", ["EgressIP", "Addresses", "Selects", "State"], objects(), "there is no EgressIP");
  table("routers", ["Router", "Addresses", "Pods", "Available", "State"], routers(), "there is no EgressRouter");
  table("attachments", ["Pod", "Node", "Interface", "Addresses", "Ready"], attachments(),
    parts.get("about")?.attachmentsKnown ? "no pod has an interface of the plugin" : "the pods are not read yet");
}

let isDue = false;
// Milliseconds after the page was asked for.
let firstPicture;

function renderSoon() {
  if (!isDue) {
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      render();
      firstPicture ??= performance.now();
    });
  }
}

function sample(use) {
  const samples = series.get(use.egressIP) ?? [];
  const bytes = use.sentBytes === undefined ? undefined : use.sentBytes + use.receivedBytes;
  samples.push({ at: use.at, connections: use.connections, ports: use.ports, bytes });
  series.set(use.egressIP, samples.slice(-mostSamples));
}

function receive(message) {
  const change = JSON.parse(message.data);
  if (change.reset) {
    parts.clear();
  }
  for (const [key, part] of Object.entries(change.set)) {
    parts.set(key, part);
    if (key.startsWith("traffic/")) {
      sample(part);
    }
  }
  for (const key of change.gone) {
    parts.delete(key);
    if (key.startsWith("traffic/")) {
      series.delete(key.slice(8));
    }
  }
  const about = parts.get("about");
  live(about?.ready ? `live, egress-operator ${about.version}, ${time(Date.now())}` : "the objects of the cluster are not read yet", false);
  renderSoon();
}

function live(text, isLost) {
  const line = document.getElementById("live");
  line.textContent = text;
  line.className = isLost ? "lost" : "";
}

document.getElementById("filter").addEventListener("input", renderSoon);
const changes = new EventSource("changes");
changes.onmessage = receive;
changes.onerror = () => live("the controller does not answer; this is the last that it sent", true);
