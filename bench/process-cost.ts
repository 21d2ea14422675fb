/**
 * Measures the CPU time and the resident memory of a process and its descendants, from /proc. On a system without /proc
 * the functions return undefined, and the report leaves the columns empty. Runs in the bench process.
 */
import { readFileSync, readdirSync } from "node:fs";

/** The length of a clock tick in /proc/<pid>/stat. Linux always shows user programs 100 ticks per second. */
const CLOCK_TICK_US = 10_000;
const NS_PER_US = 1_000;
/**
 * Positions of fields, counted after the closing parenthesis of the command's name. The name may contain spaces, so
 * counting starts after it.
 */
const UTIME_FIELD = 11;
const STIME_FIELD = 12;
const CUTIME_FIELD = 13;
const CSTIME_FIELD = 14;

/** The user and system time of the process, and of its children that have ended and were waited for. */
const OWN_AND_CHILDREN_FIELDS = [11, 12, 13, 14] as const;

/** Returns the user and system ticks in one line of /proc/<pid>/stat, or undefined if the text has another format. */
export function parseStatTicks(stat: string): number | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[UTIME_FIELD]) + Number(fields[STIME_FIELD]);
  return Number.isFinite(ticks) ? ticks : undefined;
}

/**
 * Returns the time on a CPU in nanoseconds from the text of /proc/<pid>/task/<tid>/schedstat, or undefined if the text
 * has another format.
 */
export function parseScheduledNs(schedstat: string): number | undefined {
  const found = /^(\d+) \d+ \d+$/.exec(schedstat.trim());
  return found?.[1] === undefined ? undefined : Number(found[1]);
}

/** Returns the resident bytes from the text of /proc/<pid>/status. */
export function parseResidentBytes(status: string): number | undefined {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  return found?.[1] === undefined ? undefined : Number(found[1]) * 1_024;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // There is no figure, because the system has no /proc or the process has ended.
    return undefined;
  }
}

/** Lists the process and all its descendants. */
function processTree(pid: number): number[] {
  const found = [pid];
  for (let index = 0; index < found.length; index++) {
    const parent = String(found[index]);
    let threads: string[] = [];
    try {
      threads = readdirSync(`/proc/${parent}/task`);
    } catch {
      continue;
    }
    for (const thread of threads) {
      const children = readProc(`/proc/${parent}/task/${thread}/children`) ?? "";
      for (const child of children.split(" ")) if (child.trim() !== "") found.push(Number(child));
    }
  }
  return found;
}

/** Returns the CPU time of the process and its descendants since their start, in microseconds. All threads count. */
export function readCpuUs(pid: number): number | undefined {
  let ticks = 0;
  for (const member of processTree(pid)) {
    const stat = readProc(`/proc/${member}/stat`);
    const own = stat === undefined ? undefined : parseStatTicks(stat);
    if (own === undefined) {
      if (member === pid) return undefined;
      continue;
    }
    ticks += own;
  }
  return ticks * CLOCK_TICK_US;
}

/** Returns the resident memory of the process and its descendants, in bytes. */
export function readResidentBytes(pid: number): number | undefined {
  let bytes = 0;
  for (const member of processTree(pid)) {
    const status = readProc(`/proc/${member}/status`);
    const own = status === undefined ? undefined : parseResidentBytes(status);
    if (own === undefined) {
      if (member === pid) return undefined;
      continue;
    }
    bytes += own;
  }
  return bytes;
}

/**
 * The CPU time until now in microseconds: of the whole machine, and of this process together with its children that
 * have ended.
 */
export interface CpuClock {
  readonly machineUs: number;
  readonly ownUs: number;
}

/**
 * Returns the non-idle ticks of the whole machine from the text of /proc/stat, or undefined if the text has another
 * format.
 */
export function parseBusyTicks(stat: string): number | undefined {
  const line = /^cpu +(.*)$/m.exec(stat)?.[1];
  if (line === undefined) return undefined;
  const [user, nice, system, , , irq, softirq, steal] = line.split(" ").map(Number);
  const ticks = [user, nice, system, irq, softirq, steal].reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return Number.isFinite(ticks) ? ticks : undefined;
}

/** Returns the CPU time of this process's children that have ended and were waited for, in microseconds. */
export function readChildrenCpuUs(): number | undefined {
  const stat = readProc("/proc/self/stat") ?? "";
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[CUTIME_FIELD]) + Number(fields[CSTIME_FIELD]);
  return Number.isFinite(ticks) ? ticks * CLOCK_TICK_US : undefined;
}

export function readCpuClock(): CpuClock | undefined {
  const busy = parseBusyTicks(readProc("/proc/stat") ?? "");
  const fields = (readProc("/proc/self/stat") ?? "")
    .replace(/^.*\) /, "")
    .split(" ")
    .map(Number);
  const own = [...OWN_AND_CHILDREN_FIELDS].reduce((sum, field) => sum + (fields[field] ?? Number.NaN), 0);
  if (busy === undefined || !Number.isFinite(own)) return undefined;
  return { machineUs: busy * CLOCK_TICK_US, ownUs: own * CLOCK_TICK_US };
}

/** Returns the average number of CPUs that other processes kept busy between two moments. */
export function countCpusElsewhere(
  before: CpuClock | undefined,
  after: CpuClock | undefined,
  elapsedUs: number,
): number | undefined {
  if (before === undefined || after === undefined) return undefined;
  return Math.max(0, (after.machineUs - before.machineUs - (after.ownUs - before.ownUs)) / elapsedUs);
}

/**
 * Returns the time on a CPU until now for each thread of the processes and their descendants, in nanoseconds. Threads
 * that have ended are missing.
 */
function readThreadsNs(pids: readonly number[]): ReadonlyMap<string, number> {
  const threads = new Map<string, number>();
  for (const member of pids.flatMap(processTree)) {
    let ids: string[] = [];
    try {
      ids = readdirSync(`/proc/${member}/task`);
    } catch {
      continue;
    }
    for (const id of ids) {
      const spent = parseScheduledNs(readProc(`/proc/${member}/task/${id}/schedstat`) ?? "");
      if (spent !== undefined) threads.set(id, spent);
    }
  }
  return threads;
}

/**
 * The maximum error of a difference of ticks. User and system time are both rounded down to whole ticks, at the start
 * and at the end.
 */
const TICKS_UNSURE = 2;

/**
 * Returns the CPU time between two moments, in microseconds. The times of the threads are exact, but a thread that has
 * ended is missing in them. So the ticks are used if they show more time than the threads.
 */
export function cpuBetween(
  ticksUs: number,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number {
  if (before.size === 0) return ticksUs;
  let spentNs = 0;
  for (const [id, spent] of after) spentNs += spent - (before.get(id) ?? 0);
  const spentUs = spentNs / NS_PER_US;
  return spentUs < ticksUs - TICKS_UNSURE * CLOCK_TICK_US ? ticksUs : spentUs;
}

/**
 * Returns the CPU time until now of several processes and their descendants; undefined if one of the processes has
 * ended.
 */
function readCpuOfAll(pids: readonly number[]): number | undefined {
  const known = pids.map(readCpuUs);
  return known.includes(undefined) ? undefined : known.reduce<number>((sum, spent) => sum + (spent ?? 0), 0);
}

/**
 * Returns the CPU time of the first thread of each process, in microseconds. In a Koor server this is the front thread.
 */
function mainThreadsUs(
  pids: readonly number[],
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number | undefined {
  let spentNs = 0;
  for (const id of pids.map(String)) {
    const [started, ended] = [before.get(id), after.get(id)];
    if (started === undefined || ended === undefined) return undefined;
    spentNs += ended - started;
  }
  return spentNs / NS_PER_US;
}

/** The CPU times of a measured stretch, in microseconds; absent on a system without /proc. */
export interface SpentCpu {
  /** The CPU time of all threads of the processes and of their descendants. */
  readonly cpu_us?: number;
  /** The CPU time of the first thread of each process. */
  readonly mainCpuUs?: number;
}

/** Runs `work`, and adds to its result the CPU time that the process or processes in `pid` used meanwhile. */
export async function withCpu<T extends object>(
  pid: number | readonly number[],
  work: () => Promise<T>,
): Promise<T & SpentCpu> {
  const pids = typeof pid === "number" ? [pid] : pid;
  const [ticksBefore, threadsBefore] = [readCpuOfAll(pids), readThreadsNs(pids)];
  const result = await work();
  const [ticksAfter, threadsAfter] = [readCpuOfAll(pids), readThreadsNs(pids)];
  if (ticksBefore === undefined || ticksAfter === undefined) return result;
  const mainCpuUs = mainThreadsUs(pids, threadsBefore, threadsAfter);
  return {
    ...result,
    cpu_us: cpuBetween(ticksAfter - ticksBefore, threadsBefore, threadsAfter),
    ...(mainCpuUs === undefined ? {} : { mainCpuUs }),
  };
}
