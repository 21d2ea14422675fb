/**
 * Defines the interface of keywords that contain other schemas. A Site has the functions that such a keyword calls
 * while it is compiled. An ApplicatorRow is the keyword's entry in the table of applicators. Pure, any thread.
 */
import type { JsonObject } from "../contract.js";
import type { Dialect, Resource, Target } from "./documents.js";
import type { Check, Place, SchemaNode } from "./evaluation.js";
import type { Pattern } from "./pattern.js";

/**
 * All dynamic anchors of one name. All references to the name share this object, because a schema may have thousands of
 * anchors and thousands of references.
 */
export interface DynamicAnchors {
  readonly nodes: ReadonlyMap<Resource, SchemaNode>;
  /** A node that stands for any one of `nodes`. Its `below` contains all of them. */
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
  /** Returns the compiled pattern; null if the pattern cannot be used. */
  pattern(source: string, pointer: string): Pattern | null;
  /** Resolves a reference. `take` gets the target later, when this schema has been compiled. */
  refer(reference: unknown, keyword: string, take: (node: SchemaNode, target: Target) => void): void;
  /** Returns all possible targets of a dynamic reference. */
  dynamicAnchors(name: string): DynamicAnchors;
  /**
   * Records that a keyword has an invalid value. Returns null, so that `compile` can return the result of this call.
   */
  wrong(keyword: string, must: string): null;
}

export interface ApplicatorRow {
  readonly dialects: readonly Dialect[];
  /** Compiles the keyword; null if the keyword checks nothing or cannot be used. */
  readonly compile: (site: Site, value: unknown) => Check | null;
}

export const BOTH_DIALECTS: readonly Dialect[] = ["draft-07", "2020-12"];
export const DRAFT_2020: readonly Dialect[] = ["2020-12"];

/** Returns the position of a member or an element. `place` is the position of the object or array that contains it. */
export function placeBelow(place: Place, name: string | number): Place {
  return { parent: place, name };
}

export function isNameList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}
