/**
 * The thread of one snapshot. `take` copies the database as one transaction sees it into a file beside it, and puts
 * that file beside the log; `fetch` brings the newest one into a file, and checks that it is whole and of this
 * program's layout; where it is not, the one before it. It has a handle and a connection of its own, so nobody waits
 * for it.
 */
import { createReadStream, createWriteStream, rmSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { ClusterSettings } from "../../schemas/config.js";
import { must } from "../base/assert.js";
import { reasonOf } from "../base/reason.js";
import { openLogAt } from "../ordered-log/choose.js";
import { LogError, type LogFault, type SnapshotInfo, type SnapshotStore } from "../ordered-log/ordered-log.js";
import { migrate } from "../store/migrate.js";
import { openReader, writeFailure } from "../store/open.js";
import { openDatabase } from "../store/sqlite/choice.js";
import { ClusterReader } from "./table.js";

export type SnapshotJob =
  | { readonly kind: "take" }
  | { readonly kind: "fetch"; readonly least: number; readonly generation: string };

export type SnapshotOutcome =
  | { readonly kind: "taken" | "fetched"; readonly position: number }
  /** There is none that has come so far. */
  | { readonly kind: "none" }
  | { readonly kind: "failed"; readonly fault: LogFault; readonly message: string };

export interface SnapshotThreadData {
  readonly job: SnapshotJob;
  readonly data_dir: string;
  readonly cluster: ClusterSettings;
}

const PIECE_BYTES = 512 * 1024;

/** Where a snapshot is made. */
export function snapshotPath(data_dir: string): string {
  return join(data_dir, "snapshot.db");
}

/** Where one is brought to. */
export function joinPath(data_dir: string): string {
  return join(data_dir, "join.db");
}

/** Runs in a worker that Snapshots has started. */
export async function runSnapshotThread(): Promise<void> {
  const { job, data_dir, cluster } = workerData as SnapshotThreadData;
  const { cluster: url, cluster_name: name, cluster_creds: credentials } = cluster;
  let outcome: SnapshotOutcome;
  try {
    const { snapshots } = await openLogAt({ url, name, credentials });
    try {
      outcome =
        job.kind === "take"
          ? await take(snapshots, data_dir)
          : await fetchNewest(snapshots, data_dir, job.least, job.generation);
    } finally {
      await snapshots.close();
    }
  } catch (error) {
    // Whatever it is ends this snapshot and nothing else: another try may do better, and the reason is told meanwhile.
    outcome =
      error instanceof LogError
        ? { kind: "failed", fault: error.fault, message: error.message }
        : { kind: "failed", fault: "unreachable", message: writeFailure(error)?.message ?? failureOf(job, error) };
  }
  must(parentPort, "a snapshot has a thread of its own").postMessage(outcome);
}

function failureOf({ kind }: SnapshotJob, error: unknown): string {
  const what = kind === "take" ? "a snapshot could not be made" : "a snapshot could not be fetched";
  return `${what}: ${reasonOf(error)}`;
}

async function take(store: SnapshotStore, data_dir: string): Promise<SnapshotOutcome> {
  const path = snapshotPath(data_dir);
  rmSync(path, { force: true });
  try {
    const db = openReader(data_dir);
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
  data_dir: string,
  least: number,
  generation: string,
): Promise<SnapshotOutcome> {
  const fit = (await store.list()).filter((info) => info.generation === generation && info.position >= least);
  let first_failure: unknown = null;
  for (const info of fit.toReversed()) {
    try {
      return await fetchOne(store, data_dir, info);
    } catch (error) {
      if (isOfTheWay(error)) throw error;
      first_failure ??= error;
    }
  }
  if (first_failure !== null) throw first_failure;
  return { kind: "none" };
}

/** Whether another snapshot would fail by it, too: the log was not reached, or this node's disk takes nothing. */
function isOfTheWay(error: unknown): boolean {
  if (error instanceof LogError) return error.fault === "unreachable" || error.fault === "denied";
  return writeFailure(error) !== undefined;
}

async function fetchOne(store: SnapshotStore, data_dir: string, info: SnapshotInfo): Promise<SnapshotOutcome> {
  const path = joinPath(data_dir);
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
    throw new LogError("foreign", `the snapshot at ${info.position} is one at ${id}: it is left alone`);
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
