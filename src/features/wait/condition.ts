/**
 * Defines the conditions of a wait. A `ConditionRow` declares one type of condition: the parameter that selects it, its
 * evaluation, and the changes that wake a waiter. The cursor keeps a text for each condition, which is called its mark.
 *
 * A condition may concern several objects, such as tasks. Each object is reported once, and the mark says which objects
 * were reported. This file defines the types. Its class `Condition` binds a row to the subject of a call, for example
 * to a key.
 */
import type { WaitParameter, WaitStatus } from "../../../schemas/wait.js";
import type { Failure } from "../../base/result.js";
import type { Wakeable } from "../../base/waiter.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import { nameOf } from "./cursor.js";
import type { ValuesPosition } from "./values-position.js";

/** The caller of a wait, with the options that apply to all of its conditions. */
export interface Requester {
  /** The id of the caller's instance; "" if the caller is not an instance. */
  readonly instance: string;
  /** The workspace in which names of instances and resources are searched; null for any workspace. */
  readonly workspace: string | null;
  readonly is: WaitStatus | null;
  /**
   * Whether the call waits if no condition holds. A call that does not wait need not subscribe to its patterns of
   * events.
   */
  readonly waits: boolean;
  readonly context: CallContext;
}

/** The result of an evaluation of a condition. */
export interface Looked {
  /**
   * The JSON text `{"kind",…}` to report. Null if the condition does not hold, or if the same state was already
   * reported.
   */
  readonly matched: string | null;
  /** The new mark. The next evaluation gets it. If it is "", the next call begins as if nothing had been reported. */
  readonly mark: string;
}

export interface ConditionRow<Subject> {
  readonly parameter: WaitParameter;
  /**
   * Converts the values of the parameter into subjects. Usually each value becomes one subject. A failure names the
   * parameter, or the subject that does not exist.
   */
  readonly read: (texts: readonly string[], requester: Requester) => readonly Subject[] | Failure;
  /**
   * Returns the values that distinguish a subject from other subjects of this row. In a cursor, the name of the
   * condition is a digest of these values.
   */
  readonly identity: (subject: Subject) => readonly unknown[];
  /**
   * Matches each valid mark of this condition except "". Marks must be checked, because a client may send a forged
   * cursor.
   */
  readonly marks: RegExp;
  /**
   * Returns the first mark of a condition for which the cursor has none.
   *
   * A condition about a state ignores `since`, because it is evaluated at once. A condition about changes counts the
   * changes after `since`, a position from the cursor. If `since` is null, it counts the changes from now on.
   */
  readonly start: (subject: Subject, since: ValuesPosition | null) => string;
  /** Wakes the waiter whenever the result of `look` may have changed. Returns a function that removes the waiter. */
  readonly listen: (subject: Subject, waiter: Wakeable) => () => void;
  /**
   * Evaluates the condition. This may be expensive, so it is done only at the start of a wait, and after each time that
   * the waiter was woken.
   */
  readonly look: (subject: Subject, mark: string, context: CallContext) => Looked | Failure | Promise<Looked | Failure>;
  /**
   * Returns a mark that is newer than the mark from `look`. Called only if nothing has woken the waiter since `look`.
   * If this member is absent, the mark stays the same.
   */
  readonly rest?: (subject: Subject, mark: string) => string;
  /**
   * Set if the mark is an event id, and all events up to this id count as reported. The cursor also stores this id
   * outside of the mark, for later calls that wait for other events.
   */
  readonly isPosition?: true;
}

/** One condition of a call: a row and its subject. */
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

  /** Returns whether a text is a valid mark of this condition. */
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

/** Declares a row. The type of its subjects is known only inside the row. */
export function conditionRow<Subject>(row: ConditionRow<Subject>): AnyConditionRow {
  // The cast is safe, because a row gets only subjects that its own `read` has returned.
  return row as unknown as AnyConditionRow;
}
