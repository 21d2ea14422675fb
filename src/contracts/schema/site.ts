/**
 * The interface of a keyword that holds other schemas: what it can use while its schema is compiled, and what its row
 * in the table of applicators provides. Pure, any thread.
 */
import type { JsonObject } from "../contract.js";
import type { Dialect, Resource, Target } from "./documents.js";
import type { Check, Place, SchemaNode } from "./evaluation.js";
import type { Pattern } from "./pattern.js";

/** The dynamic anchors of one name. References share them: a long schema may have thousands of both. */
export interface DynamicAnchors {
  readonly nodes: ReadonlyMap<Resource, SchemaNode>;
  /** A node that stands for a choice among the nodes: all of them are below it. */
  readonly choice: SchemaNode;
}

/** A schema that is being compiled. */
export interface Site {
  readonly schema: JsonObject;
  readonly node: SchemaNode;
  /** Returns the node of a schema that is evaluated on the same value; null if the value is no schema. */
  inPlace(value: unknown, pointer: string): SchemaNode | null;
  /** Returns the node of a schema that is evaluated on a part of the value; null if the value is no schema. */
  below(value: unknown, pointer: string): SchemaNode | null;
  /** Returns the pattern at a pointer; null if it cannot be used. */
  pattern(source: string, pointer: string): Pattern | null;
  /** Calls back with the target of a reference, after this schema was compiled. */
  refer(reference: unknown, keyword: string, take: (node: SchemaNode, target: Target) => void): void;
  /** Returns the possible targets of a dynamic reference. */
  dynamicAnchors(name: string): DynamicAnchors;
  /** Records that a keyword's value cannot be used. Returns null, as the caller's result. */
  wrong(keyword: string, must: string): null;
}

export interface ApplicatorRow {
  readonly dialects: readonly Dialect[];
  /** Returns null if the keyword checks nothing, or cannot be used. */
  readonly compile: (site: Site, value: unknown) => Check | null;
}

export const BOTH_DIALECTS: readonly Dialect[] = ["draft-07", "2020-12"];
export const DRAFT_2020: readonly Dialect[] = ["2020-12"];

/** Returns the place of a member or an element. */
export function placeBelow(place: Place, name: string | number): Place {
  return { parent: place, name };
}

export function isNameList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}
