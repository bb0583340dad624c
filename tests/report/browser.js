"use strict";

// Uses the pages as people do, in a real browser. Arguments: the directory of playwright-core and axe-core, that of the pages.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const [modules, directory] = process.argv.slice(2);
const { chromium } = require(path.join(modules, "playwright-core"));
const axe = fs.readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");
const KINDS = ["plan", "upgrade", "impact", "estimate", "inverse", "part", "diff", "status", "hostile", "alone"];
const OPTIONS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const report = (kind) => JSON.parse(fs.readFileSync(path.join(directory, `${kind}.json`), "utf8"));

// A page of which any word to the console and any request but its own is an error.
async function open(browser, kind, settings = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...settings });
  const page = await context.newPage();
  const url = pathToFileURL(path.join(directory, `${kind}.html`)).href;
  page.errors = [];
  page.on("console", (message) => page.errors.push(message.text()));
  page.on("pageerror", (error) => page.errors.push(error.message));
  page.on("dialog", (dialog) => {
    page.errors.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.route("**/*", (route) => {
    if (route.request().url() === url) return route.continue();
    page.errors.push(`request: ${route.request().url()}`);
    return route.abort();
  });
  await page.goto(url);
  return page;
}

async function close(page) {
  assert.deepEqual(page.errors, []);
  await page.context().close();
}

const cells = (page, table, column) => page.locator(`#${table} tbody tr:not(.more-of) td:nth-child(${column})`).allTextContents();
const numbers = (texts) => texts.map((text) => Number(text.replaceAll(",", "")));
const active = (page) => page.evaluate(() => document.activeElement.textContent);

async function isAccessible(browser, kind, colorScheme) {
  const page = await open(browser, kind, { colorScheme });
  // What is folded up counts too, and what a click tells.
  await page.evaluate(() => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    document.querySelector("table button.name[aria-expanded]")?.click();
  });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
  assert.deepEqual(told, [], `${kind}, ${colorScheme}`);
  await close(page);
}

async function fitsAPhone(browser, kind) {
  const page = await open(browser, kind, { viewport: { width: 400, height: 800 } });
  await page.evaluate(() => document.querySelector("table button.name[aria-expanded]")?.click());
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 400, `${kind}: ${width} px on a phone`);
  await close(page);
}

async function worksWithoutScript(browser, kind) {
  const page = await open(browser, kind, { javaScriptEnabled: false });
  assert.ok((await page.locator(".headline dd").count()) >= 4, kind);
  assert.ok((await page.locator("tbody tr").count()) > 0, kind);
  await close(page);
}

async function plan(browser) {
  const page = await open(browser, "plan");
  const { waves, packages, roots } = report("plan");
  const all = await cells(page, "packages", 1);
  assert.equal(all.length, packages);

  await page.fill("#packages-search", "PYTHON");
  const found = await cells(page, "packages", 1);
  assert.deepEqual(
    found,
    all.filter((name) => name.toLowerCase().includes("python")),
  );
  assert.equal(await page.locator("#packages .count").textContent(), `${found.length} of ${packages} packages`);
  await page.fill("#packages-search", "no such package");
  assert.equal((await cells(page, "packages", 1)).length, 0);
  await page.fill("#packages-search", "");

  const rebuilds = page.locator("#packages thead button", { hasText: "rebuilds derivations" });
  await rebuilds.click();
  const down = numbers(await cells(page, "packages", 5));
  assert.deepEqual(
    down,
    [...down].sort((a, b) => b - a),
  );
  await rebuilds.click();
  assert.deepEqual(numbers(await cells(page, "packages", 5)), [...down].reverse());

  for (const [at, wave] of waves.entries()) {
    await page.locator("#waves tbody th button").nth(at).click();
    const shown = await cells(page, "packages", 2);
    assert.equal(shown.length, wave.packages, wave.name);
    assert.ok(shown.every((number) => Number(number) === at + 1));
    assert.equal(await active(page), "Packages");
  }

  // From a wave to a package to the way to it.
  const [name] = await cells(page, "packages", 1);
  await page.locator("#packages tbody button.name").first().click();
  const detail = page.locator("#packages .detail");
  assert.equal(await detail.locator("h3").textContent(), name);
  const way = await detail.locator("ol.way li").allTextContents();
  assert.equal(way.at(-1), name);
  assert.ok(way.length > 1);
  const rootNames = roots.flatMap((root) => [root.label, ...root.variants.map((variant) => variant.split(" (")[0])]);
  assert.ok(rootNames.includes(way[0]), way[0]);
  // What it waits for says in turn that this waits for it.
  const first = detail.locator(".picks").first().locator("button").first();
  const input = await first.textContent();
  await first.click();
  assert.equal(await detail.locator("h3").textContent(), input);
  for (const more of await detail.locator("button.more").all()) await more.click();
  assert.ok((await detail.locator(".picks").nth(1).locator("button").allTextContents()).includes(name));
  await close(page);
}

async function byKeyboard(browser) {
  const page = await open(browser, "plan");
  await page.keyboard.press("Tab");
  assert.equal(await active(page), "To the report");
  const waves = await page.locator("#waves tbody th button").allTextContents();
  for (let tabs = 0; (await active(page)) !== waves[0]; tabs++) {
    assert.ok(tabs < 10, "the waves cannot be reached");
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("ArrowDown");
  assert.equal(await active(page), waves[1]);
  await page.keyboard.press("Enter");
  assert.equal(await active(page), "Packages");
  const names = await cells(page, "packages", 1);
  for (let tabs = 0; (await active(page)) !== names[0]; tabs++) {
    assert.ok(tabs < 20, "the packages cannot be reached");
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("ArrowDown");
  assert.equal(await active(page), names[1]);
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#packages .detail h3").textContent(), names[1]);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#packages .detail").count(), 0);
  assert.equal(await active(page), names[1]);
  await close(page);
}

async function impact(browser) {
  const page = await open(browser, "impact");
  const { attributes, roots } = report("impact");
  const rows = await cells(page, "attributes", 1);
  assert.deepEqual(
    [...rows].sort(),
    attributes.map((row) => row.attribute).sort(),
  );
  // Every row has a way, which begins at the root and ends at the row's derivation.
  for (const button of await page.locator("#attributes tbody button.name").all()) {
    await button.click();
    const way = await page.locator("#attributes .detail li").allTextContents();
    // The root is several derivations: of other systems, and of the bootstrap.
    if (way.length > 0) assert.match(way[0], new RegExp(`(^|[.])${roots[0].label}(-[0-9.]+)?$`));
    await button.click();
  }
  await page.locator("#attributes-maintainers").selectOption({ index: 2 });
  const [someone] = await cells(page, "attributes", 5);
  const chosen = await page.locator("#attributes-maintainers").inputValue();
  assert.ok(someone.split(", ").includes(chosen));
  await page.locator("#attributes-maintainers").selectOption("");
  assert.equal((await cells(page, "attributes", 1)).length, rows.length);
  await close(page);
}

// What rebuilds a root: the way begins at it, and ends at the root.
async function inverse(browser) {
  const page = await open(browser, "inverse");
  const [root] = report("inverse").roots;
  let longest = 0;
  for (const button of await page.locator("#attributes tbody button.name").all()) {
    await button.click();
    const way = await page.locator("#attributes .detail li").allTextContents();
    longest = Math.max(longest, way.length);
    if (way.length > 0) assert.match(way.at(-1), new RegExp(`(^|[.])${root.label}(-[0-9.]+)?$`));
    await button.click();
  }
  assert.ok(longest > 2, longest);
  await close(page);
}

async function upgrade(browser) {
  const page = await open(browser, "upgrade");
  const { waves, updates } = report("upgrade");
  for (const [at, wave] of waves.entries()) {
    await page.locator("#waves tbody th button").nth(at).click();
    assert.deepEqual((await cells(page, "updates", 1)).sort(), [...wave.updates].sort());
  }
  await page.locator("#updates-wave").selectOption("");
  for (const update of updates) {
    const button = page.locator("#updates tbody button.name", { hasText: new RegExp(`^${update.package}$`) });
    await button.click();
    const headings = await page.locator("#updates .detail h4").allTextContents();
    const rebuilt = Number(headings.find((heading) => heading.startsWith("Derivations")).split(": ")[1].replaceAll(",", ""));
    assert.equal(rebuilt, update.rebuilds.derivations, update.package);
    await button.click();
  }
  await close(page);
}

async function hostile(browser) {
  const page = await open(browser, "hostile");
  const text = await page.evaluate(() => document.body.textContent);
  assert.ok(text.includes("<script>alert(1)</script>"));
  assert.ok(text.includes('"><img src=x onerror=alert(2)>'));
  assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(text));
  for (const button of await page.locator("#attributes tbody button.name").all()) await button.click();
  assert.equal(await page.locator("img").count(), 0);
  assert.equal(await page.locator("script").count(), 2);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  // Nothing that is put into the page later runs, either.
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.hacked = true";
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  page.errors = page.errors.filter((error) => !error.includes("Content Security Policy"));
  await close(page);
}

async function main() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: OPTIONS });
  try {
    for (const kind of KINDS) {
      for (const scheme of ["light", "dark"]) await isAccessible(browser, kind, scheme);
      await fitsAPhone(browser, kind);
      await worksWithoutScript(browser, kind);
    }
    for (const used of [plan, byKeyboard, impact, inverse, upgrade, hostile]) await used(browser);
    console.log(`${KINDS.length} pages in ${browser.version()}`);
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
