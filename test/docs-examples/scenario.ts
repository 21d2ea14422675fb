/**
 * Runs the shell examples of a page of the documents against real servers, in an order that a table gives, and compares
 * what they print. A page lists endpoints by their paths, so its examples are not in the order in which they happen.
 */
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Test } from "tap";
import { gitEnvironment } from "../cli/git.js";
import { compareLines, PageIds, readExamples, readScripts, type Example } from "../cli/page-examples.js";
import { sendJson } from "../support/http-client.js";
import { startReceiver } from "../support/receiver.js";
import { makeDirectory, startKoor, type Koor } from "../support/server-process.js";

/** This file runs from dist/tree/test/docs-examples. */
const ROOT = new URL("../../../../", import.meta.url);
const PROGRAMS = fileURLToPath(new URL("deploy/bin", ROOT));
const HAS_JQ = spawnSync("jq", ["--version"]).status === 0;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Examples that run until they are stopped. They are stopped when they have printed as many lines as the page. */
const ENDLESS = /^curl -N |^koor(?:-cli)? events subscribe /;
const REQUEST = /^(?:(\w+) = )?(?:(\w+): )?(GET|PUT|POST|PATCH|DELETE) (\S+)(?: ([^]*))?$/;
const CURSOR = /"cursor":"([^"]+)"/;

/** The examples of a page that one server plays, in the order in which they happen. */
export interface Scenario {
  readonly name: string;
  /** Flags of the server. */
  readonly args?: readonly string[];
  /** Files in the folder of the commands, by their paths. */
  readonly files?: Readonly<Record<string, string>>;
  /** A variable of the commands. */
  readonly env?: Readonly<Record<string, string>>;
  /** Texts of the page, and those that take their place: where the page says "start the build here", say. */
  readonly places?: readonly (readonly [ofPage: string, real: string])[];
  /** The body with which the servers on the page's ports 3000 and 9000 answer each request, with status 200. */
  readonly receives?: string;
  /**
   * - `$ BEGINNING`: the next example of the page whose command is this, or begins with it.
   * - `sh BEGINNING`: the script of the page that begins with this. It has to exit with 0.
   * - `NAME = BEN: POST /api/tasks {"title":"a"}`: a request that the page takes as given, here of the instance whose
   *   id is in the variable `BEN`. The variable `NAME` becomes the answer's id, `NAME_TOKEN` its token. Both names may
   *   be left out.
   * - `& REQUEST`: the same, sent when the endless example before it has printed its first line.
   * - `another server`: later steps go to a new server.
   * - any other text: a shell command that the page takes as given.
   */
  readonly steps: readonly string[];
}

export function readPage(name: string): string {
  return readFileSync(new URL(name, ROOT), "utf8");
}

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  /** Whether the command has exited with 0. */
  readonly ok: boolean;
}

/** The examples and the scripts of a page that no step has taken yet. */
export class Examples {
  readonly #left: Example[];

  constructor(page: string) {
    this.#left = [...readExamples(page), ...readScripts(page)].toSorted((a, b) => a.line - b.line);
  }

  /** Returns the next one whose command is this, or begins with it. Throws an Error if there is none. */
  take(beginning: string): Example {
    const exact = this.#left.findIndex(({ command }) => command === beginning);
    const at = exact < 0 ? this.#left.findIndex(({ command }) => command.startsWith(beginning)) : exact;
    const [example] = at < 0 ? [] : this.#left.splice(at, 1);
    if (example === undefined) throw new Error(`the page has no further example that begins with: ${beginning}`);
    return example;
  }

  get left(): readonly Example[] {
    return this.#left;
  }
}

/** One run of a scenario: its servers, its folder, and the ids of the page that it knows. */
class Run {
  readonly #t: Test;
  readonly #scenario: Scenario;
  readonly #page: string;
  readonly #cwd: string;
  readonly #env: Record<string, string>;
  readonly #ids = new PageIds();
  /** Texts of the page, and the real ones. Longer ones come first. */
  #places: (readonly [ofPage: string, real: string])[] = [];
  #koor: Koor | undefined;

  constructor(t: Test, scenario: Scenario, page: string) {
    this.#t = t;
    this.#scenario = scenario;
    this.#page = page;
    const home = makeDirectory(t);
    this.#cwd = join(home, "trucks");
    const bin = join(home, "bin");
    for (const folder of [this.#cwd, bin]) mkdirSync(folder);
    for (const name of ["koor", "koor-cli", "koor-server"])
      symlinkSync(join(PROGRAMS, name === "koor-server" ? "koor-server.js" : "koor.js"), join(bin, name));
    writeFileSync(join(home, ".curlrc"), "silent\n");
    this.#env = {
      ...gitEnvironment(home),
      CURL_HOME: home,
      PATH: `${bin}:${process.env["PATH"] ?? ""}`,
      ...scenario.env,
    };
    for (const [path, text] of Object.entries(scenario.files ?? {})) {
      mkdirSync(dirname(join(this.#cwd, path)), { recursive: true });
      writeFileSync(join(this.#cwd, path), text);
    }
  }

  get #server(): Koor {
    if (this.#koor === undefined) throw new Error("no server");
    return this.#koor;
  }

  async startServer(): Promise<void> {
    const { args = [], receives, places: given = [] } = this.#scenario;
    const koor = await startKoor(this.#t, { args });
    const address = koor.url.slice("http://".length);
    this.#koor = koor;
    this.#env["KOOR_SERVER"] = koor.url;
    const places: [string, string][] = [];
    if (koor.dashboardPort !== 0) places.push(["localhost:9847", `127.0.0.1:${koor.dashboardPort}`]);
    if (receives !== undefined) {
      for (const one of ["localhost:3000", "127.0.0.1:9000"]) {
        const receiver = await startReceiver(this.#t, (_, response) => {
          response.setHeader("Content-Type", "application/json");
          response.end(receives);
          return undefined;
        });
        places.push([one, receiver.url.slice("http://".length)]);
      }
    }
    this.#places = [...given, ...places, ["localhost:9800", address], ["otherhost:9800", address]];
    this.#places.push(["/home/ana", dirname(this.#cwd)], ['"machine":"box"', `"machine":"${hostname()}"`]);
  }

  #toReal(text: string): string {
    return this.#places.reduce((all, [ofPage, real]) => all.replaceAll(ofPage, real), this.#ids.toReal(text));
  }

  #toPage(text: string): string {
    return this.#places.reduce((all, [ofPage, real]) => all.replaceAll(real, ofPage), text);
  }

  async #shell(command: string): Promise<Printed> {
    return await new Promise((resolve) => {
      const options = { cwd: this.#cwd, env: this.#env, maxBuffer: OUTPUT_BYTES_MAX };
      // A refused command exits with another code, and prints the refusal.
      execFile("sh", ["-c", command], options, (error, stdout, stderr) =>
        resolve({ stdout, stderr, ok: error === null }),
      );
    });
  }

  /** Sends a request that the page takes as given. */
  async request(step: string): Promise<boolean> {
    const [, name, by, method, path, body] = REQUEST.exec(step) ?? [];
    if (method === undefined || path === undefined) return false;
    const token = /--auth-token (\S+)/.exec(this.#scenario.args?.join(" ") ?? "")?.[1];
    const headers = {
      ...(by !== undefined && { "X-Koor-Instance": this.#env[by] ?? "" }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    };
    const answer = await sendJson(this.#server.port, method, path, body ?? "", headers);
    if (answer.status >= 400) throw new Error(`${step}: ${answer.status} ${answer.text}`);
    if (name !== undefined) {
      const { id, token: own = "" } = answer.json<{ readonly id: string; readonly token?: string }>();
      this.#env[name] = id;
      this.#env[`${name}_TOKEN`] = own;
    }
    return true;
  }

  async shell(command: string): Promise<void> {
    await this.#shell(this.#toReal(command));
  }

  /** Runs an endless command until it has printed so many lines, and does something when it has printed the first. */
  async #listen(command: string, lines: number, meanwhile: () => Promise<void>): Promise<Printed> {
    const child = spawn("sh", ["-c", `exec ${command}`], { cwd: this.#cwd, env: this.#env });
    const ended = once(child, "close");
    let [stdout, hasBegun] = ["", false];
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      stdout += piece;
      if (linesOf(stdout).length >= lines) child.kill();
      else if (!hasBegun) {
        hasBegun = true;
        meanwhile().catch((error: unknown) => this.#t.fail(String(error)));
      }
    });
    this.#t.teardown(() => void child.kill());
    await ended;
    return { stdout, stderr: "", ok: true };
  }

  async example(example: Example, meanwhile: readonly string[]): Promise<void> {
    const { command, line } = example;
    const output = example.output.filter((one) => one.trim() !== "");
    const about = `${this.#page}:${line}: ${command.split("\n", 1)[0] ?? ""}`;
    if (/\bjq\b/.test(command) && !HAS_JQ) return this.#t.comment(`${about}: there is no jq here`);
    const [, file] = /^cat (\S+)$/.exec(command) ?? [];
    if (file !== undefined && !existsSync(join(this.#cwd, file)))
      writeFileSync(join(this.#cwd, file), `${output.join("\n")}\n`);
    const real = this.#toReal(command);
    const { stdout, stderr, ok } = ENDLESS.test(command)
      ? await this.#listen(real, output.length, async () => {
          for (const step of meanwhile) await this.request(step);
        })
      : await this.#shell(real);
    if (example.isScript) this.#t.ok(ok, `${about}: ${stderr}`);
    const printed = [stdout, stderr].flatMap((text) => linesOf(this.#toPage(text)));
    const { missing, unexpected, pairs } = compareLines(output, printed);
    // An answer has more headers than an example shows, and each transport has its own.
    const isHeader = (one: string): boolean => / -i /.test(command) && /^[\w-]+: /.test(one);
    const surplus = output.length === 0 ? [] : unexpected.filter((one) => !isHeader(one));
    this.#t.same({ missing, unexpected: surplus }, { missing: [], unexpected: [] }, about);
    for (const [ofPage, one] of pairs) {
      this.#t.ok(this.#ids.learn(ofPage, one), `${about}: whose ids these are`);
      const [known, cursor] = [CURSOR.exec(ofPage)?.[1], CURSOR.exec(one)?.[1]];
      if (known !== undefined && cursor !== undefined) this.#places.unshift([known, cursor]);
    }
  }
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}

/** Plays a scenario; its examples are taken from those of the page. */
export async function playScenario(t: Test, page: string, scenario: Scenario, examples: Examples): Promise<void> {
  const run = new Run(t, scenario, page);
  await run.startServer();
  const { steps } = scenario;
  for (const [at, step] of steps.entries()) {
    const [, beginning] = /^(?:\$|sh) (.*)$/s.exec(step) ?? [];
    if (beginning !== undefined) {
      const rest = steps.slice(at + 1);
      const end = rest.findIndex((one) => !one.startsWith("& "));
      const meanwhile = rest.slice(0, end < 0 ? rest.length : end).map((one) => one.slice("& ".length));
      await run.example(examples.take(beginning), meanwhile);
    } else if (step === "another server") await run.startServer();
    else if (!step.startsWith("& ") && !(await run.request(step))) await run.shell(step);
  }
}

/**
 * Plays the scenarios of a page in tests of their own. The last test fails for an example or a script that neither a
 * scenario has run nor a reason excuses, and for a reason that excuses none.
 */
export function playPage(
  root: Test,
  page: string,
  scenarios: readonly Scenario[],
  notRun: Readonly<Record<string, string>>,
  skip: string | false,
): void {
  const examples = new Examples(readPage(page));
  for (const scenario of scenarios)
    void root.test(`${page}: ${scenario.name}`, { skip }, async (t) => {
      await playScenario(t, page, scenario, examples);
    });
  void root.test(`every example of ${page} is run, or has a reason not to be`, { skip }, (t) => {
    const excused = new Set<string>();
    for (const { command, line } of examples.left) {
      const reason = Object.keys(notRun).find((beginning) => command.startsWith(beginning));
      if (reason !== undefined) excused.add(reason);
      t.ok(reason !== undefined, `${page}:${line}: ${command.split("\n", 1)[0] ?? ""}`);
    }
    t.same(excused, new Set(Object.keys(notRun)), "each reason is of an example");
    t.end();
  });
}
