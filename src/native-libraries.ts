/**
 * The library with native code that has no other in its place, tried before anything else: where it cannot load, the
 * operator gets one line that says what to do. Runs once, at the start.
 */
import { reasonOf } from "./base/reason.js";

interface NativeLibrary {
  readonly name: string;
  readonly load: () => Promise<unknown>;
  readonly remedy: string;
}

const NATIVE_LIBRARIES: readonly NativeLibrary[] = [
  {
    name: "better-sqlite3",
    load: async () => {
      const { default: Database } = await import("better-sqlite3");
      // The binary is loaded with the first database, not with the package.
      new Database(":memory:").close();
    },
    remedy: "rebuild it for this Node with: npm rebuild better-sqlite3",
  },
];

/** Null where both load; else the line for the operator. */
export async function checkNativeLibraries(): Promise<string | null> {
  for (const { name, load, remedy } of NATIVE_LIBRARIES) {
    try {
      await load();
    } catch (error) {
      const reason = reasonOf(error).split("\n")[0];
      return `${name} cannot load: ${remedy} (${reason})`;
    }
  }
  return null;
}
