/** The versioned key spaces: their tables, and the names of their keys for clients. Pure. */
import { splitSpecKey, specName } from "../../schemas/specs.js";

export interface Space {
  /** The prefix of the tables and of the RPC methods. */
  readonly name: "state" | "spec";
  /** Returns the name of a key in a message: `key: K`, `spec: P/N`. */
  readonly described: (key: string) => string;
  /** Returns the message of the 404 for a missing key. */
  readonly missing: (key: string) => string;
  /** Returns the members that name a key in an answer. */
  readonly identity: (key: string) => Readonly<Record<string, string>>;
  /** Returns the name of a key in a `deleted` member. */
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
