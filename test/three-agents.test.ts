/**
 * Tests the example of three agents: it runs as a user runs it, and shows what each agent does. The dashboard shows the
 * agents meanwhile, and nothing of the example is left at the end.
 */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import t from "tap";
import { send } from "./support/http-client.js";
import { makeDirectory, tieToThisProcess, type Owner } from "./support/owner.js";
import { startKoor } from "./support/server-process.js";
import { longFormOnly } from "./support/test-size.js";

/** This file runs from dist/tree/test. */
const EXAMPLE = fileURLToPath(new URL("../../../examples/three-agents/", import.meta.url));
const AGENT_LINES_MAX = 120;

interface Play {
  readonly child: ChildProcessWithoutNullStreams;
  /** Its temporary folder. */
  readonly folder: string;
  readonly lines: readonly string[];
  readonly errors: () => string;
  /** Resolves at the end of the play with its exit code. */
  readonly ended: Promise<number | null>;
}

/** Starts the example. `onLine` is called for each of its lines. */
function startPlay(t: Owner, env: Readonly<Record<string, string>>, onLine: (line: string) => void): Play {
  const folder = makeDirectory(t);
  const child = spawn(process.execPath, [`${EXAMPLE}run.mjs`], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: folder, ...env },
  });
  tieToThisProcess(child, "with_children");
  child.stdin.end();
  const lines: string[] = [];
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    onLine(line);
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, folder, lines, errors: () => errors, ended };
}

/** The lines that the play has in this order, whatever the other agents say in between. */
const SCENES: readonly (readonly RegExp[])[] = [
  [
    /^ana {5}adds the task "The tests of both", which waits for 2 others$/,
    /^ben {5}claims the task "The list of trucks" with src\/api\.mjs and src\/routes\.mjs$/,
    /^cleo {4}claims the task "The page of trucks"/,
    /^cleo {4}wants src\/routes\.mjs, which ben has, and waits$/,
    /^ben {5}reads a message of cleo: /,
    /^cleo {4}hears of version 2 of the contract, which its page violates: missing required field "axles"$/,
    /^cleo {4}mends its page, and proposes the rule no-field-list$/,
    /^cleo {4}has src\/routes\.mjs now, merges the branch ben without a conflict/,
    /^(?:ben {5}|cleo {4})claims the task "The tests of both"/,
    /^(?:ben {5}|cleo {4})has tested the api: 50 %/,
    /^run {5}has killed (?:ben|cleo) \(kill -9\)/,
    /^(?:ben {5}|cleo {4})takes over from (?:ben|cleo), who has tested: api$/,
    /^(?:ben {5}|cleo {4})has tested the page: 100 %/,
    /^ana {5}merges the branch (?:ben|cleo): 5 files, and the last task was claimed 2 times$/,
    /^(?:ben {5}|cleo {4})reads a message of ana: the plan is done$/,
    /^run {5}is over after \d+ s$/,
  ],
  [
    /^ben {5}changes the contract truck-api: version 2/,
    /^ben {5}is done with "The list of trucks"/,
    /^cleo {4}has src\/routes\.mjs now/,
  ],
  [/^cleo {4}mends its page, and proposes the rule/, /^ana {5}tries the rule .* 0 violations: the rule is accepted$/],
];

function checkScenes(t: { readonly ok: (holds: boolean, what: string) => void }, lines: readonly string[]): void {
  for (const scene of SCENES) {
    let at = -1;
    for (const says of scene) {
      at = lines.findIndex((line, index) => index > at && says.test(line));
      t.ok(at >= 0, says.source);
      if (at < 0) break;
    }
  }
}

t.test("three agents, with a server of their own", async (t) => {
  let dashboardPort = 0;
  const looks: Promise<void>[] = [];
  const play = startPlay(t, {}, (line) => {
    dashboardPort ||= Number(/dashboard is http:\/\/127\.0\.0\.1:(\d+)$/.exec(line)?.[1] ?? 0);
    // The killed agent's task is free only seconds later, so the server is still there.
    if (line.startsWith("run     has killed")) looks.push(look());
  });
  const look = async (): Promise<void> => {
    const page = await send(dashboardPort, "GET", "/");
    t.match(page, { status: 200, text: /<title>/ }, "the dashboard is there");
    const agents = (await send(dashboardPort, "GET", "/api/instances?workspace=trucks")).json<{ name: string }[]>();
    t.same(agents.map(({ name }) => name).toSorted(), ["ana", "ben", "cleo"]);
  };
  t.equal(await play.ended, 0, play.errors());
  t.equal(looks.length, 1, "one agent was killed");
  await Promise.all(looks);
  checkScenes(t, play.lines);
  for (const line of play.lines) t.match(line, /^(?:run|ana|ben|cleo) +[a-z][^{}[\]]*$/, line);
  t.equal(play.errors(), "");
  t.same(readdirSync(play.folder), [], "nothing is left");
});

t.test("on a server of others it leaves nothing that can be removed", { skip: longFormOnly() }, async (t) => {
  const token = "the-server's-own-token";
  const koor = await startKoor(t, { args: ["--auth-token", token] });
  const headers = { Authorization: `Bearer ${token}` };
  const read = async <Answer>(path: string): Promise<Answer> =>
    (await send(koor.port, "GET", path, { headers })).json<Answer>();
  const play = startPlay(t, { KOOR_SERVER: koor.url, KOOR_TOKEN: token }, () => undefined);
  t.equal(await play.ended, 0, play.errors());
  checkScenes(t, play.lines);
  const [, workspace = ""] = /in the workspace (\S+)$/.exec(play.lines[0] ?? "") ?? [];
  t.not(workspace, "");
  t.same(await read("/api/instances"), []);
  t.same(await read(`/api/specs/${workspace}`), { project: workspace, specs: [] });
  t.same(await read("/api/rules"), { rules: [] });
  t.same(await read("/api/leases"), { leases: [] });
  const { tasks } = await read<{ tasks: readonly { readonly state: string }[] }>("/api/tasks");
  t.same(
    tasks.map(({ state }) => state),
    ["done", "done", "done"],
  );

  await t.test("also if it is stopped in the middle", async (t) => {
    const second: Play = startPlay(t, { KOOR_SERVER: koor.url, KOOR_TOKEN: token }, (line) => {
      if (line.includes("wants src/routes.mjs")) second.child.kill("SIGTERM");
    });
    t.equal(await second.ended, 1);
    t.equal(second.errors(), "stopped by SIGTERM\n");
    t.same(readdirSync(second.folder), []);
    t.same(await read("/api/instances"), []);
    t.same(
      (await read<{ tasks: readonly { readonly ended_at: unknown }[] }>("/api/tasks")).tasks.filter(
        ({ ended_at }) => ended_at === null,
      ),
      [],
    );
  });
});

t.test("each agent is short enough to be read", (t) => {
  for (const name of readdirSync(EXAMPLE).filter((file) => file.endsWith(".mjs") && file !== "run.mjs")) {
    const lines = readFileSync(EXAMPLE + name, "utf8").split("\n").length - 1;
    t.ok(lines <= AGENT_LINES_MAX, `${name} has ${lines} lines`);
  }
  t.end();
});
