/**
 * The formats of JSON Schema and OpenAPI, as ajv-formats checks them. Strings whose check backtracks are bounded in
 * length. Runs in the pool.
 */
import { CONTRACT_FORMAT_CHARACTERS_MAX } from "../../../schemas/limits.js";
import { must } from "../../base/assert.js";
import type { JsonNumber } from "../../base/exact-number.js";

/** Returns whether a string or a number has a format. */
export type FormatTest = (value: string | JsonNumber) => boolean;

/** The formats without a bound: their checks are linear, or look at nothing. */
const LONG_FORMATS: ReadonlySet<string> = new Set(["byte", "binary", "password"]);
/** Not a format of JSON Schema, and slow beyond any bound. */
const LEFT_OUT_FORMATS: ReadonlySet<string> = new Set(["url"]);

type StringCheck = RegExp | ((value: string) => boolean);
/** A format as the library defines it. */
type LibraryFormat =
  | boolean
  | StringCheck
  | { readonly type?: "string"; readonly validate: StringCheck }
  | { readonly type: "number"; readonly validate: (value: number) => boolean };

let tests: ReadonlyMap<string, FormatTest> | undefined;

/** Loads the formats. Each thread calls it once, before it compiles the first schema. */
export async function loadFormats(): Promise<void> {
  if (tests !== undefined) return;
  const library = await import("ajv-formats/dist/formats.js");
  // After bundling, a CommonJS package's members are only on its default export.
  const formats = Object.entries(library.default.fullFormats as unknown as Readonly<Record<string, LibraryFormat>>);
  tests = new Map(
    formats
      .filter(([name]) => !LEFT_OUT_FORMATS.has(name))
      .map(([name, format]) => [name, testOf(format, LONG_FORMATS.has(name))]),
  );
}

/** Returns the test of a format; null for an unknown one, which every value satisfies. */
export function formatTest(name: string): FormatTest | null {
  return must(tests, "the formats are loaded").get(name) ?? null;
}

function testOf(format: LibraryFormat, isLong: boolean): FormatTest {
  if (typeof format === "boolean") return () => format;
  if (format instanceof RegExp || typeof format === "function") return stringTest(format, isLong);
  if (format.type !== "number") return stringTest(format.validate, isLong);
  const { validate } = format;
  return (value) => typeof value === "string" || validate(Number(value));
}

function stringTest(check: StringCheck, isLong: boolean): FormatTest {
  const test = check instanceof RegExp ? (value: string) => check.test(value) : check;
  return (value) =>
    typeof value !== "string" || ((isLong || value.length <= CONTRACT_FORMAT_CHARACTERS_MAX) && test(value));
}
