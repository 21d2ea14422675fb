/**
 * Tests the compliance monitor: when checks run, which requests share a check, and the effect of a job that fails. The
 * pool and the writer are simulated.
 */
import t from "tap";
import { Failure } from "../../base/result.js";
import type { Pool } from "../../platform/threads/pool.js";
import type { Writer } from "../../platform/threads/writer.js";
import { complianceContracts } from "./jobs.js";
import { ComplianceMonitor } from "./monitor.js";
import { quietLog } from "../../../test/support/quiet-log.js";

const INTERVAL_MS = 1000;
const log = quietLog();

interface CheckRequest {
  readonly pairs: readonly { readonly contract: string; readonly instance: string }[];
}

/** Yields pages with one item each. */
async function* pagesOf<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[], void, undefined> {
  for (const item of items) yield await Promise.resolve([item]);
}

/** @param check simulates a job: returns the violations of its first pairs, or the failure of the job */
function makeMonitor(
  names: readonly string[],
  check: (request: CheckRequest) => readonly string[] | Failure,
): { readonly monitor: ComplianceMonitor; readonly asked: string[]; readonly recorded: string[] } {
  const asked: string[] = [];
  const recorded: string[] = [];
  const pool = {
    run: (method: unknown, request: unknown) => {
      if (method === complianceContracts) {
        const { after } = request as { readonly after: string };
        asked.push("contracts");
        return Promise.resolve(after === "" ? { contracts: ["c"], next: "c" } : { contracts: ["d"], next: null });
      }
      asked.push((request as CheckRequest).pairs.map(({ contract, instance }) => contract + instance).join(" "));
      const violations = check(request as CheckRequest);
      return Promise.resolve(violations instanceof Failure ? violations : { violations });
    },
  } as unknown as Pick<Pool, "run">;
  const writer = {
    request: (
      _method: unknown,
      { runs }: { readonly runs: readonly { readonly instance_id: string; readonly contract: string }[] },
    ) => {
      const firstId = recorded.length + 1;
      recorded.push(...runs.map(({ contract, instance_id }) => contract + instance_id));
      return Promise.resolve({ first_id: firstId, run_at: 0 });
    },
  } as unknown as Pick<Writer, "request">;
  const instances = names.map((name) => ({ id: name, name, workspace: name === "z" ? "" : "w" }));
  return {
    monitor: new ComplianceMonitor({
      instances: () => pagesOf(instances),
      pool,
      writer,
      log,
      intervalMs: INTERVAL_MS,
      nowMs: 0,
    }),
    asked,
    recorded,
  };
}

const allPass = ({ pairs }: CheckRequest): string[] => pairs.map(() => "[]");

t.test("checks run by their interval, and in steps", async (t) => {
  const { monitor, asked, recorded } = makeMonitor(["1", "2", "z"], ({ pairs }) => pairs.slice(0, 3).map(() => "[]"));
  monitor.tick(INTERVAL_MS - 1);
  t.same(asked, []);
  monitor.tick(INTERVAL_MS);
  monitor.tick(2 * INTERVAL_MS);
  const result = await monitor.check();
  t.same(asked.slice(0, 4), ["contracts", "contracts", "c1 c2 d1 d2", "d2"], "only instances with a workspace");
  t.same(recorded, ["c1", "c2", "d1", "d2", "c1", "c2", "d1", "d2"], "one by the tick, one for the requests");
  t.match(result, { count: 4 });
  await monitor.close();
});

t.test("requests during a check share the next one", async (t) => {
  const { monitor, recorded } = makeMonitor(["1"], allPass);
  const [first, second, third] = await Promise.all([monitor.check(), monitor.check(), monitor.check()]);
  t.not(first, second);
  t.equal(second, third);
  t.equal(recorded.length, 4);
});

t.test("a pair that fails by itself is a violation; a pool that is busy ends the check", async (t) => {
  const slow = makeMonitor(["1", "2"], (request) =>
    request.pairs.some(({ instance }) => instance === "1") ? new Failure("DEADLINE_EXCEEDED", "x") : allPass(request),
  );
  const result = await slow.monitor.check();
  if (result instanceof Failure) throw new Error(result.message);
  t.same(
    result.runs.map((run) => (JSON.parse(run) as { readonly pass: boolean }).pass),
    [false, true, false, true],
  );
  const busy = makeMonitor(["1"], () => new Failure("RESOURCE_EXHAUSTED", "busy"));
  t.match(await busy.monitor.check(), { status: "RESOURCE_EXHAUSTED" });
  t.same(busy.recorded, []);
  const closing = makeMonitor(["1"], allPass);
  await closing.monitor.close();
  t.match(await closing.monitor.check(), { status: "UNAVAILABLE" });
});
