/**
 * Gives `/openapi.json` to generators of clients, and `/asyncapi.json` to AsyncAPI's parser. `.ci/run` installs these
 * tools into a folder, and names the folder in KOOR_TEST_GENERATORS: `node_modules`, and a virtual environment
 * `python`. A tool that is absent is skipped.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t, { type Test } from "tap";
import { makeDirectory } from "./support/owner.js";
import { send } from "./support/http-client.js";
import { startKoor } from "./support/server-process.js";

const VARIABLE = "KOOR_TEST_GENERATORS";
const FOLDER = process.env[VARIABLE] ?? "";
/** The time for one generator, which compiles nothing. */
const GENERATOR_MS = 120_000;

/** Returns the path of a tool's file; and the reason for skipping its test if the file is absent. */
function tool(...path: string[]): { readonly file: string; readonly missing: string | false } {
  const file = join(FOLDER, ...path);
  return { file, missing: FOLDER !== "" && existsSync(file) ? false : `${path.at(-1)} is not in ${VARIABLE}` };
}

const parser = tool("node_modules", "@asyncapi", "parser");
const typescript = tool("node_modules", "openapi-typescript", "bin", "cli.js");
const python = tool("python", "bin", "openapi-python-client");

const { port } = await startKoor(t);
// Both are read first: a generator blocks this process, and the server closes its idle connection meanwhile.
const descriptions = {
  "openapi.json": (await send(port, "GET", "/openapi.json")).text,
  "asyncapi.json": (await send(port, "GET", "/asyncapi.json")).text,
};

/** Stores a description of the server in a directory of the test. */
function saveDescription(t: Test, name: keyof typeof descriptions): { readonly folder: string; readonly file: string } {
  const folder = makeDirectory(t);
  const file = join(folder, name);
  writeFileSync(file, descriptions[name]);
  return { folder, file };
}

function run(t: Test, command: string, args: readonly string[], folder: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: "utf8",
    timeout: GENERATOR_MS,
    // Some tools ask the network for a newer version.
    env: { ...process.env, HOME: folder, NO_UPDATE_NOTIFIER: "1" },
  });
  t.equal(status, 0, `${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout + stderr;
}

t.test("AsyncAPI's parser accepts the description of messages", { skip: parser.missing }, (t) => {
  const { folder, file } = saveDescription(t, "asyncapi.json");
  const program = `
    import { readFileSync } from "node:fs";
    const { default: library } = await import(${JSON.stringify(pathToFileURL(join(parser.file, "cjs", "index.js")).href)});
    const { document, diagnostics } = await new library.Parser().parse(readFileSync(${JSON.stringify(file)}, "utf8"));
    if (document === undefined) throw new Error(JSON.stringify(diagnostics));
    console.log(JSON.stringify(diagnostics.filter(({ severity }) => severity < 2)));`;
  t.same(JSON.parse(run(t, process.execPath, ["--input-type=module", "-e", program], folder)), []);
  t.end();
});

t.test("openapi-typescript makes types that the compiler accepts", { skip: typescript.missing }, (t) => {
  const { folder, file } = saveDescription(t, "openapi.json");
  run(t, process.execPath, [typescript.file, file, "-o", "api.d.ts"], folder);
  t.match(readFileSync(join(folder, "api.d.ts"), "utf8"), '"/api/leases/{id}/renew"');
  const compiler = join(process.cwd(), "node_modules", "typescript", "bin", "tsc");
  run(t, process.execPath, [compiler, "--noEmit", "--strict", "--lib", "es2022", "api.d.ts"], folder);
  t.end();
});

t.test("openapi-python-client leaves no route out", { skip: python.missing }, (t) => {
  const { folder, file } = saveDescription(t, "openapi.json");
  writeFileSync(join(folder, "settings.yml"), "post_hooks: []\n");
  const args = ["generate", "--path", file, "--config", "settings.yml", "--output-path", "client"];
  t.notMatch(run(t, python.file, args, folder), "Endpoint will not be generated");
  const { paths } = JSON.parse(readFileSync(file, "utf8")) as { paths: Record<string, Record<string, unknown>> };
  const routes = Object.values(paths).flatMap((operations) => Object.keys(operations));
  const library = readdirSync(join(folder, "client")).find((name) => name.endsWith("_client")) ?? "";
  const modules = readdirSync(join(folder, "client", library, "api"), { recursive: true, encoding: "utf8" });
  t.equal(modules.filter((name) => name.endsWith(".py") && !name.endsWith("__init__.py")).length, routes.length);
  run(t, join(FOLDER, "python", "bin", "python"), ["-m", "compileall", "-q", "client"], folder);
  t.end();
});
