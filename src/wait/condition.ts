/**
 * Defines the conditions of a wait. A `ConditionRow` describes one type of condition: the parameter that selects it,
 * how it is evaluated, which changes wake a waiter, and the text that a cursor keeps for it (its mark). One condition
 * may cover several things, such as tasks. Each is then reported once, and the mark says which were reported. This file
 * has the types, and binds a row to the subject of a call.
 */
import type { WaitParameter, WaitStatus } from "../../schemas/wait.js";
import type { Failure } from "../base/result.js";
import type { Wakeable } from "../base/waiter.js";
import type { CallContext } from "../rpc/frames.js";
import { nameOf } from "./cursor.js";
import type { ValuesPosition } from "./values-position.js";

/** The caller of a wait, and the options that all of its conditions share. */
export interface Requester {
  /** The id of the caller's instance; "" if the caller is not an instance. */
  readonly instance: string;
  /** The workspace in which instances and resources are looked for; null for any workspace. */
  readonly workspace: string | null;
  readonly is: WaitStatus | null;
  readonly context: CallContext;
}

/** The result of a look. */
export interface Looked {
  /** The result `{"kind",…}` as JSON. Null if the condition does not hold, or has not changed since it was reported. */
  readonly matched: string | null;
  /**
   * The text that the cursor keeps for the next evaluation. If it is "", the next call starts as if nothing was
   * reported.
   */
  readonly mark: string;
}

export interface ConditionRow<Subject> {
  readonly parameter: WaitParameter;
  /**
   * Parses the values of the parameter. Usually each value is one subject. A refusal names the parameter, or the
   * subject that does not exist.
   */
  readonly read: (texts: readonly string[], requester: Requester) => readonly Subject[] | Failure;
  /**
   * Returns values that identify a subject among the subjects of this row. The condition's name in a cursor is made
   * from them.
   */
  readonly identity: (subject: Subject) => readonly unknown[];
  /**
   * Matches the marks of this condition, except "". Marks must be checked because a client may have made up the cursor.
   */
  readonly marks: RegExp;
  /**
   * Returns the first mark, for a condition that is not in the cursor. Nothing of it was reported yet. A condition
   * about a state is evaluated at once. A condition about a change counts changes from `since`, the position in the
   * cursor, or from now if the cursor has none.
   */
  readonly start: (subject: Subject, since: ValuesPosition | null) => string;
  /** Wakes a waiter whenever the result of `look` may change. Returns a function that removes the waiter. */
  readonly listen: (subject: Subject, waiter: Wakeable) => () => void;
  /**
   * Evaluates the condition. This may be expensive, so it happens only once when the wait begins, and after the waiter
   * was woken.
   */
  readonly look: (subject: Subject, mark: string, context: CallContext) => Looked | Failure | Promise<Looked | Failure>;
  /**
   * Returns a newer mark. It is called only if nothing has woken the waiter since `look` returned this mark. If absent,
   * the mark stays.
   */
  readonly rest?: (subject: Subject, mark: string) => string;
  /**
   * Set if the mark is an event id up to which all events are reported. Later calls that wait for other events use that
   * id too, because the cursor keeps it separately.
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

/** Declares a row. The type of the subject is checked inside the row and hidden outside. */
export function conditionRow<Subject>(row: ConditionRow<Subject>): AnyConditionRow {
  // The cast is safe: a row gets only subjects that its own `read` has made.
  return row as unknown as AnyConditionRow;
}
