/**
 * Tests what a user meets before the server runs: the commands, the settings example. Runs the launchers as npm
 * links them, from a folder of their own.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import t from "tap";
import { OPTIONS } from "../schemas/config.js";
import { loadConfig } from "../src/platform/config/load.js";

const run = promisify(execFile);
// This file runs from dist/tree/test.
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  version: string;
  bin: Record<string, string>;
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  files: readonly string[];
  exports: Readonly<Record<string, { readonly types: string; readonly default: string } | undefined>>;
};

/** The packages that the build needs or bundles. */
const bundled = JSON.parse(readFileSync(join(ROOT, "deploy/bundled/package.json"), "utf8")) as {
  readonly private: boolean;
  readonly dependencies: Readonly<Record<string, string>>;
};

t.test("an installation gets only the packages that the programs load at run time", async (t) => {
  const { EXTERNAL } = (await import(pathToFileURL(join(ROOT, "deploy/build-programs.mjs")).href)) as {
    readonly EXTERNAL: readonly string[];
  };
  const installed = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.optionalDependencies)];
  t.same(installed.toSorted(), EXTERNAL.toSorted(), "packages that are bundled are in deploy/bundled/package.json");
  t.equal(bundled.private, true, "which is not published");
});

t.test("each command answers from any folder, through a link", async (t) => {
  t.same(Object.keys(manifest.bin).toSorted(), ["koor", "koor-cli", "koor-hook", "koor-server"]);
  const folder = t.testdir(
    Object.fromEntries(
      Object.entries(manifest.bin).map(([name, target]) => [name, t.fixture("symlink", join(ROOT, target))]),
    ),
  );
  for (const name of Object.keys(manifest.bin)) {
    if (name === "koor-hook") {
      // It takes no flags. Outside of a project it lets the client continue.
      const answer = run(join(folder, name), ["claude"], { cwd: folder });
      answer.child.stdin?.end();
      t.match(await answer, { stdout: "{}", stderr: "" }, name);
      continue;
    }
    const version = await run(join(folder, name), ["--version"], { cwd: folder });
    t.match(version.stdout, manifest.version, `${name} --version`);
    const help = await run(join(folder, name), ["--help"], { cwd: folder });
    t.match(help.stdout, name === "koor-server" ? "--data-dir" : "state", `${name} --help`);
  }
});

t.test("the bundles come with the licences of their packages", (t) => {
  const notices = readFileSync(join(ROOT, "dist/app/THIRD-PARTY.md"), "utf8");
  const { files } = manifest;
  // Build tools are not bundled.
  const tools = new Set(["@gfx/zopfli", "esbuild", "marked"]);
  for (const [name, version] of Object.entries(bundled.dependencies)) {
    if (tools.has(name)) continue;
    const [, notice = ""] = notices.split(`\n## ${name} ${version}\n`);
    t.match(notice.split("\n## ")[0], /^\nLicence: \S[^]*Copyright|^\nLicence: \S[^]*free and unencumbered/i, name);
  }
  t.ok(files.includes("dist/app"), "the package has them");
  const image = readFileSync(join(ROOT, "deploy/Dockerfile"), "utf8");
  for (const copied of ["COPY --from=build /app/dist/app /app/dist/app", "COPY LICENSE /app/LICENSE"])
    t.ok(image.includes(copied), `the image: ${copied}`);
  t.match(readFileSync(join(ROOT, "deploy/Dockerfile.dockerignore"), "utf8"), /^!LICENSE$/m);
  t.end();
});

t.test("the package has the client library", async (t) => {
  t.ok(manifest.files.includes("dist/client"));
  const { types, default: bundle } = manifest.exports["./client"] ?? {};
  t.equal(types, "./dist/client/client.d.ts", "npm pack writes it");
  const library = (await import(pathToFileURL(join(ROOT, bundle ?? "")).href)) as { readonly connect: unknown };
  t.type(library.connect, "function");
});

t.test("the lock file has each dependency, of other platforms, too, as npm ci requires", (t) => {
  interface Entry {
    readonly dependencies?: object;
    readonly optionalDependencies?: object;
    readonly devDependencies?: object;
  }
  const text = readFileSync(join(ROOT, "package-lock.json"), "utf8");
  const { packages } = JSON.parse(text) as { readonly packages: Readonly<Record<string, Entry>> };
  const isThere = (from: string, name: string): boolean => {
    const folder = from === "" ? "" : `${from}/`;
    if (Object.hasOwn(packages, `${folder}node_modules/${name}`)) return true;
    return from !== "" && isThere(from.slice(0, Math.max(0, from.lastIndexOf("/node_modules/"))), name);
  };
  for (const [path, { dependencies = {}, optionalDependencies = {}, devDependencies = {} }] of Object.entries(
    packages,
  )) {
    const named = { ...dependencies, ...optionalDependencies, ...(path === "" ? devDependencies : {}) };
    const missing = Object.keys(named).filter((name) => !isThere(path, name));
    if (missing.length > 0) t.fail(`${path} names ${missing.join(", ")}`);
  }
  t.ok(Object.keys(packages).length > 300);
  t.end();
});

t.test("the settings example shows every option with its default", (t) => {
  const path = join(ROOT, "deploy/settings.example.json");
  const shown = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  t.same(Object.keys(shown), Object.keys(OPTIONS), "each option once, in the table's order");
  const defaults = Object.fromEntries(Object.entries(OPTIONS).map(([key, option]) => [key, option.fallback]));
  t.same({ ...shown, data_dir: "" }, { ...defaults, data_dir: "" }, "only data_dir differs from the defaults");
  t.match(
    loadConfig(["--config", path], {}),
    {
      kind: "serve",
      config: {
        ...shown,
        stale_after: 300_000,
        task_retention: 30 * 86_400_000,
        liveness_interval: 60_000,
        compliance_interval: 300_000,
      },
    },
    "the server accepts it as it is",
  );
  t.end();
});
