/**
 * Defines conditions of a wait. A row says which parameter selects the condition, what it looks at, which changes wake
 * a waiter, and what a cursor keeps of it (its mark). Several things of one kind that are reported once each are one
 * condition; its mark says which were reported. This file has the types, and binds a row to the subject of a call.
 */
import type { WaitParameter, WaitStatus } from "../../schemas/wait.js";
import type { Failure } from "../base/result.js";
import type { Wakeable } from "../base/waiter.js";
import type { CallContext } from "../rpc/frames.js";
import { nameOf } from "./cursor.js";
import type { ValuesPosition } from "./values-position.js";

/** The caller, and the options that all of its conditions share. */
export interface Requester {
  /** The instance of the caller; "" for none. */
  readonly instance: string;
  /** The workspace of instances and resources; null for any. */
  readonly workspace: string | null;
  readonly is: WaitStatus | null;
  readonly context: CallContext;
}

/** The result of a look. */
export interface Looked {
  /** `{"kind",…}` as JSON; null if the condition does not hold, or has not changed since it was reported. */
  readonly matched: string | null;
  /** The text that the cursor keeps for the next look. "" is the same as a cursor without this condition. */
  readonly mark: string;
}

export interface ConditionRow<Subject> {
  readonly parameter: WaitParameter;
  /**
   * Parses the values of the parameter, mostly one subject each. A refusal names the parameter, or the thing that does
   * not exist.
   */
  readonly read: (texts: readonly string[], requester: Requester) => readonly Subject[] | Failure;
  /** Distinguishes a subject from others of the row, in a cursor. */
  readonly identity: (subject: Subject) => readonly unknown[];
  /** Matches its marks except "". A client may have made up a cursor. */
  readonly marks: RegExp;
  /**
   * The mark of a condition that is not in the cursor. Nothing of it was reported. States are looked at; changes count
   * from `since`, the position in the cursor, or from now without one.
   */
  readonly start: (subject: Subject, since: ValuesPosition | null) => string;
  /** Wakes a waiter whenever the result of `look` may change. Returns the function that removes the waiter. */
  readonly listen: (subject: Subject, waiter: Wakeable) => () => void;
  /**
   * Evaluates the condition. It may be expensive, so it is called once at first, and then only after the waiter was
   * woken.
   */
  readonly look: (subject: Subject, mark: string, context: CallContext) => Looked | Failure | Promise<Looked | Failure>;
  /** The mark if nothing has woken the waiter since the look that returned this one. Without it, the mark stays. */
  readonly rest?: (subject: Subject, mark: string) => string;
  /**
   * Its mark is the event up to which all are reported. The cursor keeps it also for later calls that wait for events.
   */
  readonly is_position?: true;
}

/** A row with its subject. */
export class Condition {
  /** Its name in a cursor. */
  readonly name: string;
  readonly #row: ConditionRow<unknown>;
  readonly #subject: unknown;

  constructor(row: ConditionRow<unknown>, subject: unknown) {
    this.#row = row;
    this.#subject = subject;
    this.name = nameOf(JSON.stringify([row.parameter, ...row.identity(subject)]));
  }

  get is_position(): boolean {
    return this.#row.is_position === true;
  }

  /** Returns whether a mark can be of this condition. */
  takes(mark: string): boolean {
    return this.#row.marks.test(mark);
  }

  start(since: ValuesPosition | null): string {
    return this.#row.start(this.#subject, since);
  }

  listen(waiter: Wakeable): () => void {
    return this.#row.listen(this.#subject, waiter);
  }

  look(mark: string, context: CallContext): Looked | Failure | Promise<Looked | Failure> {
    return this.#row.look(this.#subject, mark, context);
  }

  rest(mark: string): string {
    return this.#row.rest?.(this.#subject, mark) ?? mark;
  }
}

/** A row with any type of subject. */
export type AnyConditionRow = ConditionRow<unknown>;

/** Makes a row, with its subject's type checked. */
export function conditionRow<Subject>(row: ConditionRow<Subject>): AnyConditionRow {
  // A row gets only subjects that its own `read` has made.
  return row as unknown as AnyConditionRow;
}
