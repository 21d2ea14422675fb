/**
 * Defines the versioned key spaces (state and specs): their tables, and how clients see the names of their keys. Pure.
 */
import { splitSpecKey, specName } from "../../schemas/specs.js";
import { shorten } from "../base/shorten.js";

export interface Space {
  /** The prefix of the names of the space's tables and RPC methods. */
  readonly name: "state" | "spec";
  /** Returns how a message names a key: `key: K` for state, `spec: P/N` for specs. */
  readonly described: (key: string) => string;
  /** Returns the message of the 404 for a key that does not exist. */
  readonly missing: (key: string) => string;
  /** Returns the members with which an answer names a key. */
  readonly identity: (key: string) => Readonly<Record<string, string>>;
  /** Returns the name of a key for the member `deleted` of an answer. */
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
