/**
 * Tests how the threads start together and close together. The closing is also tested while the writer is restarting.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { IGNORED_PUSHES } from "../../../test/support/ignored-pushes.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { makeDirectory } from "../../../test/support/server-process.js";
import { FAULTS, LATE_FILE } from "../../../test/threads/faults.js";
import { loadConfig } from "../config/load.js";
import { eventReader } from "../../features/events/table.js";
import { METHODS, PUSH_MESSAGES } from "../../methods.js";
import { NO_CALLER } from "../rpc/frames.js";
import { putState } from "../../features/state/commands.js";
import { openThreads } from "./open.js";

const program = (path: string): URL => new URL(`../../../${path}`, import.meta.url);
const URLS = {
  writer: program("test/threads/crashing-writer.js"),
  pool: program("workers/pool/main.js"),
  staging: program("workers/staging/main.js"),
};
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test("a writer that becomes ready after the rest is closed notifies no handler", async (t) => {
  const dataDir = makeDirectory(t);
  const invocation = loadConfig(["--data-dir", dataDir], {});
  if (invocation.kind !== "serve") throw new Error("these are flags of the server");
  const { config } = invocation;
  const log = quietLog();
  const threads = openThreads({
    config,
    data_dir: dataDir,
    urls: URLS,
    log,
    methods: METHODS,
    pushMessages: PUSH_MESSAGES,
  });
  const events = threads.reads.model(eventReader);
  let restarts = 0;
  threads.listen(IGNORED_PUSHES, () => {
    restarts += 1;
    // Read the events in the same way as the hub of events does after a restart of the writer.
    t.equal(events.lastId, 0);
  });

  const put = (key: string): ReturnType<typeof threads.writer.request<typeof putState>> =>
    threads.writer.request(
      putState,
      { key, value: "1", content_type: "application/json", condition: null, fence: null },
      NO_CALLER,
    );
  t.match(await put("early"), { version: 1 }, "a call before the writer serves waits for it");
  const late = join(dataDir, LATE_FILE);
  writeFileSync(late, "");
  t.match(await put(FAULTS.crash), { status: "UNAVAILABLE" });
  while (!threads.writer.attached) await nextTurn();
  const closed = threads.close();
  const readable = (): boolean => {
    try {
      return events.lastId === 0;
    } catch {
      return false;
    }
  };
  while (readable()) await nextTurn();
  rmSync(late);
  await closed;
  t.equal(restarts, 0);
  t.equal(threads.writer.attached, false, "and the thread is ended nevertheless");
});
