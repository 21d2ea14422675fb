/** The calls about state: versioned values by key. */
import type { CallOptions } from "./deadline.js";
import type { Transport } from "./transport.js";
import type { StateDiff, StateEntry, StateStored, StateVersion } from "./types.js";
import {
  segment,
  VersionedValues,
  type FenceOptions,
  type GetOptions,
  type ListOptions,
  type Versioned,
  type WriteOptions,
} from "./versioned.js";

export interface StateListOptions extends ListOptions {
  /** Only keys that begin with this. */
  readonly prefix?: string;
  /** Only keys after this one. */
  readonly after?: string;
}

function pathOf(key: string): string {
  return `/api/state/${segment(key)}`;
}

export class State {
  readonly #values: VersionedValues;

  constructor(transport: Transport) {
    this.#values = new VersionedValues(transport);
  }

  /** Reads a value. Fails with NotFoundError if the key does not exist. */
  async get<Value = unknown>(key: string, options?: GetOptions): Promise<Versioned<Value>> {
    return (await this.#values.get(pathOf(key), options)) as Versioned<Value>;
  }

  /** Writes a value: JSON, or text or bytes with their `content_type`. */
  set(key: string, value: unknown, options?: WriteOptions): Promise<StateStored> {
    return this.#values.set(pathOf(key), value, options);
  }

  /**
   * Updates a value without losing the update of another client. `change` gets the current value, or undefined if there
   * is none. It returns the new value, or undefined to keep the current one. If another client writes the value
   * meanwhile, `change` is called again.
   */
  update<Value = unknown>(
    key: string,
    change: (value: Value | undefined) => Value | undefined | Promise<Value | undefined>,
    options: FenceOptions & Pick<WriteOptions, "content_type"> = {},
  ): Promise<StateStored | undefined> {
    return this.#values.update(pathOf(key), change as (value: unknown) => unknown, options);
  }

  /** Deletes a key. Its history is kept. */
  async delete(key: string, options?: FenceOptions & Pick<WriteOptions, "if_version">): Promise<void> {
    await this.#values.delete(pathOf(key), options);
  }

  /** Writes an older version of a value again, as a new version. */
  rollback(key: string, version: number, options?: WriteOptions): Promise<StateStored> {
    return this.#values.rollback(pathOf(key), version, options);
  }

  /** Lists the versions of a key, the newest first. */
  history(key: string, options?: ListOptions): Promise<StateVersion[]> {
    return this.#values.history(pathOf(key), options);
  }

  /** Returns the differences between two versions. */
  diff(key: string, from: number, to: number, options?: CallOptions): Promise<StateDiff> {
    return this.#values.diff(pathOf(key), from, to, options);
  }

  /** Lists the keys in the order of their bytes. */
  list(options: StateListOptions = {}): Promise<StateEntry[]> {
    const { prefix, after, limit } = options;
    return this.#values.list("/api/state", { prefix, after, limit }, options);
  }
}
