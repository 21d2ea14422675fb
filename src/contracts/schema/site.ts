/**
 * What a keyword that holds other schemas sees while its schema is compiled, and what its row in the table of
 * applicators says. Pure, any thread.
 */
import type { JsonObject } from "../contract.js";
import type { Dialect, Resource, Target } from "./documents.js";
import type { Check, Place, SchemaNode } from "./evaluation.js";
import type { Pattern } from "./pattern.js";

/** The dynamic anchors of one name. References share them: in a long schema there may be thousands of both. */
export interface DynamicAnchors {
  readonly nodes: ReadonlyMap<Resource, SchemaNode>;
  /** Stands for a choice among the nodes: it has all of them below it. */
  readonly choice: SchemaNode;
}

/** A schema that is being compiled. */
export interface Site {
  readonly schema: JsonObject;
  readonly node: SchemaNode;
  /** The node of a schema that is evaluated on the same value, null where it is none. */
  inPlace(value: unknown, pointer: string): SchemaNode | null;
  /** The node of a schema that is evaluated on a part of the value, null where it is none. */
  below(value: unknown, pointer: string): SchemaNode | null;
  /** The pattern that stands at a pointer, null where it cannot be used. */
  pattern(source: string, pointer: string): Pattern | null;
  /** Calls back with what a reference leads to, after this schema was compiled. */
  refer(reference: unknown, keyword: string, take: (node: SchemaNode, target: Target) => void): void;
  /** What a dynamic reference may lead to. */
  dynamicAnchors(name: string): DynamicAnchors;
  /** Notes that a keyword's value cannot be used; null, for whoever returns it. */
  wrong(keyword: string, must: string): null;
}

export interface ApplicatorRow {
  readonly dialects: readonly Dialect[];
  /** Null where the keyword says nothing, or cannot be used. */
  readonly compile: (site: Site, value: unknown) => Check | null;
}

export const BOTH_DIALECTS: readonly Dialect[] = ["draft-07", "2020-12"];
export const DRAFT_2020: readonly Dialect[] = ["2020-12"];

/** The place of a member or an element. */
export function placeBelow(place: Place, name: string | number): Place {
  return { parent: place, name };
}

export function isNameList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}
