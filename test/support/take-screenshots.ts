/**
 * The pictures of docs/dashboard.md: every view in light and dark, of a believable day. Run by hand after the look of
 * a view has changed: `node dist/tree/test/support/take-screenshots.js docs/dashboard`. Needs a Chromium.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fillWithADay } from "./a-day.js";
import type { Page } from "./browser.js";
import { startDashboard } from "./dashboard.js";
import type { Owner } from "./server-process.js";

const SIZE = { width: 1280, height: 800 };
/** Agents of the day are silent from now on, and shall not all be stale. */
const SETTLED_MS = 1_500;
const ARGS = ["--stale-after", "1h"];

/** What is looked at: a file's name, an address, and what is done there first. */
interface Shot {
  readonly name: string;
  readonly address: string;
  readonly prepare?: (page: Page) => Promise<unknown>;
}

/** Runs what was to be done at the end, in reverse. */
class Run implements Owner {
  readonly #done: (() => Promise<void> | void)[] = [];

  teardown(done: () => Promise<void> | void): void {
    this.#done.unshift(done);
  }

  async end(): Promise<void> {
    for (const done of this.#done) await done();
  }
}

const folder = process.argv[2] ?? "docs/dashboard";
mkdirSync(folder, { recursive: true });
const run = new Run();
try {
  const dashboard = await startDashboard(run, { args: ARGS });
  const { agents, known } = await fillWithADay(dashboard.koor, { now_ms: Date.now() });
  const [agent] = agents;
  const [contract = ""] = known.contracts;
  const shots: readonly Shot[] = [
    { name: "needs-me", address: "/" },
    { name: "overview", address: "/overview" },
    { name: "agents", address: "/agents" },
    { name: "agent", address: `/agents/${agent?.id ?? ""}` },
    { name: "state", address: `/state/${known.versioned_key}?compare=${known.versions - 1},${known.versions}` },
    { name: "specs", address: "/specs" },
    { name: "events", address: "/events" },
    { name: "rules", address: "/rules" },
    { name: "contracts", address: `/contracts/${contract}` },
    { name: "webhooks", address: "/webhooks" },
    { name: "audit", address: "/audit" },
    { name: "usage", address: "/usage" },
    { name: "system", address: "/system" },
  ];
  for (const dark of [false, true]) {
    for (const { name, address, prepare } of shots) {
      const { page, context, complaints } = await dashboard.open(address, { dark, ...SIZE });
      await page.waitForLoadState("load");
      await prepare?.(page);
      // Charts and tables have drawn when nothing is fetched any more but the feeds.
      await page.waitForTimeout(SETTLED_MS);
      await page.screenshot({ path: join(folder, `${name}-${dark ? "dark" : "light"}.png`) });
      for (const complaint of complaints) process.stderr.write(`${address}: ${complaint}\n`);
      await context.close();
    }
  }
} finally {
  await run.end();
}
