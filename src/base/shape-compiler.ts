/** The compiler of schemas. A bundle of its own, which each thread loads when it first needs it (deploy/build.mjs). */
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";

/** What of a compiled schema is used. */
export interface CompiledShape {
  Check(value: unknown): boolean;
  Errors(value: unknown): readonly ShapeError[];
}

/** What is wrong with a value, and where. */
export interface ShapeError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** Compiles a schema; some ms each. */
export function compileShape(schema: TSchema): CompiledShape {
  return Compile(schema);
}
