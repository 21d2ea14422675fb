/** Parses the kinds of changes that a reader asks for, and maps each change to those kinds. Pure. */
import { ASKED_KINDS, CHANGE_KINDS, type AskedKind, type ChangeKind } from "../../schemas/changes.js";
import { type Failure, invalid } from "../base/result.js";
import { shorten } from "../base/shorten.js";

const NAMED: ReadonlyMap<string, AskedKind> = new Map(ASKED_KINDS.map((kind) => [kind, kind]));
const ALL: ReadonlySet<AskedKind> = new Set(CHANGE_KINDS);
const OF_SPECS: readonly AskedKind[] = ["spec", "contract"];

/**
 * Parses a list of kinds that are separated by commas. An empty list stands for all kinds, and then each change is
 * reported once. Fails with 400 for an unknown kind.
 */
export function kindsOf(text: string): ReadonlySet<AskedKind> | Failure {
  const kinds = new Set<AskedKind>();
  for (const name of text.split(",").map((part) => part.trim())) {
    if (name === "") continue;
    const kind = NAMED.get(name);
    if (kind === undefined)
      return invalid(`kinds: ${JSON.stringify(shorten(name))} is none of ${ASKED_KINDS.join(", ")}`);
    kinds.add(kind);
  }
  return kinds.size === 0 ? ALL : kinds;
}

/** Returns the kinds under which a change is reported. */
export function reportedAs(kind: ChangeKind): readonly AskedKind[] {
  return kind === "spec" ? OF_SPECS : [kind];
}
