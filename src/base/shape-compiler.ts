/**
 * Compiles schemas to checks. The build makes a bundle of this module (deploy/build-programs.mjs), and each thread
 * loads the bundle at its first use.
 */
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";

/** The part of a compiled schema that Koor uses. */
export interface CompiledShape {
  Check(value: unknown): boolean;
  Errors(value: unknown): readonly ShapeError[];
}

/** A problem in a value, with its position in the value. */
export interface ShapeError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** Compiles a schema, in some milliseconds. */
export function compileShape(schema: TSchema): CompiledShape {
  return Compile(schema);
}
