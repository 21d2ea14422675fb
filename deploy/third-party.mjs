/**
 * Writes `dist/app/THIRD-PARTY.md`: the notices and licences of the packages whose code is in the bundles. esbuild's
 * metafiles list these packages. build.mjs calls this module.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const MODULES = "node_modules/";
const LICENSE_FILE = /^(un)?licen[cs]e|^copying/i;
/** The texts of licences, for packages whose manifest names a licence but which have no licence file. */
const TEXTS = {
  MIT: `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`,
};

/** Returns the folder of the package to which an input of a bundle belongs; undefined for Koor's own files. */
function packageFolder(input) {
  const at = input.lastIndexOf(MODULES);
  if (at < 0) return undefined;
  const parts = input.slice(at + MODULES.length).split("/");
  const name = parts.slice(0, parts[0].startsWith("@") ? 2 : 1).join("/");
  return input.slice(0, at + MODULES.length) + name;
}

/** Returns the folders of the packages whose code is in the outputs of a metafile. */
export function bundledFolders({ outputs }) {
  const folders = new Set();
  for (const { inputs } of Object.values(outputs))
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const folder = bytesInOutput > 0 ? packageFolder(input) : undefined;
      if (folder !== undefined) folders.add(folder);
    }
  return folders;
}

function authorOf({ author, contributors = [] }) {
  const people = author === undefined ? contributors : [author];
  return people.map((one) => (typeof one === "string" ? one : one.name)).join(", ");
}

/** Returns the text of the licence that a package's manifest names. Used if the package has no licence file. */
function namedLicense(manifest) {
  const text = TEXTS[manifest.license];
  if (text === undefined)
    throw new Error(`${manifest.name} has no licence file: add the text of ${manifest.license} to third-party.mjs`);
  return `Copyright (c) ${authorOf(manifest) || `the authors of ${manifest.name}`}\n\n${text}`;
}

/** Returns the notice of one package. */
function noticeOf(root, folder) {
  const path = join(root, folder);
  const manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  const files = readdirSync(path)
    .filter((name) => LICENSE_FILE.test(name))
    .toSorted();
  const texts = files.map((name) => readFileSync(join(path, name), "utf8").replaceAll("\r\n", "\n").trim());
  const said = texts.length > 0 ? texts : [namedLicense(manifest)];
  return {
    name: `${manifest.name} ${manifest.version}`,
    text: [`## ${manifest.name} ${manifest.version}`, `Licence: ${manifest.license}`, ...said.map(quoted)].join("\n\n"),
  };
}

function quoted(text) {
  return `\`\`\`text\n${text.replaceAll("```", "'''")}\n\`\`\``;
}

/**
 * Returns the content of THIRD-PARTY.md.
 * @param {string} root the checkout
 * @param {Iterable<string>} folders the folders of the packages, relative to the checkout
 */
export function thirdPartyNotices(root, folders) {
  // The same package may be installed in several folders. Its notice appears once.
  const notices = new Map([...folders].map((folder) => noticeOf(root, folder)).map(({ name, text }) => [name, text]));
  const names = [...notices.keys()].toSorted();
  return [
    "# Third-party notices",
    "The programs and pages of Koor contain code of these packages. Written by the build (deploy/third-party.mjs).",
    ...names.map((name) => notices.get(name)),
    "",
  ].join("\n\n");
}
