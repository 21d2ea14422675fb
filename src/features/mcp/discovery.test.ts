import t from "tap";
import { instanceRow } from "../../../test/support/instance-row.js";
import { INSTANCE_STATUSES } from "../../../schemas/instances.js";
import { MCP_INSTANCES_MAX } from "../../../schemas/limits/mcp.js";
import { Directory } from "../instances/directory.js";
import type { InstanceRow } from "../instances/entry.js";
import { discoverInstances } from "./discovery.js";

/** Makes an instance. Its status depends on its row, so that consecutive instances have different statuses. */
function makeRow(row: number): InstanceRow {
  const status = INSTANCE_STATUSES[row % INSTANCE_STATUSES.length] ?? "active";
  const texts = { name: `n${row}`, workspace: "w", stack: row % 2 === 0 ? "even" : "odd" };
  return instanceRow(row, { id: `i${row}`, ...texts, status, registered_at: row, last_seen: row });
}

interface Found {
  readonly count: number;
  readonly more?: number;
  readonly instances: readonly { readonly status: string; readonly last_seen: string; readonly stack: string }[];
}

t.test("without a filter only the listed instances are visited", (t) => {
  const directory = new Directory();
  const total = 10 * MCP_INSTANCES_MAX;
  directory.load(Array.from({ length: total }, (_unused, row) => makeRow(row + 1)));
  let visits = 0;
  const counting = {
    counts: directory.counts,
    newestFirst: function* (...[status]: Parameters<Directory["newestFirst"]>) {
      for (const entry of directory.newestFirst(status)) {
        visits += 1;
        yield entry;
      }
    },
  };
  const all = JSON.parse(discoverInstances(counting, {})) as Found;
  t.equal(all.count, total);
  t.equal(all.more, total - MCP_INSTANCES_MAX);
  t.equal(all.instances.length, MCP_INSTANCES_MAX);
  t.ok(all.instances.every(({ status }) => status === "active"));
  t.ok(visits <= MCP_INSTANCES_MAX + INSTANCE_STATUSES.length, `${visits} were visited`);
  visits = 0;
  const same = JSON.parse(discoverInstances(counting, { workspace: "w" })) as Found;
  t.same(same, all, "a filter that all match finds the same");
  t.equal(visits, total);
  const even = JSON.parse(discoverInstances(counting, { stack: "even" })) as Found;
  t.equal(even.count, total / 2);
  t.ok(even.instances.every(({ stack }) => stack === "even"));
  t.end();
});
