/**
 * The formats of JSON Schema and OpenAPI, as ajv-formats checks them. Strings that are matched by backtracking are
 * bounded. Runs in the pool.
 */
import { CONTRACT_FORMAT_CHARACTERS_MAX } from "../../../schemas/limits.js";
import { must } from "../../base/assert.js";
import type { JsonNumber } from "../../base/exact-number.js";

/** Whether a string or a number is of a format. */
export type FormatTest = (value: string | JsonNumber) => boolean;

/** Formats that need no bound: they are linear, or look at nothing. */
const LONG_FORMATS: ReadonlySet<string> = new Set(["byte", "binary", "password"]);
/** No format of JSON Schema, and slow beyond any bound. */
const LEFT_OUT_FORMATS: ReadonlySet<string> = new Set(["url"]);

type StringCheck = RegExp | ((value: string) => boolean);
/** As the library has it. */
type LibraryFormat =
  | boolean
  | StringCheck
  | { readonly type?: "string"; readonly validate: StringCheck }
  | { readonly type: "number"; readonly validate: (value: number) => boolean };

let tests: ReadonlyMap<string, FormatTest> | undefined;

/** Loads the formats: once a thread, before the first schema is compiled. */
export async function loadFormats(): Promise<void> {
  if (tests !== undefined) return;
  const library = await import("ajv-formats/dist/formats.js");
  // Once bundled, a CommonJS package's members are on its default alone.
  const formats = Object.entries(library.default.fullFormats as unknown as Readonly<Record<string, LibraryFormat>>);
  tests = new Map(
    formats
      .filter(([name]) => !LEFT_OUT_FORMATS.has(name))
      .map(([name, format]) => [name, testOf(format, LONG_FORMATS.has(name))]),
  );
}

/** The test of a format; null of one that is not known, which every value is of. */
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
