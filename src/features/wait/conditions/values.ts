/**
 * The conditions about keys of state and specs. They hold if a key has changed, has a version above a number, or does
 * not exist. Runs on the front.
 *
 * The mark has the last version that was seen or reported, and the id of its row. Without the id, a version from
 * another history (for example after a restore) could have the same number.
 */
import { KEY_BYTES_MAX } from "../../../../schemas/limits/names.js";
import { specKey } from "../../../../schemas/specs.js";
import { type TextRules, textProblem } from "../../../../schemas/text.js";
import type { WaitParameter } from "../../../../schemas/wait.js";
import type { AuditReader } from "../../audit/table.js";
import { Failure, invalid } from "../../../base/result.js";
import type { Space } from "../../versioned/space.js";
import type { Head, VersionedReader } from "../../versioned/table.js";
import type { KeyWatch } from "../../versioned/watch.js";
import { type AnyConditionRow, conditionRow, type Looked } from "../condition.js";
import type { ValuesPosition } from "../values-position.js";

/** One key space, with the parts of the server that its conditions need. */
export interface Values {
  /** Reads values through the front's own database handle. */
  readonly reader: VersionedReader;
  readonly watch: KeyWatch;
  readonly audit: AuditReader;
}

interface Subject {
  readonly key: string;
  /** The number that the key's version must exceed. It is -1 if the call gave none. */
  readonly above: number;
}

/** A mark that matches no state of a key, so that any state counts as a change. */
const ANOTHER = "-0.0";
const MARKS = /^-?\d{1,15}\.\d{1,15}$/;
const KEY: TextRules = { charactersMax: KEY_BYTES_MAX, required: true, line: true };

/** The function that parses a key of each space. */
const KEYS: Readonly<Record<Space["name"], (text: string, name: string) => string | Failure>> = {
  state: (text, name) => {
    const problem = textProblem(text, KEY, true);
    return problem === null ? text : invalid(`${name} ${problem}`);
  },
  spec: (text, name) => {
    const [, project = "", spec = ""] = /^([^/]+)\/(.+)$/su.exec(text) ?? [];
    return project === "" ? invalid(`${name} must be PROJECT/NAME`) : specKey(project, spec);
  },
};

/** The names of the query parameters: three for state, and three for specs. */
const PARAMETERS = {
  state: { changed: "state", above: "state_above", gone: "state_gone" },
  spec: { changed: "spec", above: "spec_above", gone: "spec_gone" },
} as const satisfies Record<Space["name"], Record<string, WaitParameter>>;

export function valueRows({ reader, watch, audit }: Values): AnyConditionRow[] {
  const { space } = reader;
  const { changed, above, gone } = PARAMETERS[space.name];
  const keyOf = KEYS[space.name];

  const seen = (key: string): { readonly head: Head | undefined; readonly mark: string } => {
    const head = reader.head(key);
    if (head !== undefined) return { head, mark: `${head.version}.${head.row}` };
    const last = reader.gone(key);
    return { head, mark: last === undefined ? "0.0" : `-${last.version}.${last.row}` };
  };
  const changedSince = (key: string, since: ValuesPosition): boolean => {
    const head = reader.head(key);
    const last = head ?? reader.gone(key);
    if (last === undefined) return false;
    if (last.row > since[space.name]) return true;
    // Search the audit log for a deletion, because a deletion makes no version.
    return head === undefined && audit.wasDone(`${space.name}.delete`, space.label(key), since.audit);
  };
  const report = (key: string, head: Head | undefined, mark: string): Looked => ({
    matched: JSON.stringify({ kind: space.name, key: space.label(key), version: head?.version ?? null }),
    mark,
  });
  /** Declares one of the three conditions of this key space. */
  const row = (
    parameter: WaitParameter,
    own: {
      readonly read?: (text: string) => Subject | Failure;
      readonly start?: (key: string, since: ValuesPosition | null) => string;
      readonly holds: (head: Head | undefined, subject: Subject) => boolean;
    },
  ): AnyConditionRow =>
    conditionRow<Subject>({
      parameter,
      read: (texts) => {
        const subjects: Subject[] = [];
        for (const text of texts) {
          const subject = own.read === undefined ? withKey(keyOf(text, parameter), -1) : own.read(text);
          if (subject instanceof Failure) return subject;
          subjects.push(subject);
        }
        return subjects;
      },
      identity: (subject) => [subject.key, subject.above],
      marks: MARKS,
      start: ({ key }, since) => own.start?.(key, since) ?? "",
      listen: ({ key }, waiter) => watch.listen(key, waiter),
      look: (subject, mark) => {
        const { head, mark: now } = seen(subject.key);
        if (!own.holds(head, subject)) return { matched: null, mark: "" };
        return now === mark ? { matched: null, mark } : report(subject.key, head, now);
      },
    });

  return [
    // This condition holds for any version that differs from the last one that was seen.
    row(changed, {
      start: (key, since) => (since !== null && changedSince(key, since) ? ANOTHER : seen(key).mark),
      holds: () => true,
    }),
    row(above, {
      read: (text) => {
        const [, number = "", rest = ""] = /^(\d{1,15}):(.*)$/su.exec(text) ?? [];
        return number === "" ? invalid(`${above} must be N:KEY`) : withKey(keyOf(rest, above), Number(number));
      },
      holds: (head, subject) => head !== undefined && head.version > subject.above,
    }),
    row(gone, { holds: (head) => head === undefined }),
  ];
}

function withKey(key: string | Failure, above: number): Subject | Failure {
  return key instanceof Failure ? key : { key, above };
}
