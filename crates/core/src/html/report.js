"use strict";

// Makes the tables of a page searchable and tells more of a row. Names only ever become text, never markup.
(() => {
  // Rows that are added at once.
  const STEP = 200;
  // Names of a list that are shown before it is asked for all of them.
  const SHORT = 40;

  const element = document.getElementById("data");
  const data = JSON.parse(element.textContent);
  const names = (data.names ?? []).flatMap(([set, leaves]) => leaves.map((leaf) => set + leaf));
  const tables = new Map();

  // The numbers that `packed` in part.rs wrote.
  function unpack(text) {
    const numbers = [];
    let number = 0;
    let scale = 1;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const digit = code - 35 - (code > 60 ? 1 : 0) - (code > 92 ? 1 : 0);
      number += (digit % 45) * scale;
      scale *= 45;
      if (digit < 45) {
        numbers.push(number);
        number = 0;
        scale = 1;
      }
    }
    return numbers;
  }

  // Those that `stepped` wrote.
  function unstep(text) {
    let last = 0;
    return unpack(text).map((step) => {
      last += step % 2 === 0 ? step / 2 : -(step + 1) / 2;
      return last;
    });
  }

  function separated(number) {
    return number.toLocaleString("en-US");
  }

  function counted(number, [one, many]) {
    return `${separated(number)} ${number === 1 ? one : many}`;
  }

  // As text.rs says it.
  function duration(seconds) {
    const minutes = Math.floor((seconds + 30) / 60);
    if (seconds < 60) return `${seconds} s`;
    if (minutes < 60) return `${minutes} m`;
    if (minutes < 6000) return `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
    return `${separated(Math.floor((seconds + 1800) / 3600))} h`;
  }

  function make(tag, properties, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in made) made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  // Rows one behind the other, and where each begins.
  function rowsOf(lengths, cells) {
    const first = new Int32Array(lengths.length + 1);
    for (let at = 0; at < lengths.length; at++) first[at + 1] = first[at] + lengths[at];
    return { first, cells };
  }

  // What needs what, read when it is first asked.
  const graph = (() => {
    let read = null;
    return () => {
      if (read) return read;
      const labels = unstep(data.graph.labels);
      read = { labels, size: labels.length, isInverse: data.graph.isInverse };
      if (data.graph.parents) read.parents = unpack(data.graph.parents);
      if (data.graph.edges) Object.assign(read, edges(unpack(data.graph.edges), labels.length));
      if (data.graph.packages !== undefined) read.packages = unstep(data.graph.packages);
      for (const key of ["roots", "rows", "starts"]) {
        if (data.graph[key] !== undefined) read[key] = unpack(data.graph[key]);
      }
      return read;
    };
  })();

  function edges(numbers, size) {
    const lengths = new Int32Array(size);
    const users = new Int32Array(size);
    const targets = [];
    let at = 0;
    for (let node = 0; node < size; node++) {
      lengths[node] = numbers[at++];
      let input = 0;
      for (let n = 0; n < lengths[node]; n++) {
        input += numbers[at++];
        targets.push(input);
        users[input]++;
      }
    }
    const inputs = rowsOf(lengths, targets);
    const outward = rowsOf(users, new Int32Array(targets.length));
    const next = outward.first.slice();
    for (let node = 0; node < size; node++) {
      for (let n = inputs.first[node]; n < inputs.first[node + 1]; n++) outward.cells[next[targets[n]]++] = node;
    }
    return { inputs, users: outward };
  }

  function* cellsOf(rows, row) {
    for (let n = rows.first[row]; n < rows.first[row + 1]; n++) yield rows.cells[n];
  }

  // Breadth first: one more than the node before each on a shortest way from the starts; what is reached, in that order.
  function reach(rows, size, starts) {
    const parents = new Int32Array(size);
    const seen = new Uint8Array(size);
    const order = [...new Set(starts)];
    for (const start of order) seen[start] = 1;
    for (let at = 0; at < order.length; at++) {
      for (const near of cellsOf(rows, order[at])) {
        if (seen[near]) continue;
        seen[near] = 1;
        parents[near] = order[at] + 1;
        order.push(near);
      }
    }
    return { parents, order, seen };
  }

  function wayTo(node, parents) {
    const way = [];
    for (let at = node + 1; at > 0; at = parents[at - 1]) way.push(names[graph().labels[at - 1]]);
    return way.reverse();
  }

  function wayList(way) {
    const list = make("ol", { className: "way" });
    for (const name of way) list.append(make("li", {}, name));
    return list;
  }

  // Names to pick from, the first of them at first.
  function picks(heading, items, pick) {
    const list = make("ul", { className: "picks" });
    const add = (from, to) => {
      for (const item of items.slice(from, to)) {
        const button = make("button", { type: "button" }, item.name);
        button.addEventListener("click", () => pick(item));
        list.append(make("li", {}, button));
      }
    };
    add(0, SHORT);
    const part = make("div", {}, make("h4", {}, `${heading}: ${separated(items.length)}`), list);
    if (items.length > SHORT) {
      let shown = SHORT;
      const more = make("button", { type: "button", className: "more" }, "Show more");
      more.addEventListener("click", () => {
        const first = shown;
        add(shown, shown + STEP);
        shown = Math.min(shown + STEP, items.length);
        if (shown === items.length) more.remove();
        list.children[first].firstChild.focus();
      });
      part.append(more);
    }
    return part;
  }

  const details = {
    // Of an attribute: the way from a root; to one, if that was asked.
    way(row, into) {
      const { rows, parents, isInverse } = graph();
      const node = rows[row] - 1;
      if (node < 0) return into.append(make("p", {}, "No way is known."));
      const way = wayTo(node, parents);
      if (way.length === 1) return into.append(make("p", {}, isInverse ? "It is a root." : "It is changed itself."));
      if (isInverse) way.reverse();
      into.append(make("h4", {}, `A shortest way, ${counted(way.length - 1, ["step", "steps"])}`), wayList(way));
    },

    // Of a package: why it is there, what it waits for, and what waits for it.
    package(row, into, show) {
      const all = graph();
      all.fromRoots ??= reach(all.users, all.size, all.roots);
      all.members ??= membersOf(all);
      const own = [...cellsOf(all.members, row)];
      const isReached = own.filter((node) => all.fromRoots.seen[node]);
      const ways = isReached.map((node) => wayTo(node, all.fromRoots.parents)).sort((a, b) => a.length - b.length);
      const packages = (rows) => {
        const found = new Set();
        for (const node of own) for (const near of cellsOf(rows, node)) found.add(all.packages[near]);
        found.delete(row);
        return [...found].sort((a, b) => a - b).map((other) => ({ row: other, name: tables.get("packages").nameOf(other) }));
      };
      if (ways.length === 0) into.append(make("p", {}, "No way from the root is left within the system or distance of this plan."));
      else if (ways[0].length === 1) into.append(make("p", {}, "It is a root."));
      else into.append(make("h4", {}, `Why: a shortest way from the root, ${counted(ways[0].length - 1, ["step", "steps"])}`), wayList(ways[0]));
      into.append(picks("Waits for", packages(all.inputs), (item) => show(item.row)));
      into.append(picks("Waits for it", packages(all.users), (item) => show(item.row)));
    },

    // Of an update: what it rebuilds, and the updates that come before it and after it.
    update(row, into, show) {
      const all = graph();
      all.startsOf ??= startsOf(all.starts);
      const starts = all.startsOf[row];
      const forward = reach(all.users, all.size, starts);
      const backward = reach(all.inputs, all.size, starts);
      const others = (seen) =>
        all.startsOf
          .map((nodes, other) => ({ row: other, name: tables.get("updates").nameOf(other), nodes }))
          .filter((other) => other.row !== row && other.nodes.some((node) => seen[node]));
      const way = make("div", { "aria-live": "polite" });
      const rebuilt = forward.order.map((node) => ({ node, name: names[all.labels[node]] }));
      into.append(
        picks("Updates that rebuild it, and come before", others(backward.seen), (item) => show(item.row)),
        picks("Updates that it rebuilds, and that come after", others(forward.seen), (item) => show(item.row)),
        picks("Derivations that it rebuilds by itself", rebuilt, (item) => {
          way.replaceChildren(make("h4", {}, `A shortest way to ${item.name}`), wayList(wayTo(item.node, forward.parents)));
          way.scrollIntoView({ block: "nearest" });
        }),
        way,
      );
    },
  };

  function membersOf({ packages }) {
    const count = packages.reduce((most, row) => Math.max(most, row), -1) + 1;
    const lengths = new Int32Array(count);
    for (const row of packages) lengths[row]++;
    const members = rowsOf(lengths, new Int32Array(packages.length));
    const next = members.first.slice();
    packages.forEach((row, node) => {
      members.cells[next[row]++] = node;
    });
    return members;
  }

  function startsOf(numbers) {
    const starts = [];
    for (let at = 0; at < numbers.length; at += numbers[at] + 1) starts.push(numbers.slice(at + 1, at + 1 + numbers[at]));
    return starts;
  }

  // A column: the text of a cell, and what rows are sorted by.
  function columnOf(told) {
    const cells = (told.kind === "name" ? unstep : unpack)(told.cells);
    const words = told.words ?? [];
    const order = new Intl.Collator("en", { numeric: true });
    const ranked = words.map((_, at) => at).sort((a, b) => order.compare(words[a], words[b]));
    const rank = [];
    ranked.forEach((word, at) => {
      rank[word] = at;
    });
    const column = { ...told, words, ranked };
    if (told.kind === "list") {
      const rows = rowsOf(unpack(told.lengths), cells);
      column.wordsOf = (row) => [...cellsOf(rows, row)];
      column.text = (row) =>
        column
          .wordsOf(row)
          .map((word) => words[word])
          .join(", ");
      column.key = column.text;
    } else if (told.kind === "word") {
      column.wordsOf = (row) => [cells[row]];
      column.text = (row) => words[cells[row]];
      column.key = (row) => rank[cells[row]];
    } else if (told.kind === "name") {
      column.text = (row) => names[cells[row]];
      column.key = column.text;
    } else {
      column.isNumber = true;
      column.text = (row) => (told.kind === "seconds" ? duration(cells[row]) : separated(cells[row]));
      column.key = (row) => cells[row];
    }
    return column;
  }

  function setUp(told) {
    const section = document.getElementById(told.id);
    const body = section.querySelector("tbody");
    const controls = section.querySelector(".controls");
    const count = section.querySelector(".count");
    const more = section.querySelector("button.more");
    const columns = told.columns.map(columnOf);
    const nameColumn = columns.find((column) => column.kind === "name");
    const filters = new Map();
    let index = null;
    let query = "";
    let sorted = null;
    let rows = [];
    let shown = 0;

    // What a search looks in: not what there is a filter for.
    function indexed() {
      const searched = columns.filter((column) => !column.isNumber && (!column.filter || column.kind === "list"));
      index ??= Array.from({ length: told.rows }, (_, row) => searched.map((column) => column.text(row).toLowerCase()).join("\n"));
      return index;
    }

    function refresh() {
      rows = [];
      const tests = [...filters.values()];
      const texts = query ? indexed() : null;
      for (let row = 0; row < told.rows; row++) {
        if (texts && !texts[row].includes(query)) continue;
        if (tests.every((test) => test(row))) rows.push(row);
      }
      if (sorted) {
        const { column, down } = sorted;
        const keys = new Map(rows.map((row) => [row, column.key(row)]));
        const sign = down ? -1 : 1;
        rows.sort((a, b) => {
          const [x, y] = [keys.get(a), keys.get(b)];
          return x < y ? -sign : x > y ? sign : a - b;
        });
      }
      body.replaceChildren();
      shown = 0;
      show();
    }

    function show() {
      const added = rows.slice(shown, shown + STEP).map(lineOf);
      body.append(...added);
      shown = Math.min(shown + STEP, rows.length);
      more.hidden = shown === rows.length;
      const all = rows.length === told.rows ? counted(told.rows, told.noun) : `${separated(rows.length)} of ${counted(told.rows, told.noun)}`;
      count.textContent = shown < rows.length ? `${all}; ${separated(shown)} are shown` : all;
      return added;
    }

    function lineOf(row) {
      const line = make("tr", {});
      for (const column of columns) {
        const cell = make("td", { className: column.isNumber ? "number" : column.kind });
        if (column === nameColumn && told.detail) {
          const button = make("button", { type: "button", className: "name", "aria-expanded": "false" }, column.text(row));
          button.addEventListener("click", () => toggle(line, button, row));
          cell.append(button);
        } else {
          cell.textContent = column.text(row);
        }
        line.append(cell);
      }
      return line;
    }

    function toggle(line, button, row) {
      const isOpen = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!isOpen));
      if (isOpen) return line.nextSibling.remove();
      const inside = make("div", { className: "detail" });
      line.after(make("tr", { className: "more-of" }, make("td", { colSpan: columns.length }, inside)));
      const tell = (other) => {
        inside.replaceChildren(make("h3", { tabIndex: -1 }, nameColumn.text(other)));
        details[told.detail](other, inside, (next) => {
          tell(next);
          inside.firstChild.focus();
        });
      };
      tell(row);
    }

    function keep(column, value) {
      if (value === "") {
        filters.delete(column.title);
      } else if (value === "\0") {
        filters.set(column.title, (row) => column.wordsOf(row).length === 0);
      } else {
        const exact = column.words.indexOf(value);
        const typed = value.toLowerCase();
        const fitting = new Set();
        column.words.forEach((word, at) => {
          if (exact < 0 ? word.toLowerCase().includes(typed) : at === exact) fitting.add(at);
        });
        filters.set(column.title, (row) => column.wordsOf(row).some((word) => fitting.has(word)));
      }
      refresh();
    }

    function filterOf(column) {
      const id = `${told.id}-${column.title.replaceAll(" ", "-")}`;
      let field;
      const isSelect = column.offered;
      if (isSelect) {
        field = make("select", { id }, make("option", { value: "" }, "all"));
        if (column.kind === "list") field.append(make("option", { value: "\0" }, "none of these"));
        for (const word of column.ranked) field.append(make("option", { value: column.words[word] }, column.words[word] || "(empty)"));
      } else {
        field = make("input", { id, type: "search", autocomplete: "off", spellcheck: false });
      }
      field.addEventListener(isSelect ? "change" : "input", () => keep(column, field.value));
      column.field = field;
      return make("label", {}, `${column.title} `, field);
    }

    const search = make("input", { type: "search", id: `${told.id}-search`, autocomplete: "off", spellcheck: false });
    search.addEventListener("input", () => {
      query = search.value.trim().toLowerCase();
      refresh();
    });
    controls.append(make("label", {}, "search ", search));
    for (const column of columns.filter((column) => column.filter && column.words.length > 1)) controls.append(filterOf(column));
    controls.hidden = false;

    const heads = [...section.querySelectorAll("thead th")];
    columns.forEach((column, at) => {
      const button = make("button", { type: "button" }, column.title);
      button.addEventListener("click", () => {
        const down = sorted?.column === column ? !sorted.down : Boolean(column.isNumber);
        sorted = { column, down };
        for (const head of heads) head.removeAttribute("aria-sort");
        heads[at].setAttribute("aria-sort", down ? "descending" : "ascending");
        refresh();
      });
      heads[at].replaceChildren(button);
    });

    more.addEventListener("click", () => {
      const [first] = show();
      (first?.querySelector("button") ?? more).focus();
    });
    body.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        const line = event.target.closest("tr");
        const button = (line.className === "more-of" ? line.previousSibling : line).querySelector("button.name");
        if (button?.getAttribute("aria-expanded") === "true") {
          button.click();
          button.focus();
        }
      } else if (event.target.className === "name") {
        step(event, [...body.querySelectorAll("button.name")]);
      }
    });
    tables.set(told.id, {
      nameOf: (row) => nameColumn.text(row),
      pick(title, value) {
        const column = columns.find((column) => column.title === title);
        if (column.field) column.field.value = value;
        keep(column, value);
        const heading = document.getElementById(`${told.id}-heading`);
        heading.scrollIntoView();
        heading.focus({ preventScroll: true });
      },
    });
    refresh();
  }

  // Arrow keys go from one button to the next.
  function step(event, buttons) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    const at = buttons.indexOf(event.target) + steps[event.key];
    if (Number.isNaN(at) || !buttons[at]) return;
    buttons[at].focus();
    event.preventDefault();
  }

  for (const told of data.tables ?? []) setUp(told);

  // Waves are picked by their names.
  const waves = [...document.querySelectorAll("[data-pick]")].map((name) => {
    const button = make("button", { type: "button", className: "name", title: "Show what is in it" }, name.textContent);
    button.addEventListener("click", () => tables.get(name.dataset.pick).pick(name.dataset.column, name.dataset.value));
    name.replaceWith(button);
    return button;
  });
  for (const button of waves) button.addEventListener("keydown", (event) => step(event, waves));
})();
