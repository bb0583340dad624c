// Mermaid's own parser on files: a line of JSON for each, with the labels as a reader sees them, and its edges.
// Arguments: where its packages are, then files.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [packages, ...files] = process.argv.slice(2);
const require = createRequire(`${packages}/package.json`);
const { JSDOM } = require("jsdom");
const { window } = new JSDOM("");
Object.assign(globalThis, { window, document: window.document, Element: window.Element });
const { default: mermaid } = await import(pathToFileURL(`${packages}/node_modules/mermaid/dist/mermaid.core.mjs`));
mermaid.initialize({ securityLevel: "strict" });

// What Mermaid makes of `#34;` before it parses, and what of that before it draws.
const decoded = (text) => {
  const entities = text.replaceAll("ﬂ°°", "&#").replaceAll("ﬂ°", "&").replaceAll("¶ß", ";");
  const area = window.document.createElement("textarea");
  area.innerHTML = entities.replace(/<br ?\/?>/g, "\n");
  return area.value;
};

for (const file of files) {
  const { db, type } = await mermaid.mermaidAPI.getDiagramFromText(readFileSync(file, "utf8"));
  const nodes = [...db.getVertices().values()].map(({ id, text, link, classes }) => ({ id, text: decoded(text), link, classes }));
  const edges = db.getEdges().map(({ start, end }) => [start, end]);
  console.log(JSON.stringify({ type, nodes, edges }));
}
