/**
 * Takes the pictures of docs/dashboard.md: every view in light and dark, with a simulated day. Run it by hand after the
 * look of a view has changed: `node dist/tree/test/support/take-screenshots.js docs/dashboard`. It needs Chromium. With
 * names after the folder, such as `story`, it takes only these pictures.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fillWithADay } from "./a-day.js";
import type { Page } from "./browser.js";
import { startDashboard } from "./dashboard.js";
import { sendEdit } from "./hook-work.js";
import { send, sendJson } from "./http-client.js";
import { leaseADay } from "./lease-work.js";
import { reportADay } from "./radar-work.js";
import { workADay } from "./story-work.js";
import { taskADay } from "./task-work.js";
import type { Owner } from "./server-process.js";

const SIZE = { width: 1280, height: 800 };
const SETTLED_MS = 1_500;
const WORK_MS = 90_000;
const PAUSE_MS = 100;
const DENIALS = 4;
/** The time between two steps of the day in the story. */
const STEP_MS = 900;
const WORKSPACE = "reading-room";
/** Agents of the day send no heartbeats any more, and must not all become stale. */
const ARGS = ["--stale-after", "1h"];

/** A picture: the name of its file, its URL, and the actions before it is taken. */
interface Shot {
  readonly name: string;
  readonly address: string;
  readonly prepare?: (page: Page) => Promise<unknown>;
  /** Whether the picture has charts. They are empty without work, so it is taken after a while of work. */
  readonly charts?: true;
}

/** Runs the registered functions in reverse order. */
class Run implements Owner {
  readonly #done: (() => Promise<void> | void)[] = [];

  teardown(done: () => Promise<void> | void): void {
    this.#done.unshift(done);
  }

  async end(): Promise<void> {
    for (const done of this.#done) await done();
  }
}

/** Simulates sessions with hooks: edits of one file in two checkouts, subagents, and repeated denials. */
async function hooks(port: number): Promise<void> {
  const sessionOf = (client: string, branch: string, folder: string) => {
    const root = `/home/ana/${folder}`;
    return { client, session: client, checkout: folder, branch, root, workspace: "bookshop" };
  };
  const claude = sessionOf("claude", "main", "bookshop");
  await sendEdit(port, claude, "mail/receipt.ts");
  await sendEdit(port, claude, "mail/layout.ts", { agent_id: "a-1", agent_type: "Explore" });
  await sendEdit(port, sessionOf("gemini", "receipts", "bookshop-receipts"), "mail/receipt.ts");
  for (let times = 0; times < DENIALS; times++)
    await sendEdit(port, sessionOf("codex", "main", "bookshop"), "mail/receipt.ts");
}

/** Simulates the work of agents for a minute or two: waves of reads, with some writes and some events. */
async function work(port: number): Promise<void> {
  const startedMs = Date.now();
  for (let at = 0; Date.now() - startedMs < WORK_MS; at++) {
    const wave = 2 + Math.round(6 * (1 + Math.sin(at / 40)));
    await Promise.all(
      Array.from({ length: wave }, async (_, call) => {
        if (call % 4 === 1) await send(port, "PUT", `/api/state/plans/search/step-${call}`, { body: `{"step":${at}}` });
        else if (call % 4 === 2)
          await send(port, "POST", "/api/events/publish", { body: `{"topic":"build.step","data":${at}}` });
        else await send(port, "GET", "/api/state/plans/search/author-pages");
      }),
    );
    await setTimeout(PAUSE_MS);
  }
}

/**
 * Sets budgets of an agent and its workspace, and uses them. One budget is used up, and the cost of another is unknown.
 */
async function budgetADay(port: number, id: string): Promise<void> {
  const { workspace } = (await send(port, "GET", `/api/instances/${id}`)).json<{ readonly workspace: string }>();
  const day = { scope: "workspace", target: workspace, tokens: 500_000, cost_usd: 4, period: "day" };
  const task = { scope: "task", target: "search-epic", cost_usd: 25, policy: "warn" };
  await sendJson(port, "PUT", `/api/budgets/${workspace}-day`, day);
  await sendJson(port, "PUT", "/api/budgets/night-shift", { scope: "agent", target: id, tokens: 400_000 });
  await sendJson(port, "PUT", "/api/budgets/search-epic", task);
  const report = { provider: "anthropic", model: "claude-sonnet-4-5", instance_id: id, project: workspace };
  for (const cost of [{ cost_usd: 1.48 }, {}])
    await sendJson(port, "POST", "/api/llm/usage", { ...report, tokens_in: 190_000, tokens_out: 21_000, ...cost });
}

/** Lets a team work for some seconds. Returns the URL of the story of that time, in the middle of it. */
async function storyOf(port: number): Promise<string> {
  // The server knows nothing of the time before the restore.
  await setTimeout(STEP_MS);
  const startMs = Date.now();
  await workADay(port, WORKSPACE, () => setTimeout(STEP_MS));
  const endMs = Date.now();
  const [from, at, to] = [startMs, (startMs + endMs) / 2, endMs].map((ms) => new Date(ms).toISOString());
  return `/story?workspace=${WORKSPACE}&from=${from}&to=${to}&at=${at}`;
}

const [folder = "docs/dashboard", ...only] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const run = new Run();
try {
  const dashboard = await startDashboard(run, { args: ARGS });
  const day = await fillWithADay(dashboard.koor, { nowMs: Date.now() });
  const { agents, known } = day;
  await leaseADay(dashboard.koor, day);
  await taskADay(dashboard.koor, day);
  await hooks(dashboard.koor.port);
  await reportADay(dashboard.koor.port);
  await budgetADay(dashboard.koor.port, agents[0]?.id ?? "");
  const story = await storyOf(dashboard.koor.port);
  const [agent] = agents;
  const [contract = ""] = known.contracts;
  const all: readonly Shot[] = [
    { name: "needs-me", address: "/" },
    { name: "overview", address: "/overview", charts: true },
    { name: "agents", address: "/agents" },
    { name: "agent", address: `/agents/${agent?.id ?? ""}` },
    { name: "leases", address: "/leases" },
    { name: "radar", address: "/radar?workspace=bookshop" },
    { name: "tasks", address: "/tasks" },
    { name: "messages", address: `/messages?thread=${known.busyThread}` },
    { name: "state", address: `/state/${known.versionedKey}?compare=${known.versions - 1},${known.versions}` },
    { name: "specs", address: "/specs" },
    { name: "events", address: "/events" },
    { name: "rules", address: "/rules" },
    { name: "contracts", address: `/contracts/${contract}` },
    { name: "webhooks", address: "/webhooks" },
    { name: "story", address: story },
    { name: "audit", address: "/audit" },
    { name: "usage", address: "/usage" },
    { name: "system", address: "/system", charts: true },
  ];
  const shots = all.filter(({ name }) => only.length === 0 || only.includes(name));
  const open = async (shot: Shot, dark: boolean): Promise<() => Promise<void>> => {
    const { page, complaints, close } = await dashboard.open(shot.address, { dark, ...SIZE });
    await page.waitForLoadState("load");
    await shot.prepare?.(page);
    return async () => {
      // Charts and tables have been drawn when the feeds are the only requests that are left.
      await page.waitForTimeout(SETTLED_MS);
      await page.screenshot({ path: join(folder, `${shot.name}-${dark ? "dark" : "light"}.png`) });
      for (const complaint of complaints) process.stderr.write(`${shot.address}: ${complaint}\n`);
      await close();
    };
  };
  const both = [false, true].flatMap((dark) => shots.map((shot) => ({ shot, dark })));
  for (const { shot, dark } of both) if (shot.charts === undefined) await (await open(shot, dark))();
  const charted: (() => Promise<void>)[] = [];
  for (const { shot, dark } of both) if (shot.charts !== undefined) charted.push(await open(shot, dark));
  if (charted.length > 0) await work(dashboard.koor.port);
  for (const take of charted) await take();
} finally {
  await run.end();
}
