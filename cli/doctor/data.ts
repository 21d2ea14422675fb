/**
 * Checks the data directory that `koor serve` would use: its permissions, its database, the free space and the type of
 * its file system. Runs in the CLI process.
 */
import { existsSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";

import type { DataDirState } from "../../schemas/data-dir.js";
import { CLI_DOCTOR_FREE_BYTES, CLI_DOCTOR_FREE_BYTES_LEAST } from "../../schemas/limits/cli.js";
import { MIB } from "../../schemas/limits/units.js";
import { CliFailure } from "../failure.js";
import { loadServerProgram } from "../server-program.js";
import type { Check, Examined } from "./check.js";
import { failure, ok, skip, warning, type Finding } from "./line.js";
import { isServerNear } from "./own-machine.js";

/** The numbers by which Linux identifies network file systems. SQLite's write-ahead log does not work on them. */
const NETWORK_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB 2"],
  [0x01021997, "9P"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x73757245, "Coda"],
]);
/** The number of FUSE. A FUSE file system can be local or remote, and the number does not say which. */
const FUSE = 0x65735546;

/** The figures of a file system that the operating system reports (statfs). */
export interface FileSystem {
  readonly type: number;
  readonly bsize: number;
  readonly bavail: number;
  readonly blocks: number;
}

const LOCAL = "name a directory on a local disk: --data-dir DIR";

/** Returns the problems of a file system: its type and its free space. */
export function judgeFileSystem(dataDir: string, { type, bsize, bavail, blocks }: FileSystem): readonly Finding[] {
  const free = bsize * bavail;
  const size = `${Math.floor(free / MIB)} MiB`;
  // macOS uses its own numbers for file systems. There are few, so the numbers are small.
  const network = process.platform === "linux" ? NETWORK_SYSTEMS.get(type >>> 0) : undefined;
  const isFuse = process.platform === "linux" && type >>> 0 === FUSE;
  const room = "free some space, or name another directory: --data-dir DIR";
  return [
    ...(network === undefined
      ? []
      : [failure(`${dataDir} is on a network file system (${network}), on which SQLite's log does not work`, LOCAL)]),
    ...(isFuse ? [warning(`${dataDir} is on a FUSE file system, which may be another machine's`, LOCAL)] : []),
    // Some file systems report zero blocks, which says nothing about their free space.
    ...(blocks === 0 || free >= CLI_DOCTOR_FREE_BYTES
      ? []
      : free >= CLI_DOCTOR_FREE_BYTES_LEAST
        ? [warning(`${dataDir} has ${size} of free space`, room)]
        : [failure(`${dataDir} has only ${size} of free space: writes will be refused`, room)]),
  ];
}

/**
 * Returns the file system of a directory. If the directory does not exist, returns that of its nearest existing parent.
 */
function fileSystemOf(dataDir: string): FileSystem | undefined {
  let at = dataDir;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  try {
    return statfsSync(at);
  } catch {
    return undefined;
  }
}

/**
 * Makes the finding for a directory that the server would refuse. A reason that names the directory is already a whole
 * sentence.
 */
function judgeUnusable(dataDir: string, reason: string): Finding {
  return reason.includes(dataDir)
    ? failure(reason, "see docs/troubleshooting.md, The server does not start")
    : failure(
        `${dataDir} cannot be used: ${reason}`,
        "give the server's user the right to write there, or name another directory: --data-dir DIR",
      );
}

async function judgeState(dataDir: string, state: DataDirState, examined: Examined): Promise<readonly Finding[]> {
  if (state.kind === "unusable") return [judgeUnusable(dataDir, state.reason)];
  // A folder that was not named as the data directory may belong to a project, so other users may read it.
  const open =
    state.isOpenToOthers && (examined.named.has("data_dir") || state.kind === "locked")
      ? [warning(`other users of this machine can read ${dataDir}`, `chmod 700 ${dataDir}`)]
      : [];
  if (state.kind === "absent") return [ok(`${dataDir} does not exist yet; the server makes it`)];
  if (state.kind === "free") return [ok(`${dataDir} can be used`), ...open];
  const isUsedByThis = examined.reached.server !== undefined && (await isServerNear(examined));
  const locked = isUsedByThis
    ? ok(`${dataDir} is in use by a running server`)
    : warning(
        `${dataDir} is in use by a server, but not by the configured one`,
        "stop that server before you start another one there, or name it: --server URL",
      );
  return [locked, ...open];
}

/** Returns why the directory is not checked; undefined if it is checked. */
async function whyNot(examined: Examined): Promise<string | undefined> {
  if (examined.named.has("data_dir")) return undefined;
  if (!(await isServerNear(examined))) return "the server is on another machine";
  return examined.reached.server === undefined
    ? undefined
    : "the server is running; name its directory with --data-dir to have it checked";
}

export const DATA: Check = {
  name: "data",
  run: async (examined) => {
    const { serve } = examined;
    if (serve instanceof CliFailure)
      return [failure(serve.message, "correct the setting, or koor serve will not start")];
    const reason = await whyNot(examined);
    if (reason !== undefined) return [skip(reason)];
    const dataDir = resolve(examined.folder, serve.data_dir);
    const { inspectDataDir } = await loadServerProgram();
    const system = fileSystemOf(dataDir);
    return [
      ...(await judgeState(dataDir, await inspectDataDir(dataDir), examined)),
      ...(system === undefined ? [] : judgeFileSystem(dataDir, system)),
    ];
  },
};
