/**
 * Defines the conditions of a wait. A `ConditionRow` declares one type of condition: the parameter that selects it, its
 * evaluation, and the changes that wake a waiter. A cursor keeps a text for each condition, which is called its mark.
 *
 * A condition may concern several objects, such as tasks. Each object is reported once, and the mark records which ones
 * were reported. This file defines the types, and binds a row to the subject of a call.
 */
import type { WaitParameter, WaitStatus } from "../../../schemas/wait.js";
import type { Failure } from "../../base/result.js";
import type { Wakeable } from "../../base/waiter.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import { nameOf } from "./cursor.js";
import type { ValuesPosition } from "./values-position.js";

/** The caller of a wait, with the options that apply to all conditions of the call. */
export interface Requester {
  /** The id of the caller's instance; "" if the caller is not an instance. */
  readonly instance: string;
  /** The workspace in which instances and resources are searched; null for any workspace. */
  readonly workspace: string | null;
  readonly is: WaitStatus | null;
  /** Whether the call waits if no condition holds. Only then are its patterns subscribed. */
  readonly waits: boolean;
  readonly context: CallContext;
}

/** The result of an evaluation. */
export interface Looked {
  /**
   * The result `{"kind",…}` as JSON; null if the condition does not hold, or was already reported and has not changed.
   */
  readonly matched: string | null;
  /**
   * The new mark, which the next evaluation gets. If it is "", the next call starts as if nothing had been reported.
   */
  readonly mark: string;
}

export interface ConditionRow<Subject> {
  readonly parameter: WaitParameter;
  /**
   * Parses the values of the parameter into subjects. Usually each value is one subject. A failure names the parameter,
   * or the subject that does not exist.
   */
  readonly read: (texts: readonly string[], requester: Requester) => readonly Subject[] | Failure;
  /**
   * Returns values that distinguish a subject from the other subjects of this row. They determine the condition's name
   * in a cursor.
   */
  readonly identity: (subject: Subject) => readonly unknown[];
  /**
   * Matches the valid marks of this condition, except "". Marks are checked because a client may send a cursor that no
   * server has made.
   */
  readonly marks: RegExp;
  /**
   * Returns the mark of a condition that the cursor does not have yet, so that nothing counts as reported.
   *
   * A condition about a state is evaluated at once. A condition about a change counts the changes since `since`, which
   * is a position in the cursor. If `since` is null, it counts the changes from now on.
   */
  readonly start: (subject: Subject, since: ValuesPosition | null) => string;
  /** Wakes the waiter whenever the result of `look` may have changed. Returns a function that removes the waiter. */
  readonly listen: (subject: Subject, waiter: Wakeable) => () => void;
  /**
   * Evaluates the condition. This may be expensive, so it is called only at the start of a wait and each time that the
   * waiter was woken.
   */
  readonly look: (subject: Subject, mark: string, context: CallContext) => Looked | Failure | Promise<Looked | Failure>;
  /**
   * Returns a newer mark in place of the mark that `look` returned. It is called only if nothing has woken the waiter
   * since `look`. If this member is absent, the mark does not change.
   */
  readonly rest?: (subject: Subject, mark: string) => string;
  /**
   * Set if the mark is the id of an event up to which all events are reported. The cursor also stores this id
   * separately, for later calls that wait for other events.
   */
  readonly isPosition?: true;
}

/** A row, bound to a subject. */
export class Condition {
  /** The name of the condition in a cursor. */
  readonly name: string;
  readonly #row: ConditionRow<unknown>;
  readonly #subject: unknown;

  constructor(row: ConditionRow<unknown>, subject: unknown) {
    this.#row = row;
    this.#subject = subject;
    this.name = nameOf(JSON.stringify([row.parameter, ...row.identity(subject)]));
  }

  get isPosition(): boolean {
    return this.#row.isPosition === true;
  }

  /** Returns whether a text has the form of this condition's marks. */
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

/** Declares a row. The subject's type is checked within the row, and is unknown to other code. */
export function conditionRow<Subject>(row: ConditionRow<Subject>): AnyConditionRow {
  // The cast is safe, because a row gets only subjects that its own `read` has made.
  return row as unknown as AnyConditionRow;
}
