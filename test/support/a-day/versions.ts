/**
 * Makes the records of keys and specs with their versions: the time and the author of each version, and its audit rows.
 * Other modules provide the contents. Pure.
 */
import type { SnapshotLine } from "../snapshot.js";
import { type Sampler, HOUR_MS, SECOND_MS } from "./sampler.js";
import { type Journal, timeOf } from "./journal.js";
import { DAY_HOURS, QUIET_MS, SETTLED_MS, type Agent, type Project, type Team } from "./team.js";

export const JSON_TYPE = "application/json";
export const MARKDOWN = "text/markdown; charset=utf-8";
export const YAML = "application/yaml";
export const PLAIN = "text/plain; charset=utf-8";

/** The event about a version. */
export interface Word {
  readonly topic: string;
  readonly source?: string;
  readonly data: object;
}

export interface Content {
  readonly project: Project;
  /** The key of a state value, or the name of a spec. */
  readonly key: string;
  readonly type: string;
  /** The contents, oldest first. */
  readonly values: readonly string[];
  /** If present, the newest version is a rollback to this earlier version. */
  readonly rolled_back?: number;
  readonly deleted?: true;
  /** The age of the newest version in hours; random by default. */
  readonly newestHoursAgo?: number;
  /** The name of the agent that writes it. By default, it is any agent of the project that is there at the time. */
  readonly author?: string;
  readonly word?: (version: number, author: Agent, atMs: number) => Word | null;
}

export interface VersionsOptions {
  readonly space: "state" | "spec";
  readonly sampler: Sampler;
  readonly team: Team;
  readonly journal: Journal;
  readonly nowMs: number;
}

/** Formats a JSON value as agents store it. */
export function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

/** Returns the records of the contents, in the order of a snapshot. */
export function versionRecords(contents: readonly Content[], options: VersionsOptions): SnapshotLine[] {
  return contents
    .toSorted((a, b) => (nameOf(a, options) < nameOf(b, options) ? -1 : 1))
    .flatMap((content) => recordsOf(content, options));
}

function nameOf({ project, key }: Content, { space }: Pick<VersionsOptions, "space">): string {
  return space === "spec" ? `${project}/${key}` : key;
}

function recordsOf(content: Content, options: VersionsOptions): SnapshotLine[] {
  const { space, sampler, team, journal, nowMs } = options;
  const { project, key, type, values, rolled_back, deleted } = content;
  const author = content.author === undefined ? null : team.named(content.author);
  const fromMs = Math.max(nowMs - DAY_HOURS * HOUR_MS + SETTLED_MS, author?.activatedMs ?? 0);
  const latestMs = Math.min(nowMs - QUIET_MS, author?.lastSeenMs ?? nowMs);
  const { newestHoursAgo } = content;
  const toMs = newestHoursAgo === undefined ? latestMs : nowMs - newestHoursAgo * HOUR_MS;
  const resource = nameOf(content, options);
  const times = sampler.times(values.length, fromMs, toMs);
  if (newestHoursAgo !== undefined) times.splice(-1, 1, toMs);
  const records = values.map((value, at) => {
    const version = at + 1;
    const atMs = times[at] ?? toMs;
    const newest = version === values.length;
    const by = author ?? team.at(atMs, project);
    if (newest && rolled_back !== undefined)
      journal.act(atMs, by.id, `${space}.rollback`, resource, { version, rolled_back });
    else journal.act(atMs, by.id, `${space}.put`, resource, { version });
    const word = content.word?.(version, by, atMs) ?? null;
    if (word !== null) journal.add(atMs + SECOND_MS, word.topic, word.source ?? by.id, word.data);
    return {
      kind: space,
      ...(space === "spec" ? { project, name: key } : { key }),
      version,
      content_type: type,
      updated_at: timeOf(atMs),
      updated_by: by.id,
      ...(newest && deleted === true ? { deleted } : {}),
      value,
    };
  });
  const lastMs = times.at(-1) ?? toMs;
  if (deleted === true) {
    const by = author ?? team.at(lastMs, project);
    journal.act(lastMs + SECOND_MS, by.id, `${space}.delete`, resource, { version: values.length });
  }
  return records;
}
