/**
 * Writes keys and specs with their versions: the time and author of each, and its audit rows. Other modules provide the
 * contents. Pure.
 */
import type { SnapshotLine } from "../snapshot.js";
import { type Sampler, HOUR_MS, SECOND_MS } from "./sampler.js";
import { type Journal, timeOf } from "./journal.js";
import { DAY_HOURS, QUIET_MS, SETTLED_MS, type Agent, type Project, type Team } from "./team.js";

export const JSON_TYPE = "application/json";
export const MARKDOWN = "text/markdown; charset=utf-8";
export const YAML = "application/yaml";
export const PLAIN = "text/plain; charset=utf-8";

/** The event about a version: its topic and its data. */
export interface Word {
  readonly topic: string;
  readonly source?: string;
  readonly data: object;
}

export interface Content {
  readonly project: Project;
  /** A state key, or a spec's name. */
  readonly key: string;
  readonly type: string;
  /** The contents, oldest first. */
  readonly values: readonly string[];
  /** The newest version is a rollback to this earlier one. */
  readonly rolled_back?: number;
  readonly deleted?: true;
  /** The age of the newest version; random by default. */
  readonly newest_hours_ago?: number;
  /** The agent that writes it; by default any of the project that is there. */
  readonly author?: string;
  readonly word?: (version: number, author: Agent, at_ms: number) => Word | null;
}

export interface VersionsOptions {
  readonly space: "state" | "spec";
  readonly sampler: Sampler;
  readonly team: Team;
  readonly journal: Journal;
  readonly now_ms: number;
}

/** A JSON value as agents store it. */
export function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

/** The records of some content, in the order of a snapshot. */
export function versionRecords(contents: readonly Content[], options: VersionsOptions): SnapshotLine[] {
  return contents
    .toSorted((a, b) => (nameOf(a, options) < nameOf(b, options) ? -1 : 1))
    .flatMap((content) => recordsOf(content, options));
}

function nameOf({ project, key }: Content, { space }: Pick<VersionsOptions, "space">): string {
  return space === "spec" ? `${project}/${key}` : key;
}

function recordsOf(content: Content, options: VersionsOptions): SnapshotLine[] {
  const { space, sampler, team, journal, now_ms } = options;
  const { project, key, type, values, rolled_back, deleted } = content;
  const author = content.author === undefined ? null : team.named(content.author);
  const from_ms = Math.max(now_ms - DAY_HOURS * HOUR_MS + SETTLED_MS, author?.activated_ms ?? 0);
  const latest_ms = Math.min(now_ms - QUIET_MS, author?.last_seen_ms ?? now_ms);
  const { newest_hours_ago } = content;
  const to_ms = newest_hours_ago === undefined ? latest_ms : now_ms - newest_hours_ago * HOUR_MS;
  const resource = nameOf(content, options);
  const times = sampler.times(values.length, from_ms, to_ms);
  if (newest_hours_ago !== undefined) times.splice(-1, 1, to_ms);
  const records = values.map((value, at) => {
    const version = at + 1;
    const at_ms = times[at] ?? to_ms;
    const newest = version === values.length;
    const by = author ?? team.at(at_ms, project);
    if (newest && rolled_back !== undefined)
      journal.act(at_ms, by.id, `${space}.rollback`, resource, { version, rolled_back });
    else journal.act(at_ms, by.id, `${space}.put`, resource, { version });
    const word = content.word?.(version, by, at_ms) ?? null;
    if (word !== null) journal.add(at_ms + SECOND_MS, word.topic, word.source ?? by.id, word.data);
    return {
      kind: space,
      ...(space === "spec" ? { project, name: key } : { key }),
      version,
      content_type: type,
      updated_at: timeOf(at_ms),
      updated_by: by.id,
      ...(newest && deleted === true ? { deleted } : {}),
      value,
    };
  });
  const last_ms = times.at(-1) ?? to_ms;
  if (deleted === true) {
    const by = author ?? team.at(last_ms, project);
    journal.act(last_ms + SECOND_MS, by.id, `${space}.delete`, resource, { version: values.length });
  }
  return records;
}
