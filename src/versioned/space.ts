/** The versioned key spaces: their tables, and what their keys are called towards clients. Pure. */
import { splitSpecKey, specName } from "../../schemas/specs.js";

export interface Space {
  /** The tables' prefix, and that of the RPC methods. */
  readonly name: "state" | "spec";
  /** What a key is called in a message: `key: K`, `spec: P/N`. */
  readonly described: (key: string) => string;
  /** The 404 for a key that is not there. */
  readonly missing: (key: string) => string;
  /** The members that name a key in an answer. */
  readonly identity: (key: string) => Readonly<Record<string, string>>;
  /** How a key stands in a `deleted` member. */
  readonly label: (key: string) => string;
}

export const STATE: Space = {
  name: "state",
  described: (key) => `key: ${key}`,
  missing: (key) => `key not found: ${key}`,
  identity: (key) => ({ key }),
  label: (key) => key,
};

export const SPECS: Space = {
  name: "spec",
  described: (key) => `spec: ${specName(key)}`,
  missing: (key) => `spec not found: ${specName(key)}`,
  identity: splitSpecKey,
  label: specName,
};
