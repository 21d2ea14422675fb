/**
 * The formats of JSON Schema and OpenAPI, with the checks of the library ajv-formats. If the check of a format may
 * backtrack, only strings of a limited length are allowed. Runs in the pool.
 */
import { CONTRACT_FORMAT_CHARACTERS_MAX } from "../../../../schemas/limits/contracts.js";
import { must } from "../../../base/assert.js";
import type { JsonNumber } from "../../../base/exact-number.js";

/** Whether a string or number has the format. */
export type FormatTest = (value: string | JsonNumber) => boolean;

/** The formats that are checked on strings of any length, because their checks take linear time or do nothing. */
const LONG_FORMATS: ReadonlySet<string> = new Set(["byte", "binary", "password"]);
/**
 * Formats of the library that are left out. `url` is not a format of JSON Schema, and its check can take unlimited
 * time.
 */
const LEFT_OUT_FORMATS: ReadonlySet<string> = new Set(["url"]);

type StringCheck = RegExp | ((value: string) => boolean);
/** A format as the library defines it. */
type LibraryFormat =
  | boolean
  | StringCheck
  | { readonly type?: "string"; readonly validate: StringCheck }
  | { readonly type: "number"; readonly validate: (value: number) => boolean };

let tests: ReadonlyMap<string, FormatTest> | undefined;

/** Loads the formats. Must be called once in each thread, before the first schema is compiled. */
export async function loadFormats(): Promise<void> {
  if (tests !== undefined) return;
  const library = await import("ajv-formats/dist/formats.js");
  // The library is a CommonJS package. After bundling, its members are only in the default export.
  const formats = Object.entries(library.default.fullFormats as unknown as Readonly<Record<string, LibraryFormat>>);
  tests = new Map(
    formats
      .filter(([name]) => !LEFT_OUT_FORMATS.has(name))
      .map(([name, format]) => [name, testOf(format, LONG_FORMATS.has(name))]),
  );
}

/** Returns the test of a format. Returns null for an unknown format, for which every value is valid. */
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
