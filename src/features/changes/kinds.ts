/** Parses the kinds of changes that a reader requests, and maps each change to these kinds. Pure. */
import { ASKED_KINDS, CHANGE_KINDS, type AskedKind, type ChangeKind } from "../../../schemas/changes.js";
import { type Failure, invalid } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";

const NAMED: ReadonlyMap<string, AskedKind> = new Map(ASKED_KINDS.map((kind) => [kind, kind]));
const ALL: ReadonlySet<AskedKind> = new Set(CHANGE_KINDS);
const OF_SPECS: readonly AskedKind[] = ["spec", "contract"];

/**
 * Parses a comma-separated list of kinds. Returns a 400 for an unknown kind. An empty list means all kinds. Then each
 * change is reported under one kind only (a contract only as `spec`).
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

/** Returns the kinds for which a change of this kind is reported. */
export function reportedAs(kind: ChangeKind): readonly AskedKind[] {
  return kind === "spec" ? OF_SPECS : [kind];
}
