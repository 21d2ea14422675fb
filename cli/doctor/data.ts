/**
 * Checks the data directory of `koor serve`: permissions, database, free space, and the type of the file system. Runs
 * in the CLI process.
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

/**
 * Linux's numbers for network file systems, each with a name. SQLite's write-ahead log does not work on these systems.
 */
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
/** Linux's number for FUSE. A FUSE file system can be local or remote, and the number does not say which. */
const FUSE = 0x65735546;

/** The numbers that the operating system reports for a file system (statfs). */
export interface FileSystem {
  readonly type: number;
  readonly bsize: number;
  readonly bavail: number;
  readonly blocks: number;
}

const LOCAL = "name a directory on a local disk: --data-dir DIR";

/** Returns one finding for each problem of a file system: a network file system, or too little free space. */
export function judgeFileSystem(dataDir: string, { type, bsize, bavail, blocks }: FileSystem): readonly Finding[] {
  const free = bsize * bavail;
  const size = `${Math.floor(free / MIB)} MiB`;
  // Look the number up only on Linux. Other systems, such as macOS, use other numbers.
  const network = process.platform === "linux" ? NETWORK_SYSTEMS.get(type >>> 0) : undefined;
  const isFuse = process.platform === "linux" && type >>> 0 === FUSE;
  const room = "free some space, or name another directory: --data-dir DIR";
  return [
    ...(network === undefined
      ? []
      : [failure(`${dataDir} is on a network file system (${network}), on which SQLite's log does not work`, LOCAL)]),
    ...(isFuse ? [warning(`${dataDir} is on a FUSE file system, which may be another machine's`, LOCAL)] : []),
    // Ignore a file system that reports zero blocks, because it does not report its free space either.
    ...(blocks === 0 || free >= CLI_DOCTOR_FREE_BYTES
      ? []
      : free >= CLI_DOCTOR_FREE_BYTES_LEAST
        ? [warning(`${dataDir} has ${size} of free space`, room)]
        : [failure(`${dataDir} has only ${size} of free space: writes will be refused`, room)]),
  ];
}

/**
 * Returns the file system of a directory, or that of its nearest existing parent if the directory does not exist yet.
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
 * Makes the finding for a directory that the server would refuse. If the reason already names the directory, the reason
 * itself is the message.
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
  // Warn of open permissions only if the directory is really a data directory. Otherwise it may be a project's folder,
  // which other users may read.
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

/** Returns the reason why the directory is not checked; undefined if it is. */
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
