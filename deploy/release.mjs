/**
 * Implements the steps of a release that are specific to Koor. .github/workflows/publish.yml runs them, and
 * docs/deployment.md describes the release. `check` compares the versions in all files and in the changelog, and a tag
 * if one is given. `tag` prints the tag of this version, and `notes` its section in the changelog. `pack` writes the
 * package, its SBOM and their checksums into `dist/release`; `sbom` writes only the SBOM. Run: `node deploy/release.mjs
 * check [v1.0.0] | tag | notes | pack | sbom`.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isRunAsProgram } from "./run-as-program.mjs";
import { run, runNpm, say } from "./npm.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const RELEASE = join(ROOT, "dist", "release");
const SBOM = join(RELEASE, "sbom.cdx.json");
const SBOM_PROGRAM = join(ROOT, "node_modules", "@cyclonedx", "cyclonedx-npm", "bin", "cyclonedx-npm-cli.js");

/** The files that contain the version, and the place of the version in each. */
const VERSION_PLACES = [
  ["package-lock.json", /^ {2}"version": "(.*)",$/m],
  ["schemas/version.ts", /VERSION = "(.*?)"/],
  ["clients/python/pyproject.toml", /^version = "(.*)"$/m],
  ["clients/python/koor_client/__init__.py", /^__version__ = "(.*)"$/m],
];

function read(path) {
  return readFileSync(join(ROOT, path), "utf8");
}

function versionOf() {
  return JSON.parse(read("package.json")).version;
}

function tagOf(version) {
  return `v${version}`;
}

/** Returns the text of the changelog below the heading of a version; undefined if there is no such heading. */
export function changesOf(version, log = read("CHANGELOG.md")) {
  const heading = new RegExp(`^## \\[${version.replaceAll(".", "\\.")}\\] - \\d{4}-\\d\\d-\\d\\d$`, "m");
  const found = heading.exec(log);
  if (found === null) return undefined;
  const rest = log.slice(found.index + found[0].length);
  const end = rest.search(/^(?:## |\[[^\]]+\]: )/m);
  return (end < 0 ? rest : rest.slice(0, end)).trim();
}

/**
 * Returns the reasons why the checkout cannot be released, one line each.
 * @param tag the tag of the release; "" if the release makes the tag
 */
export function findObstacles(tag) {
  const version = versionOf();
  const found = [];
  if (tag !== "" && tag !== tagOf(version))
    found.push(`the tag is ${tag}, and package.json says ${version}: the tag is to be ${tagOf(version)}`);
  for (const [path, pattern] of VERSION_PLACES) {
    const [, named = "no version"] = pattern.exec(read(path)) ?? [];
    if (named !== version) found.push(`${path} says ${named}, and package.json says ${version}`);
  }
  if (!changesOf(version)) found.push(`CHANGELOG.md has no section "## [${version}] - YYYY-MM-DD" with changes`);
  return found;
}

/** Writes `SHA256SUMS`, which `sha256sum --check` reads. */
function writeSums(folder) {
  const lines = readdirSync(folder)
    .toSorted()
    .map(
      (name) =>
        `${createHash("sha256")
          .update(readFileSync(join(folder, name)))
          .digest("hex")}  ${name}\n`,
    );
  writeFileSync(join(folder, "SHA256SUMS"), lines.join(""));
}

/** Writes the SBOM: the list of the packages that the package uses. Returns an error text, or "" if it was written. */
async function writeSbom() {
  const options = ["--package-lock-only", "--omit", "dev", "--output-reproducible", "--output-format", "JSON"];
  mkdirSync(RELEASE, { recursive: true });
  return run([process.execPath, SBOM_PROGRAM, ...options, "--output-file", SBOM], { folder: ROOT });
}

/** Packs a release. Returns an error text, or "" if everything was written. */
async function pack() {
  rmSync(RELEASE, { recursive: true, force: true });
  mkdirSync(RELEASE, { recursive: true });
  const packed = await runNpm(["pack", "--pack-destination", RELEASE], { folder: ROOT });
  if (packed !== "") return `npm pack: ${packed}`;
  const listed = await writeSbom();
  if (listed !== "") return `the SBOM: ${listed}`;
  writeSums(RELEASE);
  return "";
}

async function runStep([step, tag = ""]) {
  switch (step) {
    case "check":
      return findObstacles(tag);
    case "tag":
      process.stdout.write(`${tagOf(versionOf())}\n`);
      return [];
    case "pack":
      return [await pack()].filter((problem) => problem !== "");
    case "sbom":
      return [await writeSbom()].filter((problem) => problem !== "");
    case "notes":
      process.stdout.write(`${changesOf(versionOf()) ?? ""}\n`);
      return [];
    default:
      return ["say check [TAG], tag, notes, pack or sbom"];
  }
}

if (isRunAsProgram(import.meta.url)) {
  const problems = await runStep(process.argv.slice(2));
  for (const problem of problems) say(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
