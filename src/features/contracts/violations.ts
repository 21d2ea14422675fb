/**
 * Collects the violations of a check, and sorts them by path. Their number and total length are limited, so that the
 * violations of a hostile payload do not take more memory than the payload itself. Pure, any thread.
 */
import type { Violation } from "../../../schemas/contracts.js";
import {
  CONTRACT_MESSAGE_CHARACTERS_MAX,
  CONTRACT_NAMES_LISTED_MAX,
  CONTRACT_PATH_CHARACTERS_MAX,
  CONTRACT_VALUE_CHARACTERS_MAX,
  CONTRACT_VIOLATIONS_CHARACTERS_MAX,
  CONTRACT_VIOLATIONS_MAX,
} from "../../../schemas/limits/contracts.js";
import { ExactNumber } from "../../base/exact-number.js";
import { shorten } from "../../../shared/shorten.js";

export class Violations {
  readonly #found: Violation[] = [];
  #characters = 0;

  /** Whether further violations would be dropped. The caller may then stop the walk of the payload. */
  get full(): boolean {
    return this.#found.length >= CONTRACT_VIOLATIONS_MAX || this.#characters >= CONTRACT_VIOLATIONS_CHARACTERS_MAX;
  }

  add(path: string, message: string): void {
    if (this.full) return;
    const place = shorten(path, CONTRACT_PATH_CHARACTERS_MAX);
    const shortened = shorten(message, CONTRACT_MESSAGE_CHARACTERS_MAX);
    this.#found.push({ path: place, message: shortened });
    this.#characters += place.length + shortened.length;
  }

  /**
   * Returns the violations sorted by path, in the order of UTF-16 code units. Violations of the same path keep their
   * order.
   */
  sorted(): Violation[] {
    return this.#found.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }
}

/** Returns JSON's name of a value's type. */
export function typeName(value: unknown): string {
  if (value === null) return "null";
  if (value instanceof ExactNumber) return "number";
  return Array.isArray(value) ? "array" : typeof value;
}

/** Shortens a text for a message to the allowed length. */
export function cut(text: string): string {
  return shorten(text, CONTRACT_VALUE_CHARACTERS_MAX);
}

/** Returns the value as JSON, truncated if it is long. */
function shown(value: unknown): string {
  if (value instanceof ExactNumber) return cut(value.text);
  return typeof value === "string" ? JSON.stringify(cut(value)) : cut(beginOf(value, CONTRACT_VALUE_CHARACTERS_MAX));
}

/**
 * Returns the beginning of a value's JSON text. The beginning has at least `characters` characters, unless the whole
 * text is shorter. The remaining text is never built, because the caller would cut it off.
 */
function beginOf(value: unknown, characters: number): string {
  if (typeof value !== "object" || value === null || value instanceof ExactNumber)
    return textBeginOf(value, characters);
  const isArray = Array.isArray(value);
  let text = isArray ? "[" : "{";
  let isFirst = true;
  for (const name in value) {
    if (text.length > characters) return text;
    if (!isFirst) text += ",";
    isFirst = false;
    if (!isArray) text += `${textBeginOf(name, characters)}:`;
    text += beginOf((value as Readonly<Record<string, unknown>>)[name], characters - text.length);
  }
  return text + (isArray ? "]" : "}");
}

function textBeginOf(value: unknown, characters: number): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return value.length > characters ? JSON.stringify(value.slice(0, Math.max(0, characters))) : JSON.stringify(value);
}

function listed(values: readonly unknown[]): string {
  const words = values
    .slice(0, CONTRACT_NAMES_LISTED_MAX)
    .map((one) => (typeof one === "string" ? cut(one) : shown(one)));
  return `${words.join(", ")}${values.length > CONTRACT_NAMES_LISTED_MAX ? ", …" : ""}`;
}

// The messages of violations. Maps of fields and JSON Schemas use the same messages.
export const MESSAGES = {
  missing: (name: string) => `missing required field ${JSON.stringify(cut(name))}`,
  unexpected: (name: string, known: readonly string[]) =>
    `unexpected field ${JSON.stringify(cut(name))} (contract defines: ${listed(known)})`,
  nullField: (name: string) => `field ${JSON.stringify(cut(name))} is null but not nullable`,
  nullElement: "array element is null but not nullable",
  type: (expected: string, value: unknown) => `expected ${expected}, got ${typeName(value)}`,
  notAllowed: (value: unknown, allowed: readonly unknown[]) =>
    `value ${shown(value)} not in allowed enum: [${listed(allowed)}]`,
  unknownType: (type: string) => `unknown type ${JSON.stringify(cut(type))} in contract`,
} as const;
