/**
 * Finds the free member of a request body. This is the member that may be any JSON, such as an event's `data` or a
 * task's `result`. The server stores it as the exact text that the client sent, so that no digit of a number changes.
 * Pure, any thread.
 */
import type { TSchema } from "typebox";
import { must } from "./assert.js";
import { elementTexts, memberTexts } from "../../shared/json-text.js";

/** The keywords of a JSON schema that this module evaluates. */
interface Composed {
  readonly type?: string;
  readonly items?: Composed;
  readonly properties?: Readonly<Record<string, Composed>>;
  readonly anyOf?: readonly Composed[];
  readonly enum?: unknown;
  readonly const?: unknown;
}

const NO_TEXTS: readonly (string | null)[] = [];

/** Returns whether a schema accepts any JSON. */
function isFree({ type, anyOf, enum: allowed, const: constant }: Composed): boolean {
  return type === undefined && anyOf === undefined && allowed === undefined && constant === undefined;
}

/**
 * Returns the `properties` of each object type that a schema allows. If the body is an array, the types are those of
 * its items.
 */
function objectsOf({ items, properties, anyOf = [] }: Composed): readonly NonNullable<Composed["properties"]>[] {
  if (properties !== undefined) return [properties];
  return [...(items === undefined ? [] : objectsOf(items)), ...anyOf.flatMap(objectsOf)];
}

/**
 * Returns the name of the free member of a body, or of each item of an array; null if the schema has no such member.
 */
export function freeMemberOf(schema: TSchema): string | null {
  const names = objectsOf(schema).flatMap((properties) =>
    Object.entries(properties).flatMap(([name, member]) => (isFree(member) ? [name] : [])),
  );
  const [name = null] = names;
  if (names.some((other) => other !== name)) throw new Error(`a body has one free member: ${names.join(", ")}`);
  return name;
}

/**
 * Returns the JSON texts of a body's free member. A body that is an array has one text for each item; any other body
 * has one text. The body must have been checked against its schema.
 */
export function freeTexts(text: string, json: unknown, member: string | null): readonly (string | null)[] {
  if (member === null) return NO_TEXTS;
  const texts = Array.isArray(json) ? must(elementTexts(text), "the body was parsed as an array") : [text];
  return texts.map((each) => must(memberTexts(each), "the body was parsed as an object").get(member) ?? null);
}

/**
 * Removes the members that may be any JSON, and the members that the schema does not name. So the rest is small: the
 * schema limits its size.
 * @param json a value that fits the schema
 */
export function withoutFree(json: unknown, schema: TSchema): unknown {
  return reduce(json, schema);
}

function reduce(json: unknown, { items, properties, anyOf }: Composed): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (anyOf !== undefined) {
    const kind = Array.isArray(json) ? "array" : "object";
    return reduce(
      json,
      must(
        anyOf.find(({ type }) => type === kind),
        "the value is of the schema",
      ),
    );
  }
  if (Array.isArray(json)) return items === undefined ? json : json.map((item: unknown) => reduce(item, items));
  if (properties === undefined) return json;
  const given = json as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, member]) =>
      Object.hasOwn(given, name) && !isFree(member) ? [[name, reduce(given[name], member)]] : [],
    ),
  );
}
