/**
 * The member of a body that may be any JSON (an event's `data`, a task's `result`). It is taken as the text that was
 * sent, digit by digit, and never looked into. Pure, any thread.
 */
import type { TSchema } from "typebox";
import { must } from "./assert.js";
import { elementTexts, memberTexts } from "./json-text.js";

/** What of a schema says what a body is made of. */
interface Composed {
  readonly type?: string;
  readonly items?: Composed;
  readonly properties?: Readonly<Record<string, Composed>>;
  readonly anyOf?: readonly Composed[];
  readonly enum?: unknown;
  readonly const?: unknown;
}

const NO_TEXTS: readonly (string | null)[] = [];

/** Whether a schema takes any JSON. */
function isFree({ type, anyOf, enum: allowed, const: constant }: Composed): boolean {
  return type === undefined && anyOf === undefined && allowed === undefined && constant === undefined;
}

/** The objects that a body may be, or be an array of. */
function objectsOf({ items, properties, anyOf = [] }: Composed): readonly NonNullable<Composed["properties"]>[] {
  if (properties !== undefined) return [properties];
  return [...(items === undefined ? [] : objectsOf(items)), ...anyOf.flatMap(objectsOf)];
}

/** The name of the member that may be any JSON, of a body or of each of its items; null where there is none. */
export function freeMemberOf(schema: TSchema): string | null {
  const names = objectsOf(schema).flatMap((properties) =>
    Object.entries(properties).flatMap(([name, member]) => (isFree(member) ? [name] : [])),
  );
  const [name = null] = names;
  if (names.some((other) => other !== name)) throw new Error(`a body has one free member: ${names.join(", ")}`);
  return name;
}

/** The texts of a body's free member: of each item where it is an array. The body was read, and is of its schema. */
export function freeTexts(text: string, json: unknown, member: string | null): readonly (string | null)[] {
  if (member === null) return NO_TEXTS;
  const texts = Array.isArray(json) ? must(elementTexts(text), "the body was parsed as an array") : [text];
  return texts.map((each) => must(memberTexts(each), "the body was parsed as an object").get(member) ?? null);
}

/**
 * The value without what its schema does not name, and without free members: as much of it as the schema bounds.
 * @param json a value of the schema
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
