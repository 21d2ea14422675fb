/** Makes a small database with a server of any version. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DAY_MS } from "../../shared/duration.js";
import { send } from "../support/http-client.js";
import type { Owner } from "../support/owner.js";
import { startReceiver } from "../support/receiver.js";
import { startKoor, type Koor } from "../support/server-process.js";
import { shiftedClock } from "../support/shifted-clock.js";
import { fill, fillAhead, TOKEN } from "./fill-database.js";

export interface Made {
  /** The data directory of the server, which has stopped. */
  readonly dataDir: string;
  /** The files of a folder of test/upgrade. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** @param program the server's main file; by default that of this checkout */
export async function makeDatabase(t: Owner, program?: string): Promise<Made> {
  const start = async (aheadMs: number, dataDir?: string): Promise<Koor> =>
    startKoor(t, {
      ...(program === undefined ? {} : { program }),
      ...(dataDir === undefined ? {} : { data_dir: dataDir }),
      args: ["--dashboard-bind", "127.0.0.1:0"],
      env: { KOOR_AUTH_TOKEN: TOKEN, ...shiftedClock(t, aheadMs) },
    });
  const ahead = await start(DAY_MS);
  const dataDir = ahead.data_dir;
  await fillAhead(ahead.port);
  await ahead.stop();
  const koor = await start(0, dataDir);
  const receiver = await startReceiver(t);
  await fill(koor.port, koor.dashboardPort, receiver.url);
  const backup = await send(koor.port, "GET", "/api/backup", { headers: { Authorization: `Bearer ${TOKEN}` } });
  await koor.stop();
  const database = readFileSync(join(dataDir, "data.db"));
  return {
    dataDir,
    files: new Map([
      ["data.db", database],
      ["backup.ndjson", backup.body],
    ]),
  };
}
