/**
 * One evaluation of a payload against a compiled schema. It collects the errors, and records which parts of the payload
 * were evaluated. For dynamic references, it tracks the resources that it has entered. It detects a schema that refers
 * to itself on the same value. Pure, any thread.
 */
import { STEPS_A_LOOKUP, type CheckSteps } from "../check-steps.js";
import type { Resource } from "./documents.js";

/**
 * The position of a value in the payload. A Place object belongs to one value only, so the same object always means the
 * same value.
 */
export interface Place {
  readonly parent: Place | null;
  readonly name: string | number;
}

export interface SchemaError {
  readonly place: Place;
  /** The member that the error is about; null if it is about the value at `place`. */
  readonly member: string | null;
  /**
   * Builds the message. It is called only for errors that are reported. Most errors are never reported, for example
   * because another schema of an `anyOf` matches.
   */
  readonly message: () => string;
}

/** Returns whether a value satisfies a keyword. */
export type Check = (run: Evaluation, value: unknown, place: Place, evaluated: Evaluated | null) => boolean;

export interface SchemaNode {
  /** The position of the node in the schema, as a JSON Pointer or a URI. */
  readonly where: string;
  readonly resource: Resource;
  readonly checks: Check[];
  /**
   * The checks of `unevaluatedProperties` and `unevaluatedItems`. They run last, because they apply to the parts of the
   * value that no other keyword has evaluated.
   */
  readonly lateChecks: Check[];
  /** True if null is valid, even if the keywords do not allow it. */
  nullable: boolean;
  /** The nodes that are evaluated on the same value as this node. */
  readonly inPlace: SchemaNode[];
  /** The nodes that are evaluated on parts of this node's value. */
  readonly below: SchemaNode[];
}

/** The members or elements of a value that a schema's keywords have evaluated. */
export class Evaluated {
  #all = false;
  readonly #names = new Set<string | number>();

  add(name: string | number): void {
    this.#names.add(name);
  }

  addAll(): void {
    this.#all = true;
  }

  get size(): number {
    return this.#names.size;
  }

  addFrom(other: Evaluated): void {
    if (other.#all) this.#all = true;
    for (const name of other.#names) this.#names.add(name);
  }

  has(name: string | number): boolean {
    return this.#all || this.#names.has(name);
  }
}

/** A search visits this many resources in the time of one step. */
const RESOURCES_A_STEP = 16;
/** A search visits this many frames (followed references) in the time of one step. */
const FRAMES_A_STEP = 64;

/** A reference that is being followed: its target, and the position of the value on which the target is evaluated. */
interface Frame {
  readonly node: SchemaNode;
  readonly place: Place;
  readonly scope: readonly Resource[];
  readonly outer: Frame | null;
}

/** Thrown for a schema that refers to itself on the same value, because its evaluation would never end. */
export class EndlessReference extends Error {
  override readonly name = "EndlessReference";
}

export class Evaluation {
  readonly errors: SchemaError[] = [];
  readonly #errorsMax: number;
  /** The number of nested calls of `matches` that are running. Errors are recorded only while it is 0. */
  #quiet = 0;
  /** The resources that the evaluation has entered, the outermost one first. */
  #scope: readonly Resource[] = [];
  #frame: Frame | null = null;

  /**
   * @param errorsMax the number of errors at which the evaluation stops
   * @param steps the budget of the evaluation
   */
  constructor(
    errorsMax: number,
    readonly steps: CheckSteps,
  ) {
    this.#errorsMax = errorsMax;
  }

  /** True if no further error would be reported. */
  get stops(): boolean {
    return this.#quiet > 0 || this.errors.length >= this.#errorsMax;
  }

  get scope(): readonly Resource[] {
    return this.#scope;
  }

  /** Records an error. Returns false, so that a check can return the result of this call. */
  fail(place: Place, message: () => string, member: string | null = null): false {
    if (!this.stops) this.errors.push({ place, member, message });
    return false;
  }

  evaluate(node: SchemaNode, value: unknown, place: Place, evaluated: Evaluated | null): boolean {
    if (value === null && node.nullable) return true;
    const outerScope = this.#scope;
    this.steps.take(1 + outerScope.length / RESOURCES_A_STEP);
    if (!outerScope.includes(node.resource)) this.#scope = [...outerScope, node.resource];
    const own = evaluated !== null || node.lateChecks.length > 0 ? new Evaluated() : null;
    const valid =
      this.#all(node.checks, value, place, own) &&
      (node.lateChecks.length === 0 || this.#all(node.lateChecks, value, place, own));
    this.#scope = outerScope;
    if (valid && evaluated !== null && own !== null) {
      this.steps.take(own.size * STEPS_A_LOOKUP);
      evaluated.addFrom(own);
    }
    return valid;
  }

  /**
   * Evaluates the target of a reference. Throws EndlessReference if the same target is already being evaluated on the
   * same value.
   */
  evaluateReference(node: SchemaNode, value: unknown, place: Place, evaluated: Evaluated | null): boolean {
    const outer = this.#frame;
    const scope = this.#scope;
    for (let frame = outer; frame !== null && frame.place === place; frame = frame.outer) {
      this.steps.take(1 / FRAMES_A_STEP);
      if (frame.node === node && frame.scope === scope) throw new EndlessReference(node.where);
    }
    this.#frame = { node, place, scope, outer };
    const valid = this.evaluate(node, value, place, evaluated);
    this.#frame = outer;
    return valid;
  }

  /** Does the same as `evaluate`, but records no errors. */
  matches(node: SchemaNode, value: unknown, place: Place, evaluated: Evaluated | null): boolean {
    this.#quiet += 1;
    const valid = this.evaluate(node, value, place, evaluated);
    this.#quiet -= 1;
    return valid;
  }

  /** Drops all errors after the first `kept`. The dropped errors belong to alternatives that did not have to match. */
  dropErrors(kept: number): void {
    if (this.errors.length > kept) this.errors.length = kept;
  }

  #all(checks: readonly Check[], value: unknown, place: Place, evaluated: Evaluated | null): boolean {
    let valid = true;
    for (const check of checks) {
      this.steps.take(1);
      if (check(this, value, place, evaluated)) continue;
      valid = false;
      if (this.stops) return false;
    }
    return valid;
  }
}
