/**
 * Defines how a keyword that contains other schemas is compiled: the functions that it can use meanwhile (Site), and
 * the entry that it has in the table of applicators (ApplicatorRow). Pure, any thread.
 */
import type { JsonObject } from "../contract.js";
import type { Dialect, Resource, Target } from "./documents.js";
import type { Check, Place, SchemaNode } from "./evaluation.js";
import type { Pattern } from "./pattern.js";

/**
 * All dynamic anchors with one name. The references to that name share this object, because a long schema may have
 * thousands of anchors and of references.
 */
export interface DynamicAnchors {
  readonly nodes: ReadonlyMap<Resource, SchemaNode>;
  /** A node that stands for the choice among `nodes`. It has all of them in its `below`. */
  readonly choice: SchemaNode;
}

/** A schema that is being compiled. */
export interface Site {
  readonly schema: JsonObject;
  readonly node: SchemaNode;
  /** Returns the node of a subschema that is evaluated on the same value; null if `value` is not a schema. */
  inPlace(value: unknown, pointer: string): SchemaNode | null;
  /** Returns the node of a subschema that is evaluated on a part of the value; null if `value` is not a schema. */
  below(value: unknown, pointer: string): SchemaNode | null;
  /** Returns the compiled pattern at a pointer; null if the pattern cannot be used. */
  pattern(source: string, pointer: string): Pattern | null;
  /** Calls `take` with the target of a reference. The call comes after this schema was compiled. */
  refer(reference: unknown, keyword: string, take: (node: SchemaNode, target: Target) => void): void;
  /** Returns the possible targets of a dynamic reference. */
  dynamicAnchors(name: string): DynamicAnchors;
  /**
   * Records that the value of a keyword cannot be used. Returns null, so that `compile` can return the result of this
   * call.
   */
  wrong(keyword: string, must: string): null;
}

export interface ApplicatorRow {
  readonly dialects: readonly Dialect[];
  /** Compiles the keyword. Returns null if the keyword checks nothing, or cannot be used. */
  readonly compile: (site: Site, value: unknown) => Check | null;
}

export const BOTH_DIALECTS: readonly Dialect[] = ["draft-07", "2020-12"];
export const DRAFT_2020: readonly Dialect[] = ["2020-12"];

/** Returns the position of a member or an element of the value at `place`. */
export function placeBelow(place: Place, name: string | number): Place {
  return { parent: place, name };
}

export function isNameList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}
