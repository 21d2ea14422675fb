/**
 * Measures what a process costs: CPU time and resident memory of it and its descendants, from /proc. Where there is no
 * /proc the answers are undefined and the columns stay empty. Runs in the bench process.
 */
import { readFileSync, readdirSync } from "node:fs";

/** Length of a clock tick in /proc/<pid>/stat. Linux fixes it at 100 Hz for what user space sees. */
const CLOCK_TICK_US = 10_000;
const NS_PER_US = 1_000;
/** Positions after the command's closing parenthesis, which may itself hold spaces. */
const UTIME_FIELD = 11;
const STIME_FIELD = 12;
const CUTIME_FIELD = 13;
const CSTIME_FIELD = 14;

/** utime, stime, and the same of children that have ended and were waited for. */
const OWN_AND_CHILDREN_FIELDS = [11, 12, 13, 14] as const;

/** User and system ticks in one line of /proc/<pid>/stat, or undefined when it is no such line. */
export function parseStatTicks(stat: string): number | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[UTIME_FIELD]) + Number(fields[STIME_FIELD]);
  return Number.isFinite(ticks) ? ticks : undefined;
}

/** Nanoseconds on a CPU in the text of /proc/<pid>/task/<tid>/schedstat, or undefined when it is no such text. */
export function parseScheduledNs(schedstat: string): number | undefined {
  const found = /^(\d+) \d+ \d+$/.exec(schedstat.trim());
  return found?.[1] === undefined ? undefined : Number(found[1]);
}

/** Resident bytes in the text of /proc/<pid>/status. */
export function parseResidentBytes(status: string): number | undefined {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  return found?.[1] === undefined ? undefined : Number(found[1]) * 1_024;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // There is no /proc, or the process has ended: then there is no figure.
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

/** CPU time of the process and its descendants since their start, all threads, in microseconds. */
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

/** Resident memory of the process and its descendants, in bytes. */
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

/** CPU time until now in microseconds: of the whole machine, and of this process with all children that have ended. */
export interface CpuClock {
  readonly machineUs: number;
  readonly ownUs: number;
}

/** Non-idle ticks of the whole machine in the text of /proc/stat, or undefined when it is no such text. */
export function parseBusyTicks(stat: string): number | undefined {
  const line = /^cpu +(.*)$/m.exec(stat)?.[1];
  if (line === undefined) return undefined;
  const [user, nice, system, , , irq, softirq, steal] = line.split(" ").map(Number);
  const ticks = [user, nice, system, irq, softirq, steal].reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return Number.isFinite(ticks) ? ticks : undefined;
}

/** CPU time in microseconds of all children of this process that have ended and were waited for. */
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

/** How many CPUs other processes kept busy between the two moments, on average. */
export function countCpusElsewhere(
  before: CpuClock | undefined,
  after: CpuClock | undefined,
  elapsedUs: number,
): number | undefined {
  if (before === undefined || after === undefined) return undefined;
  return Math.max(0, (after.machineUs - before.machineUs - (after.ownUs - before.ownUs)) / elapsedUs);
}

/**
 * Nanoseconds on a CPU until now, by thread, of processes and their descendants. Threads that have ended are left out.
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

/** How much ticks may differ: user and system time are each rounded down to whole ticks, at both ends. */
const TICKS_UNSURE = 2;

/**
 * CPU time between two moments in microseconds. The threads' times are exact; the ticks are used where they show more,
 * because then a thread has ended in between.
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

/** CPU time until now of several processes and their descendants; undefined where one of them is not there. */
function readCpuOfAll(pids: readonly number[]): number | undefined {
  const known = pids.map(readCpuUs);
  return known.includes(undefined) ? undefined : known.reduce<number>((sum, spent) => sum + (spent ?? 0), 0);
}

/** CPU time of the processes' first threads, in microseconds: Koor's front. */
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

/** CPU times of a stretch in microseconds; absent where there is no /proc. */
export interface SpentCpu {
  /** CPU time of all threads, and of the processes' descendants. */
  readonly cpu_us?: number;
  /** CPU time of the processes' first threads. */
  readonly mainCpuUs?: number;
}

/** Runs `work`, and adds to its result the CPU time that `pid`, or all of several processes, spent meanwhile. */
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
