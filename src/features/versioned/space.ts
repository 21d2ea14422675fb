/**
 * Defines the two versioned key spaces, state and specs. A definition has the names of the tables, and the ways in
 * which answers, messages and logs name a key. Pure.
 */
import { splitSpecKey, specName } from "../../../schemas/specs.js";
import { shorten } from "../../../shared/shorten.js";

export interface Space {
  /** The prefix of the names of the space's tables and methods. */
  readonly name: "state" | "spec";
  /** Returns a key as error messages name it: `key: K` for state, `spec: P/N` for specs. */
  readonly described: (key: string) => string;
  /** Returns the error message for a key that does not exist. */
  readonly missing: (key: string) => string;
  /** Returns the members by which an answer names a key. */
  readonly identity: (key: string) => Readonly<Record<string, string>>;
  /** Returns the name of a key in log lines, and in the answer to its deletion. */
  readonly label: (key: string) => string;
}

export const STATE: Space = {
  name: "state",
  described: (key) => `key: ${shorten(key)}`,
  missing: (key) => `key not found: ${shorten(key)}`,
  identity: (key) => ({ key }),
  label: (key) => key,
};

export const SPECS: Space = {
  name: "spec",
  described: (key) => `spec: ${shorten(specName(key))}`,
  missing: (key) => `spec not found: ${shorten(specName(key))}`,
  identity: splitSpecKey,
  label: specName,
};
