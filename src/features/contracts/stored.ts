/**
 * Reads stored contracts. Each contract is read and compiled once, and then cached by the hash of its bytes. Runs in
 * the pool, where each worker has its own cache.
 */
import { splitSpecKey, specKey, specKeyPrefix } from "../../../schemas/specs.js";
import { Failure, notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import type { Model } from "../../platform/threads/model.js";
import { specReader, type VersionedReader } from "../versioned/table.js";
import { ContractCache } from "./cache.js";
import type { ReadyContract } from "./validate.js";

/** The number of specs that are read at a time. */
const PAGE_SPECS = 100;

export interface StoredContract {
  readonly ready: ReadyContract;
  readonly version: number;
}

export class StoredContracts {
  readonly #specs: VersionedReader;
  readonly #kept = new ContractCache();

  constructor(specs: VersionedReader) {
    this.#specs = specs;
  }

  /**
   * Returns the newest version of a contract. Fails with 404 if there is no such spec, and with 400 if the spec is not
   * a contract.
   */
  find(project: string, name: string): StoredContract | Failure {
    const key = specKey(project, name);
    const shown = shorten(`${project}/${name}`);
    const head = this.#specs.head(key);
    const info = head === undefined ? undefined : this.#specs.info(head.row);
    if (head === undefined || info === undefined) return notFound(`contract not found: ${shown}`);
    const load = (): Uint8Array => this.#specs.current(key)?.value ?? new Uint8Array(0);
    const ready = this.#kept.get(info.hash.toString("hex"), shown, load);
    return ready instanceof Failure ? ready : { ready, version: head.version };
  }

  /** Returns the given version of a contract. */
  findVersion(project: string, name: string, version: number): ReadyContract | Failure {
    const shown = shorten(`${project}/${name}`);
    const stored = this.#specs.version(specKey(project, name), version);
    return stored === undefined
      ? notFound(`contract not found: ${shown}`)
      : this.#kept.get(stored.hash.toString("hex"), shown, () => stored.value);
  }

  /**
   * Yields the specs of a project whose names sort after `after`. Each item has `isContract`, which says whether the
   * spec is a contract.
   */
  *list(
    project: string,
    after: string,
  ): Generator<{ readonly name: string; readonly isContract: boolean }, void, undefined> {
    for (let cursor = after === "" ? "" : specKey(project, after), more = true; more; ) {
      const rows = this.#specs.list(specKeyPrefix(project), cursor, PAGE_SPECS);
      more = rows.length === PAGE_SPECS;
      for (const { key } of rows) {
        cursor = key;
        const { name } = splitSpecKey(key);
        yield { name, isContract: !(this.find(project, name) instanceof Failure) };
      }
    }
  }
}

export const storedContracts: Model<StoredContracts> = { open: ({ use }) => new StoredContracts(use(specReader)) };
