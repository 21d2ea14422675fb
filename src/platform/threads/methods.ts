/**
 * Combines the method types of all threads into one, because each thread has its own type of methods. The table of all
 * methods is src/methods.ts.
 */
import type { PoolMethod } from "./pool-method.js";
import type { StagingMethod } from "./staging-method.js";
import type { WriterMethod } from "./writer-method.js";

export type AnyMethod = WriterMethod | PoolMethod | StagingMethod;

export function isWriterMethod(method: AnyMethod): method is WriterMethod {
  return method.runsIn === "writer";
}

export function isPoolMethod(method: AnyMethod): method is PoolMethod {
  return method.runsIn === "pool";
}

/** Returns the methods among the exports of modules. */
export function methodsIn(...modules: readonly object[]): AnyMethod[] {
  return modules.flatMap((module) => Object.values(module).filter(isMethod));
}

function isMethod(value: unknown): value is AnyMethod {
  return typeof value === "object" && value !== null && "runsIn" in value;
}
