/**
 * What a condition is: a row says which parameter asks for it, what it looks at, whom it has wake a waiter, and what of
 * it a cursor keeps. Many things of one kind, each to be reported once, are one condition whose mark says which were.
 * Types, and the binding of a row to what a call asks for.
 */
import type { WaitParameter, WaitStatus } from "../../schemas/wait.js";
import type { Failure } from "../base/result.js";
import type { Wakeable } from "../base/waiter.js";
import type { CallContext } from "../rpc/frames.js";
import { nameOf } from "./cursor.js";
import type { ValuesPosition } from "./values-position.js";

/** Who asks, and what holds for all of its conditions. */
export interface Requester {
  /** The instance that it acts as; "" for none. */
  readonly instance: string;
  /** Where instances and resources are looked for; null for anywhere. */
  readonly workspace: string | null;
  readonly is: WaitStatus | null;
  readonly context: CallContext;
}

/** What a look has found. */
export interface Looked {
  /** `{"kind",…}` as JSON; null where the condition does not hold, or nothing has changed since it was reported. */
  readonly matched: string | null;
  /** What the cursor keeps: with it the next look goes on. "" says no more than a cursor that does not know it. */
  readonly mark: string;
}

export interface ConditionRow<Subject> {
  readonly parameter: WaitParameter;
  /** What is asked for, mostly one thing a text; a refusal names the parameter, or what is not there. */
  readonly read: (texts: readonly string[], requester: Requester) => readonly Subject[] | Failure;
  /** What tells a subject from others of the row, in a cursor. */
  readonly identity: (subject: Subject) => readonly unknown[];
  /** What its marks look like but for "": a cursor may have been made up. */
  readonly marks: RegExp;
  /**
   * The mark of a condition that the cursor does not know: nothing of it was reported. What holds is looked at; what
   * happens counts from `since` on, the place that the cursor has, else from now on.
   */
  readonly start: (subject: Subject, since: ValuesPosition | null) => string;
  /** Has a waiter woken by whatever may change what `look` finds; the function that is returned ends that. */
  readonly listen: (subject: Subject, waiter: Wakeable) => () => void;
  /** Costs what it looks at; only called when the waiter was woken, and once at first. */
  readonly look: (subject: Subject, mark: string, context: CallContext) => Looked | Failure | Promise<Looked | Failure>;
  /** The mark when nothing has woken the waiter since the look that gave this one; the same where it is absent. */
  readonly rest?: (subject: Subject, mark: string) => string;
  /** Its mark is the event up to which all is reported, which the cursor has for whoever asks for events later. */
  readonly is_position?: true;
}

/** A row with what a call asks for. */
export class Condition {
  /** In a cursor. */
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

  /** Whether a mark could be of this condition. */
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

/** A row whatever its subjects are. */
export type AnyConditionRow = ConditionRow<unknown>;

/** A row; what it looks at is typed by it. */
export function conditionRow<Subject>(row: ConditionRow<Subject>): AnyConditionRow {
  // Only what the row's own `read` has made comes back to it.
  return row as unknown as AnyConditionRow;
}
