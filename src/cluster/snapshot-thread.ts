/**
 * Takes or fetches one snapshot in a thread of its own. The thread has its own connections to the log and to the
 * database, so no other thread waits for it.
 *
 * `take` copies the database into a file, as one transaction sees it, and uploads the file to the log's snapshot store.
 * `fetch` downloads the newest snapshot into a file. It checks that the snapshot is complete and has this program's
 * schema. If not, it tries the previous snapshot.
 */
import { createReadStream, createWriteStream, rmSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { ClusterSettings } from "../../schemas/config.js";
import { must } from "../base/assert.js";
import { reasonOf } from "../base/reason.js";
import { openLogAt } from "./log/choose.js";
import { LogError, type LogFault, type SnapshotInfo, type SnapshotStore } from "./log/ordered-log.js";
import { migrate } from "../platform/store/migrate.js";
import { openReader, writeFailure } from "../platform/store/open.js";
import { openDatabase } from "../platform/store/sqlite/choice.js";
import { ClusterReader } from "./table.js";

export type SnapshotJob =
  | { readonly kind: "take" }
  | { readonly kind: "fetch"; readonly least: number; readonly generation: string };

export type SnapshotResult =
  | { readonly kind: "taken" | "fetched"; readonly position: number }
  /** The store has no snapshot whose position is at least the requested one. */
  | { readonly kind: "none" }
  | { readonly kind: "failed"; readonly fault: LogFault; readonly message: string };

export interface SnapshotThreadData {
  readonly job: SnapshotJob;
  readonly data_dir: string;
  readonly cluster: ClusterSettings;
}

const PIECE_BYTES = 512 * 1024;

/** Returns the path of the file to which `take` copies the database. */
export function snapshotPath(dataDir: string): string {
  return join(dataDir, "snapshot.db");
}

/** Returns the path of the file into which `fetch` downloads a snapshot. */
export function joinPath(dataDir: string): string {
  return join(dataDir, "join.db");
}

/** The entry point of the worker thread that `Snapshots` starts. */
export async function runSnapshotThread(): Promise<void> {
  const { job, data_dir, cluster } = workerData as SnapshotThreadData;
  const { cluster: url, cluster_name: name, cluster_creds: credentials } = cluster;
  let result: SnapshotResult;
  try {
    const { snapshots } = await openLogAt({ url, name, credentials });
    try {
      result =
        job.kind === "take"
          ? await take(snapshots, data_dir)
          : await fetchNewest(snapshots, data_dir, job.least, job.generation);
    } finally {
      await snapshots.close();
    }
  } catch (error) {
    // An error ends only this snapshot. Report it to the writer, which may retry.
    result =
      error instanceof LogError
        ? { kind: "failed", fault: error.fault, message: error.message }
        : { kind: "failed", fault: "unreachable", message: writeFailure(error)?.message ?? failureOf(job, error) };
  }
  must(parentPort, "a snapshot has a thread of its own").postMessage(result);
}

function failureOf({ kind }: SnapshotJob, error: unknown): string {
  const what = kind === "take" ? "a snapshot could not be made" : "a snapshot could not be fetched";
  return `${what}: ${reasonOf(error)}`;
}

async function take(store: SnapshotStore, dataDir: string): Promise<SnapshotResult> {
  const path = snapshotPath(dataDir);
  rmSync(path, { force: true });
  try {
    const db = openReader(dataDir);
    try {
      db.prepare("VACUUM INTO ?").run(path);
    } finally {
      db.close();
    }
    const { generation, id } = positionOf(path);
    await store.put({ position: id, generation }, createReadStream(path, { highWaterMark: PIECE_BYTES }));
    return { kind: "taken", position: id };
  } finally {
    rmSync(path, { force: true });
  }
}

async function fetchNewest(
  store: SnapshotStore,
  dataDir: string,
  least: number,
  generation: string,
): Promise<SnapshotResult> {
  const fit = (await store.list()).filter((info) => info.generation === generation && info.position >= least);
  let firstFailure: unknown = null;
  for (const info of fit.toReversed()) {
    try {
      return await fetchOne(store, dataDir, info);
    } catch (error) {
      if (failsEverySnapshot(error)) throw error;
      firstFailure ??= error;
    }
  }
  if (firstFailure !== null) throw firstFailure;
  return { kind: "none" };
}

/**
 * Whether every other snapshot would fail with the same error. That is so if the log cannot be used, or if this node's
 * disk cannot be written.
 */
function failsEverySnapshot(error: unknown): boolean {
  if (error instanceof LogError) return error.fault === "unreachable" || error.fault === "denied";
  return writeFailure(error) !== undefined;
}

async function fetchOne(store: SnapshotStore, dataDir: string, info: SnapshotInfo): Promise<SnapshotResult> {
  const path = joinPath(dataDir);
  rmSync(path, { force: true });
  await pipeline(store.get(info), createWriteStream(path));
  const db = openDatabase(path);
  try {
    if (db.pragma("quick_check(1)", { simple: true }) !== "ok")
      throw new LogError("foreign", `the snapshot at ${info.position} is damaged`);
    migrate(db);
  } finally {
    db.close();
  }
  const { id, generation } = positionOf(path);
  if (id !== info.position || generation !== info.generation)
    throw new LogError("foreign", `the snapshot at ${info.position} contains position ${id}: it is not installed`);
  return { kind: "fetched", position: id };
}

function positionOf(path: string): { readonly generation: string; readonly id: number } {
  const db = openDatabase(path, { readonly: true });
  try {
    return must(new ClusterReader(db).state(), "a snapshot is one of a node").position;
  } finally {
    db.close();
  }
}
