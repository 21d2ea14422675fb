/** Stored contracts, read and compiled once by their bytes' hash. Runs in the pool; each worker keeps its own. */
import { splitSpecKey, specKey, specKeyPrefix } from "../../schemas/specs.js";
import { Failure, notFound } from "../base/result.js";
import type { ReadContext } from "../store/read-context.js";
import { ContractCache } from "./cache.js";
import type { ReadyContract } from "./validate.js";

/** Contracts are named by the hash of their bytes, so any database's may share it. */
const KEPT = new ContractCache();

export interface StoredContract {
  readonly ready: ReadyContract;
  readonly version: number;
}

/** The newest version of a contract; 404 where there is no such spec, 400 where it is no contract. */
export function findContract({ specs }: ReadContext, project: string, name: string): StoredContract | Failure {
  const key = specKey(project, name);
  const shown = `${project}/${name}`;
  const head = specs.head(key);
  const info = head === undefined ? undefined : specs.info(head.row);
  if (head === undefined || info === undefined) return notFound(`contract not found: ${shown}`);
  const ready = KEPT.get(info.hash.toString("hex"), shown, () => specs.current(key)?.value ?? new Uint8Array(0));
  return ready instanceof Failure ? ready : { ready, version: head.version };
}

/** A contract as it was at a version. */
export function findContractVersion(
  { specs }: ReadContext,
  project: string,
  name: string,
  version: number,
): ReadyContract | Failure {
  const shown = `${project}/${name}`;
  const stored = specs.version(specKey(project, name), version);
  return stored === undefined
    ? notFound(`contract not found: ${shown}`)
    : KEPT.get(stored.hash.toString("hex"), shown, () => stored.value);
}

/** Specs whose heads are read at once. */
const PAGE_SPECS = 100;

/** The project's specs behind `after` by name, each with whether it is a contract. */
export function* listContracts(
  context: ReadContext,
  project: string,
  after: string,
): Generator<{ readonly name: string; readonly is_contract: boolean }, void, undefined> {
  for (let cursor = after === "" ? "" : specKey(project, after), more = true; more; ) {
    const rows = context.specs.list(specKeyPrefix(project), cursor, PAGE_SPECS);
    more = rows.length === PAGE_SPECS;
    for (const { key } of rows) {
      cursor = key;
      const { name } = splitSpecKey(key);
      yield { name, is_contract: !(findContract(context, project, name) instanceof Failure) };
    }
  }
}
