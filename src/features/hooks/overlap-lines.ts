/**
 * Tells agents that their changes overlap those in another checkout. The radar finds these overlaps. Each session in
 * one of the two checkouts is told at its next event. It is told again only if the overlap gets worse. Runs on the
 * front.
 */
import { HOOK_NAME_BYTES_MAX } from "../../../schemas/limits/hooks.js";
import { RADAR_LINE_BYTES_MAX, RADAR_NOTICES_MAX, RADAR_NOTICES_OF_AGENT_MAX } from "../../../schemas/limits/radar.js";
import type { OverlapNotice } from "../../../schemas/radar.js";
import { utf8Length } from "../../../schemas/text.js";
import { AgingMap } from "../../base/aging-map.js";
import type { Directory } from "../instances/directory.js";
import { compareRecency, type Entry } from "../instances/entry.js";
import { foreignName, quoteForeign } from "./foreign-text.js";

type Side = OverlapNotice["a"];

export class OverlapLines {
  readonly #directory: Pick<Directory, "inCheckout">;
  /** The lines that were not reported to their sessions yet, by the id of the session's instance. */
  readonly #untold = new AgingMap<string, string[]>();

  constructor(directory: Pick<Directory, "inCheckout">) {
    this.#directory = directory;
  }

  get size(): number {
    return this.#untold.size;
  }

  /** Stores the lines about overlaps that have appeared or got worse. */
  accept(notices: readonly OverlapNotice[]): void {
    for (const notice of notices) {
      this.#add(notice.a.checkout, notice, notice.b);
      this.#add(notice.b.checkout, notice, notice.a);
    }
  }

  /** Returns the lines for an agent, and removes them, because they count as reported. */
  take({ id }: Pick<Entry, "id">): string[] {
    const lines = this.#untold.get(id) ?? [];
    this.#untold.delete(id);
    return lines;
  }

  #add(checkout: string, notice: OverlapNotice, other: Side): void {
    let line = "";
    for (const entry of this.#directory.inCheckout(checkout)) {
      if (!isRunningSession(entry)) continue;
      line ||= overlapLine(notice, other, this.#agentIn(other.checkout));
      const lines = this.#untold.get(entry.id) ?? [];
      lines.push(line);
      if (lines.length > RADAR_NOTICES_OF_AGENT_MAX) lines.shift();
      this.#untold.delete(entry.id);
      this.#untold.set(entry.id, lines);
      this.#untold.limitTo(RADAR_NOTICES_MAX);
    }
  }

  /** Returns the name of the agent that was last seen in a checkout; null if none works there. */
  #agentIn(checkout: string): string | null {
    const entries = [...this.#directory.inCheckout(checkout)].filter(
      ({ status, session }) => status !== "stale" && (session?.ended_at ?? null) === null,
    );
    return entries.sort(compareRecency)[0]?.name ?? null;
  }
}

/**
 * Returns whether an instance is a running session, and not a subagent. Subagents are told only about their own calls.
 */
function isRunningSession({ session }: Entry): boolean {
  return session !== null && session.agent === "" && session.ended_at === null;
}

const NAME_BYTES_MAX = 28;
const BRANCH_BYTES_MAX = 24;
const ELLIPSIS = "…";

/**
 * The words of a line (`You or ANA deleted a.ts, the other changes it`). `before` comes before the other agent's name,
 * `after` between the name and the path, and `end` after the path.
 */
const WORDS: Readonly<Record<OverlapNotice["kind"], readonly [before: string, after: string, end: string]>> = {
  file: ["", "also changes", ""],
  lines: ["", "changes the same lines of", ""],
  delete: ["You or ", "deleted", ", the other changes it"],
};

/**
 * Returns the line about an overlap, which has at most RADAR_LINE_BYTES_MAX bytes.
 * @param agent the name of the agent in the other checkout; null if it is not known
 */
export function overlapLine({ kind, path, count }: OverlapNotice, { branch }: Side, agent: string | null): string {
  const [before, after, end] = WORDS[kind];
  const on = branch === null ? "" : ` on ${shortName(branch, BRANCH_BYTES_MAX)}`;
  const who = agent === null ? "an agent" : shortName(agent, NAME_BYTES_MAX);
  const more = count === 1 ? "" : ` (and ${count - 1} more)`;
  const rest = utf8Length(`${before}${who}${on} ${after} ${end}${more}: koor radar`);
  return `${before}${who}${on} ${after} ${shortPath(path, RADAR_LINE_BYTES_MAX - rest)}${end}${more}: koor radar`;
}

/** Cuts a name to at most `bytesMax` bytes. If the name needs quotes, they take two more bytes. */
function shortName(name: string, bytesMax: number): string {
  return utf8Length(name) <= bytesMax ? foreignName(name) : quoteForeign(name, bytesMax);
}

/**
 * Cuts a path to at most `bytesMax` bytes, including quotes if it needs them. Directories at its beginning are cut off.
 */
function shortPath(path: string, bytesMax: number): string {
  // The quotes take two bytes.
  const textBytesMax = Math.min(bytesMax, HOOK_NAME_BYTES_MAX) - 2;
  if (utf8Length(path) <= textBytesMax) return foreignName(path);
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const tail = `${ELLIPSIS}${path.slice(at)}`;
    if (utf8Length(tail) <= textBytesMax) return quoteForeign(tail, textBytesMax);
  }
  return quoteForeign(path.slice(path.lastIndexOf("/") + 1), textBytesMax);
}
