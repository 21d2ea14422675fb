/**
 * Members of a JSON object that was sent, read one at a time where a schema cannot say what must hold of them:
 * lengths in bytes, names, Unicode. Pure, any thread. What is wrong is thrown as WrongMember, and caught by
 * the one function that reads the object as a whole.
 */
import { hasControlCharacter, utf8Length } from "./path.js";

export type Members = Readonly<Record<string, unknown>>;

/** A member that is wrong ends the reading of its object; the message is the sentence of the 400. */
export class WrongMember extends Error {}

/** The value as an object; undefined where it is none. */
export function membersOf(value: unknown): Members | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
}

/** A member of its own; undefined where there is none. */
export function memberOf(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}

/** Throws where the value is not valid text of at most so many bytes. */
export function checkText(value: unknown, name: string, bytes_max: number): asserts value is string {
  if (typeof value !== "string") throw new WrongMember(`${name} must be a string`);
  if (!value.isWellFormed()) throw new WrongMember(`${name} must be valid Unicode`);
  if (utf8Length(value) > bytes_max) throw new WrongMember(`${name} is longer than ${bytes_max} bytes`);
}

/** A text; the fallback where it is missing or empty. */
export function readText(members: Members, name: string, bytes_max: number, fallback = ""): string {
  const value = memberOf(members, name);
  if (value === undefined || value === "") return fallback;
  checkText(value, name, bytes_max);
  return value;
}

/** A text that names something: required, and without control characters. */
export function readName(members: Members, name: string, bytes_max: number): string {
  const value = readText(members, name, bytes_max);
  if (value === "") throw new WrongMember(`${name} is required`);
  if (hasControlCharacter(value)) throw new WrongMember(`${name} must not contain control characters`);
  return value;
}
