/**
 * Makes one batch of chosen calls, on a server whose writer can be held up (threads/crashing-server.ts). Runs in the
 * test's process.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { FAULTS, HELD_FILE } from "../threads/faults.js";
import { sendJson, type Answer } from "./http-client.js";
import { countInFlight, readMetric } from "./metrics.js";
import type { Koor } from "./server-process.js";
import { betweenLooks } from "./between-looks.js";

/**
 * Holds the writer up with a write of `value`, and releases it when everything that `sendAll` sends is in flight: that
 * is one batch.
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
  // The caller reads the results only after the writer was released.
  for (const request of sent) request.catch(() => undefined);
  while (
    (await countInFlight(koor.port)) < 1 + sent.length ||
    (await readMetric(koor.port, "koor_writer_in_flight")) < 1 + sent.length
  );
  rmSync(path);
  await held;
  return sent;
}
