/** What a reader of changes asks for, and which changes that is. Pure. */
import { ASKED_KINDS, CHANGE_KINDS, type AskedKind, type ChangeKind } from "../../schemas/changes.js";
import { type Failure, invalid } from "../base/result.js";
import { shorten } from "../base/shorten.js";

const NAMED: ReadonlyMap<string, AskedKind> = new Map(ASKED_KINDS.map((kind) => [kind, kind]));
const ALL: ReadonlySet<AskedKind> = new Set(CHANGE_KINDS);
const OF_SPECS: readonly AskedKind[] = ["spec", "contract"];

/** The kinds of a query, separated by commas; where it names none, all, each change once. 400 for one that is none. */
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

/** As what a change is told, to who asks for it. */
export function reportedAs(kind: ChangeKind): readonly AskedKind[] {
  return kind === "spec" ? OF_SPECS : [kind];
}
