/**
 * Replays the merges of a repository's history, and measures how well the radar's rule would have predicted their
 * conflicts: `node dist/tree/bench/radar-replay.js [FOLDER]`. For each merge, it makes a report of the changes of each
 * parent since the merge base, and compares the two reports by the server's rule. Git then repeats the merge and shows
 * the real conflicts. The real radar warns earlier than this replay, because it sees changes before they are committed,
 * and a history has only commits.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { describeFile, withPaths } from "../cli/radar/changed-files.js";
import { parseDiff, PATCH_OPTIONS, RAW_OPTIONS } from "../cli/radar/diff-output.js";
import { RADAR_FILES_MAX } from "../schemas/limits/radar.js";
import { OVERLAP_KINDS, type OverlapKind } from "../schemas/radar.js";
import { overlapOf } from "../src/features/radar/overlap.js";
import { decodeReport, type ReportedFile } from "../src/features/radar/report.js";

const OUTPUT_BYTES_MAX = 512 * 1024 * 1024;
/**
 * The kinds of overlaps that warn of a conflict. The kind `file` is not one of them: it says only that both sides
 * change the file.
 */
const ALARMS: ReadonlySet<OverlapKind> = new Set(["lines", "delete"]);

/** The counts of a replay. A path counts once for each merge. */
export interface Replay {
  /** The number of merges with two parents, which have a merge base and differ from it on both sides. */
  merges: number;
  /** The number of these merges in which git finds conflicts. */
  conflictedMerges: number;
  /** The number of conflicting paths, and how many of them the radar reports with each kind. */
  conflicts: number;
  readonly foreseen: Record<OverlapKind | "not", number>;
  /** The number of paths that the radar reports with each kind, and how many of these git merges without a conflict. */
  readonly reported: Record<OverlapKind, number>;
  readonly merged: Record<OverlapKind, number>;
  /**
   * For each predicted conflict: the number of commits of both sides, and how many of these follow the radar's first
   * warning.
   */
  readonly leads: { readonly left: number; readonly all: number }[];
}

/** Runs git in the repository. New objects go to a separate folder, so the repository does not change. */
class History {
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(folder: string, objects: string) {
    this.#folder = folder;
    const own = execFileSync("git", ["rev-parse", "--path-format=absolute", "--git-path", "objects"], { cwd: folder });
    this.#environment = {
      ...process.env,
      GIT_OBJECT_DIRECTORY: objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: own.toString("utf8").trim(),
    };
  }

  /** Returns the output of git, also if git exits with 1; undefined if git fails in another way. */
  run(...words: string[]): Buffer | undefined {
    try {
      const options = {
        cwd: this.#folder,
        env: this.#environment,
        maxBuffer: OUTPUT_BYTES_MAX,
        stdio: "pipe",
      } as const;
      return execFileSync("git", words, options);
    } catch (error) {
      const { status, stdout } = error as { readonly status?: number; readonly stdout?: Buffer };
      return status === 1 ? stdout : undefined;
    }
  }

  lines(...words: string[]): string[] {
    return (this.run(...words)?.toString("utf8") ?? "").split("\n").filter((line) => line !== "");
  }

  /**
   * Returns the report of a commit: its changes since `base`, by path. The number of files is limited as in the radar.
   */
  report(base: string, commit: string, paths: readonly string[] = []): ReadonlyMap<string, ReportedFile> {
    const words = [
      "--literal-pathspecs",
      "-c",
      "core.quotePath=true",
      "diff-tree",
      "-r",
      ...RAW_OPTIONS,
      ...PATCH_OPTIONS,
    ];
    const output = this.run(...words, base, commit, "--", ...paths) ?? Buffer.alloc(0);
    const files = withPaths(parseDiff(output, true)).map((change) => describeFile(change));
    const stored = files.slice(0, RADAR_FILES_MAX).map(({ ranges, ...rest }) => ({ ...rest, lines: ranges?.flat() }));
    const head = { checkout: commit, workspace: "", branch: null, base };
    return new Map(decodeReport(head, JSON.stringify(stored), null).files.map((file) => [file.path, file]));
  }

  /** Returns the paths that conflict in a merge. */
  conflicts(one: string, other: string): string[] {
    const words = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z"];
    const [, ...paths] = (this.run(...words, one, other)?.toString("utf8") ?? "").split("\0");
    return [...new Set(paths.filter((path) => path !== ""))];
  }
}

/** Compares two reports. Returns the kind of overlap for each path that both reports have. */
function compare(
  one: ReadonlyMap<string, ReportedFile>,
  other: ReadonlyMap<string, ReportedFile>,
): ReadonlyMap<string, OverlapKind> {
  const kinds = new Map<string, OverlapKind>();
  for (const [path, file] of one) {
    const theirs = other.get(path);
    const kind = theirs === undefined ? null : overlapOf(file, theirs);
    if (kind !== null) kinds.set(path, kind);
  }
  return kinds;
}

/**
 * Orders the commits of both sides by time, and finds the first one after which the sides overlap in a path. Returns
 * the number of commits after it, and of all commits; undefined if only the last commits of both sides overlap, and no
 * earlier ones.
 */
function leadOf(history: History, base: string, sides: readonly [string, string], path: string) {
  const all = history.lines("log", "--reverse", "--date-order", "--format=%H", ...sides, `^${base}`);
  const ours = new Set(history.lines("rev-list", sides[0], `^${base}`, `^${sides[1]}`));
  const reports = [history.report(base, base), history.report(base, base)];
  for (const [at, commit] of all.entries()) {
    reports[ours.has(commit) ? 0 : 1] = history.report(base, commit, [path]);
    const [one = new Map(), other = new Map()] = reports;
    const kind = compare(one, other).get(path);
    if (kind !== undefined && ALARMS.has(kind)) return { left: all.length - 1 - at, all: all.length };
  }
  return undefined;
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}

function replayMerge(history: History, [one, other]: readonly [string, string], counts: Replay): void {
  const [base] = history.lines("merge-base", one, other);
  if (base === undefined || base === one || base === other) return;
  counts.merges += 1;
  const kinds = compare(history.report(base, one), history.report(base, other));
  const conflicts = new Set(history.conflicts(one, other));
  counts.conflictedMerges += conflicts.size > 0 ? 1 : 0;
  for (const [path, kind] of kinds) {
    counts.reported[kind] += 1;
    if (!conflicts.has(path)) counts.merged[kind] += 1;
  }
  for (const path of conflicts) {
    const kind = kinds.get(path);
    counts.conflicts += 1;
    counts.foreseen[kind ?? "not"] += 1;
    const lead = kind === undefined ? undefined : leadOf(history, base, [one, other], path);
    if (lead !== undefined) counts.leads.push(lead);
  }
}

/** Replays the merges that lead to HEAD. */
export function replay(folder: string): Replay {
  const objects = mkdtempSync(join(tmpdir(), "koor-replay-"));
  try {
    const history = new History(folder, objects);
    const counts: Replay = {
      merges: 0,
      conflictedMerges: 0,
      conflicts: 0,
      foreseen: zeros([...OVERLAP_KINDS, "not"]),
      reported: zeros(OVERLAP_KINDS),
      merged: zeros(OVERLAP_KINDS),
      leads: [],
    };
    for (const line of history.lines("log", "--min-parents=2", "--max-parents=2", "--format=%P", "HEAD")) {
      const [one, other] = line.split(" ");
      if (one !== undefined && other !== undefined) replayMerge(history, [one, other], counts);
    }
    return counts;
  } finally {
    rmSync(objects, { recursive: true, force: true });
  }
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`;
}

/** Describes a replay in a few lines. */
export function describeReplay({
  merges,
  conflictedMerges,
  conflicts,
  foreseen,
  reported,
  merged,
  leads,
}: Replay): string {
  const alarms = reported.lines + reported.delete;
  const falseAlarms = merged.lines + merged.delete;
  const warned = foreseen.lines + foreseen.delete;
  const shares = leads.map(({ left, all }) => left / all).toSorted((a, b) => a - b);
  const commits = leads.map(({ left }) => left).toSorted((a, b) => a - b);
  const middle = leads.length >> 1;
  return [
    `merges of two parents: ${merges}, with conflicts: ${conflictedMerges}`,
    `paths that conflict: ${conflicts}; foreseen as lines or delete: ${warned} (${percent(warned, conflicts)}), ` +
      `as file: ${foreseen.file}, not at all: ${foreseen.not}`,
    `paths reported as lines or delete: ${alarms}; git merges ${falseAlarms} of them (${percent(falseAlarms, alarms)})`,
    `paths reported as file: ${reported.file}; git merges ${merged.file} of them`,
    `commits between the first alarm and the merge, median: ${commits[middle] ?? "-"}, ` +
      `${percent(shares[middle] ?? 0, 1)} of the commits of both sides`,
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  process.stdout.write(`${describeReplay(replay(process.argv[2] ?? "."))}\n`);
