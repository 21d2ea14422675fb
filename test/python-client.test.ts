/**
 * Runs the tests of the Python client (clients/python) with each Python at hand: the newest one in the short form, all
 * of them in the long form. The tests run in processes of Python and ask this process, over HTTP on loopback, to start
 * and stop real servers. mypy, if it is installed, checks the types of the client, its tests and its examples.
 */
import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import t from "tap";
import { CLUSTER_MISSING, startKillableNodes, type KillableNode } from "./support/killable-nodes.js";
import { tieToThisProcess } from "./support/owner.js";
import { startKoor, type Koor, type Owner } from "./support/server-process.js";
import { countRounds } from "./support/test-size.js";

/** This file runs from dist/tree/test. */
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const CLIENT = join(ROOT, "clients", "python");
const MINOR_MIN = 10;
const PATIENCE_MS = 300_000;
const OUTPUT_SHOWN = 6_000;
/** Where `.ci/run` and `docs/contributing.md` install mypy. */
const MYPY = process.env["KOOR_TEST_MYPY"] ?? join(homedir(), ".cache", "koor-test", "mypy", "bin", "mypy");
/** The test modules that run in one process each. */
const PROCESSES = [
  ["test_sync"],
  ["test_async"],
  ["test_cluster"],
  ["test_table", "test_pure", "test_hostile", "test_records", "test_requests", "test_lists", "test_docs"],
];
const run = promisify(execFile);

interface Python {
  readonly program: string;
  readonly version: string;
  readonly minor: number;
}

/** The programs that may be a Python 3: in PATH, and the versions of pyenv. */
function candidates(): string[] {
  const pyenv = join(process.env["PYENV_ROOT"] ?? join(homedir(), ".pyenv"), "versions");
  const folders = [
    ...(existsSync(pyenv) ? readdirSync(pyenv).map((version) => join(pyenv, version, "bin")) : []),
    ...(process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "" && !folder.endsWith("/shims")),
  ];
  return folders.flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => /^python3(?:\.\d+)?$/.test(name))
          .map((name) => join(folder, name))
      : [],
  );
}

/** Finds one program for each minor version from 3.10 on, the newest first. */
async function findPythons(): Promise<Python[]> {
  const found = new Map<number, Python>();
  const script = "import sys; print('%d.%d.%d' % sys.version_info[:3])";
  const programs = candidates();
  const versions = await Promise.all(
    programs.map(
      async (program) =>
        await run(program, ["-c", script]).then(
          ({ stdout }) => stdout.trim(),
          () => "",
        ),
    ),
  );
  for (const [at, version] of versions.entries()) {
    const minor = Number(/^3\.(\d+)\./.exec(version)?.[1] ?? 0);
    if (minor >= MINOR_MIN && !found.has(minor)) found.set(minor, { program: programs[at] ?? "", version, minor });
  }
  return [...found.values()].toSorted((one, other) => other.minor - one.minor);
}

interface Command {
  readonly args?: readonly string[];
  readonly data_dir?: string;
  readonly id?: number;
  readonly signal?: NodeJS.Signals;
}

async function readCommand(request: IncomingMessage): Promise<Command> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += String(chunk);
  return JSON.parse(text) as Command;
}

/** Starts the HTTP server by which a process of Python starts and stops servers. Returns its address. */
async function startControl(owner: Owner): Promise<string> {
  const servers: Koor[] = [];
  let nodes: readonly KillableNode[] = [];
  const apply = async (path: string, command: Command): Promise<unknown> => {
    const { args = [], data_dir, id = 0, signal = "SIGTERM" } = command;
    if (path === "/cluster") {
      nodes = await startKillableNodes(owner);
      return nodes.map(({ port }, at) => ({ id: at, port }));
    }
    if (path === "/kill") {
      await nodes[id]?.kill();
      return {};
    }
    if (path === "/hold") {
      nodes[id]?.hold();
      return {};
    }
    if (path === "/release") {
      await nodes[id]?.release();
      return {};
    }
    if (path === "/revive") {
      await nodes[id]?.revive();
      return {};
    }
    if (path === "/start") {
      const koor = await startKoor(owner, { args, ...(data_dir === undefined ? {} : { data_dir }) });
      servers.push(koor);
      return { id: servers.length - 1, port: koor.port, data_dir: koor.data_dir };
    }
    await servers[id]?.stop(signal);
    return {};
  };
  const control = createServer((request, response) => {
    void readCommand(request)
      .then(async (command) => await apply(request.url ?? "", command))
      .then(
        (answer) => response.end(JSON.stringify(answer)),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  control.listen(0, "127.0.0.1");
  await new Promise((resolve) => control.once("listening", resolve));
  owner.teardown(() => {
    control.closeAllConnections();
    control.close();
  });
  return `http://127.0.0.1:${(control.address() as AddressInfo).port}`;
}

/** Runs a program in the folder of the client, and resolves with its exit code and the end of its output. */
async function runHere(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<[number, string]> {
  const child = spawn(program, args, { cwd: CLIENT, env, stdio: ["ignore", "pipe", "pipe"] });
  tieToThisProcess(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-OUTPUT_SHOWN)));
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return [code ?? -1, output];
}

/** Returns the environment of a Python that writes nothing beside the sources, and turns its warnings into errors. */
function pythonEnv(control: string): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return {
    PATH,
    HOME,
    KOOR_TEST_CONTROL: control,
    KOOR_TEST_NO_CLUSTER: CLUSTER_MISSING === false ? "" : CLUSTER_MISSING,
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONPATH: CLIENT,
  };
}

const pythons = await findPythons();
const missing = pythons.length === 0 ? "there is no Python 3.10 or newer on this machine" : false;

t.setTimeout(PATIENCE_MS * 4);

t.test("the tests of the Python client pass", { skip: missing }, async (t) => {
  for (const [at, { program, version }] of pythons.slice(0, countRounds(1, pythons.length)).entries()) {
    // Differences between versions show in the newest and the oldest. For the others one process is enough.
    const isBetween = at > 0 && at < pythons.length - 1;
    await t.test(`Python ${version}`, async (t) => {
      const control = await startControl(t);
      // Most of the time a test waits, so the processes run side by side. Each has a server of its own.
      const runs = (isBetween ? PROCESSES.slice(-1) : PROCESSES).map(async (modules) => {
        const names = modules.map((module) => `tests.${module}`);
        return await runHere(program, ["-X", "dev", "-m", "unittest", "-v", ...names], pythonEnv(control));
      });
      for (const [code, output] of await Promise.all(runs)) {
        t.equal(code, 0, code === 0 ? "unittest" : output);
        t.match(output, CLUSTER_MISSING === false ? /^OK$/m : /^OK\b/m, "it ran its tests");
        t.notMatch(output, /Warning/, "no socket and no task is left over");
      }
    });
  }
});

t.test("the asyncio twins are those of the sync modules", { skip: missing }, async (t) => {
  const [code, output] = await runHere(pythons[0]?.program ?? "", ["tools/make_async.py", "--check"], pythonEnv(""));
  t.equal(code, 0, output);
});

/** Writes the examples of the client's pages to files, which mypy then checks. Returns their paths. */
function writeExamples(folder: string): string[] {
  return [join(ROOT, "docs", "clients-python.md"), join(CLIENT, "README.md")]
    .flatMap((page) => [...readFileSync(page, "utf8").matchAll(/^```python\n([^]*?)^```$/gm)])
    .map(([, program = ""], at) => {
      const path = join(folder, `example_${at}.py`);
      writeFileSync(path, program);
      return path;
    });
}

const noMypy = existsSync(MYPY) ? false : `there is no mypy at ${MYPY}`;

t.test("mypy --strict accepts the client, its tests and its examples", { skip: noMypy }, async (t) => {
  const folder = t.testdir({});
  const args = ["--strict", "--no-error-summary", "--cache-dir", join(folder, "cache")];
  const examples = writeExamples(folder);
  t.ok(examples.length > 5, "examples were found");
  const [code, output] = await runHere(MYPY, [...args, "koor_client", "tests", "tools", ...examples], pythonEnv(""));
  t.equal(code, 0, output);
});
