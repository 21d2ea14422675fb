/**
 * Renders docs/ into `dist/app/docs`. The output has the HTML and the Markdown of each page, the index of the search,
 * `llms.txt` and the images. The folder `assets/` has the style sheet and the scripts, whose names contain their
 * hashes. The order of the pages and one line about each come from docs/index.md. build.mjs calls this module when the
 * documents are stale.
 */
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { BROWSERS, hashedName } from "./build-pages.mjs";
import { compressed } from "./compress.mjs";
import { bundledFolders } from "./third-party.mjs";

const ENTRY = /^- \[([^\]]+)\]\((?:([\w-]+)\.md)\): (.*(?:\n {2}.*)*)/gm;

/**
 * Parses docs/index.md.
 * @param {string} text
 * @returns {{ title: string, entries: { title: string, name: string, about: string }[] }[]} the groups in their order
 */
export function readContents(text) {
  return text
    .split(/^## /m)
    .slice(1)
    .map((part) => ({
      title: part.slice(0, part.indexOf("\n")),
      entries: [...part.matchAll(ENTRY)].map(([, title, name, about]) => ({
        title,
        name,
        about: about.replaceAll(/\s+/g, " "),
      })),
    }))
    .filter(({ entries }) => entries.length > 0);
}

/**
 * Returns the text of `llms.txt` (https://llmstxt.org), which says what Koor is and lists each page with one line about
 * it.
 * @param {string} index the text of docs/index.md
 */
function llmsText(index) {
  const [, about = ""] = /^# .*\n\n([^]*?)\n\n/.exec(index) ?? [];
  const groups = readContents(index).map(({ title, entries }) =>
    [`## ${title}`, "", ...entries.map((one) => `- [${one.title}](/docs/${one.name}.md): ${one.about}`)].join("\n"),
  );
  return `${["# Koor", `> ${about.replaceAll(/\s+/g, " ")}`, ...groups].join("\n\n")}\n`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** Returns the list of all pages, with the headings of the current page below its entry. */
function contentsList(groups, current, headings) {
  const within = headings
    .filter(({ depth }) => depth === 2)
    .map(({ id, html }) => `<li><a href="#${id}">${html}</a></li>`)
    .join("");
  const item = ({ title, name }) =>
    name === current
      ? `<li><a href="/docs/${name}" aria-current="page">${escaped(title)}</a>${within && `<ul>${within}</ul>`}</li>`
      : `<li><a href="/docs/${name}">${escaped(title)}</a></li>`;
  return groups
    .map(({ title, entries }) => `<h2>${escaped(title)}</h2><ul>${entries.map(item).join("")}</ul>`)
    .join("\n");
}

function neighbourLinks(entries, current) {
  const at = entries.findIndex(({ name }) => name === current);
  const link = (entry, kind) =>
    entry === undefined ? "" : `<a href="/docs/${entry.name}" rel="${kind}">${escaped(entry.title)}</a> `;
  return link(at < 0 ? undefined : entries[at - 1], "prev") + link(entries[at + 1], "next");
}

async function buildAssets(root, esbuild) {
  const shared = { absWorkingDir: root, write: false, bundle: true, minify: true, metafile: true, target: BROWSERS };
  const options = { ...shared, outdir: join(root, "out"), logLevel: "silent", legalComments: "none" };
  const [page, theme, style] = await Promise.all([
    esbuild.build({
      ...options,
      entryPoints: ["dashboard/docs/page.ts"],
      format: "esm",
      splitting: true,
      platform: "browser",
      mainFields: ["module", "main"],
      entryNames: "[name]-[hash]",
      chunkNames: "[name]-[hash]",
    }),
    esbuild.build({ ...options, entryPoints: ["dashboard/docs/theme.ts"], format: "iife" }),
    esbuild.build({ ...options, entryPoints: ["dashboard/docs/style.css"] }),
  ]);
  const entry = Object.keys(page.metafile.outputs).find(
    (path) => page.metafile.outputs[path].entryPoint === "dashboard/docs/page.ts",
  );
  const files = new Map(page.outputFiles.map(({ path, contents }) => [`assets/${basename(path)}`, contents]));
  const add = (name, content) => {
    const path = `assets/${hashedName(name, content)}`;
    files.set(path, content);
    return `/docs/${path}`;
  };
  return {
    files,
    add,
    addresses: {
      script: `/docs/assets/${basename(entry)}`,
      theme: add("theme.js", theme.outputFiles[0].contents),
      style: add("style.css", style.outputFiles[0].contents),
      icon: add("icon.svg", readFileSync(join(root, "dashboard/icon.svg"))),
    },
    packages: bundledFolders(page.metafile),
  };
}

/** Returns the options of the search index. They are in a TypeScript file, because the page uses them, too. */
async function indexOptions(root, esbuild) {
  const text = readFileSync(join(root, "dashboard/docs/search-options.ts"), "utf8");
  const { code } = await esbuild.transform(text, { loader: "ts", format: "esm" });
  const { INDEX_OPTIONS } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return INDEX_OPTIONS;
}

async function searchIndex(sections, options) {
  const { default: MiniSearch } = await import("minisearch");
  const index = new MiniSearch(options);
  index.addAll(sections);
  return Buffer.from(JSON.stringify(index));
}

/**
 * Renders and compresses.
 * @param {{ root: string, esbuild: import("esbuild") }} options `root` the checkout
 * @returns {Promise<{ files: Map<string, Uint8Array>, packages: Set<string> }>} contents by path below `dist/app/docs`,
 *   and the folders of the packages in them
 */
export async function buildDocs({ root, esbuild }) {
  // This module is imported here, because it imports a package that is not installed yet when the build is loaded.
  const { pageTitle, renderPage } = await import("./render-markdown.mjs");
  const folder = join(root, "docs");
  const read = (name) => readFileSync(join(folder, name), "utf8");
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => name.slice(0, -".md".length));
  const index = read("index.md");
  const groups = readContents(index);
  const entries = groups.flatMap((group) => group.entries);
  const [{ files, add, addresses, packages }, options] = await Promise.all([
    buildAssets(root, esbuild),
    indexOptions(root, esbuild),
  ]);

  const pages = names.map((name) => {
    const markdown = read(`${name}.md`);
    return { name, markdown, title: pageTitle(markdown), ...renderPage(markdown, name) };
  });
  const sections = pages.flatMap((page) => page.sections);
  const data = { ...addresses, index: add("index.json", await searchIndex(sections, options)) };
  const template = readFileSync(join(root, "dashboard/docs/page.html"), "utf8");
  for (const { name, markdown, title, html, headings } of pages) {
    const values = {
      ...data,
      title: escaped(title),
      markdown: `/docs/${name}.md`,
      contents: contentsList(groups, name, headings),
      content: html,
      neighbours: neighbourLinks(entries, name),
    };
    files.set(`${name}.html`, Buffer.from(template.replaceAll(/\{\{(\w+)\}\}/g, (_, key) => values[key])));
    files.set(`${name}.md`, Buffer.from(markdown));
  }
  files.set("llms.txt", Buffer.from(llmsText(index)));

  const packed = await compressed(files, { quick: true });
  const images = readdirSync(join(folder, "dashboard")).filter((name) => name.endsWith(".png"));
  for (const name of images) files.set(`dashboard/${name}`, readFileSync(join(folder, "dashboard", name)));
  return { files: new Map([...files, ...packed]), packages };
}
