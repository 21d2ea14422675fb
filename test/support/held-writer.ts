/**
 * Makes one batch of chosen calls, on a server whose writer the test can block (threads/crashing-server.ts). Runs in
 * the test's process.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { FAULTS, HELD_FILE } from "../threads/faults.js";
import { sendJson, type Answer } from "./http-client.js";
import { countInFlight, readMetric } from "./metrics.js";
import type { Koor } from "./server-process.js";
import { betweenLooks } from "./between-looks.js";

/**
 * Blocks the writer with a write of `value`. Releases it when all calls that `sendAll` makes are in flight, so that
 * they form one batch.
 */
export async function gather(
  koor: Koor,
  value: unknown,
  sendAll: () => readonly Promise<Answer>[],
): Promise<readonly Promise<Answer>[]> {
  const path = join(koor.data_dir, HELD_FILE);
  const held = sendJson(koor.port, "PUT", `/api/state/${FAULTS.hold}`, value);
  while (!existsSync(path)) await betweenLooks();
  const sent = sendAll();
  // The caller reads the results only after the writer was released, so errors before that must not be unhandled.
  for (const request of sent) request.catch(() => undefined);
  while (
    (await countInFlight(koor.port)) < 1 + sent.length ||
    (await readMetric(koor.port, "koor_writer_in_flight")) < 1 + sent.length
  );
  rmSync(path);
  await held;
  return sent;
}
