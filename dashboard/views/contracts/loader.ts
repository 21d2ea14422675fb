/**
 * Loads contracts: the list of the specs that are contracts, one contract, and the compliance runs of all contracts.
 */
import { findContractFault } from "../../../schemas/contract-shape.js";
import { ApiError, getJson, getShortValue, getValue } from "../../api/client.js";
import { apiPath, query } from "../../base/path.js";
import type { Loader } from "../../api/resource.js";
import type { ComplianceRun, SpecList, SpecProjects } from "../../api/types.js";
import { readContract, type Contract } from "./model.js";

/** A spec that is a contract. */
export interface ContractEntry {
  readonly project: string;
  readonly name: string;
  readonly version: number;
  /** The time of the last write, in RFC 3339. */
  readonly updated_at: string;
  /** The number of endpoints in the contract. */
  readonly endpoints: number;
}

export interface ContractList {
  readonly contracts: readonly ContractEntry[];
  readonly specs: number;
  /** The number of specs that the page has not read yet. Any of them may be a contract. */
  readonly left: number;
}

type Spec = Omit<ContractEntry, "endpoints">;

/**
 * One fetch of the list spends at most this time on reading specs, in ms. The page must read a spec to know whether it
 * is a contract. AT_ONCE requests run at the same time.
 */
const LOOK_MS = 400;
const AT_ONCE = 4;
const NOT_FOUND = 404;
/** The maximum length of a contract. A longer spec does not count as a contract, because a person could not read it. */
const VALUE_BYTES_MAX = 512 * 1_024;
/** The maximum number of entries in the cache. Because of the cache, each version of a spec is read only once. */
const KNOWN_MAX = 5_000;
/** The maximum number of compliance runs that are read. The server returns the newest ones. */
export const RUNS_MAX = 1_000;

/**
 * Caches whether each version of a spec is a contract. The value is the number of its endpoints, or null if it is not a
 * contract. The oldest entries are removed first.
 */
const known = new Map<string, number | null>();

function keyOf({ project, name, version, updated_at }: Spec): string {
  return JSON.stringify([project, name, version, updated_at]);
}

/** Ignores the error of a spec that was deleted after the list was read. */
function passOverDeleted(error: unknown): void {
  if (!(error instanceof ApiError) || error.status !== NOT_FOUND) throw error;
}

async function lookAt(spec: Spec, signal: AbortSignal): Promise<void> {
  const value = await getShortValue(apiPath("specs", spec.project, spec.name), VALUE_BYTES_MAX, signal);
  known.set(keyOf(spec), value === null ? null : endpointsIn(value.bytes));
  for (const key of known.keys()) {
    if (known.size <= KNOWN_MAX) break;
    known.delete(key);
  }
}

function endpointsIn(bytes: Uint8Array): number | null {
  const text = new TextDecoder().decode(bytes);
  // A search for the word is much faster than parsing. A text with `\u` is parsed anyway, because it may contain the
  // word in escaped form.
  if (!text.includes('"contract"') && !text.includes("\\u")) return null;
  try {
    const value = JSON.parse(text) as { readonly endpoints?: object | null };
    return findContractFault(value) === undefined ? Object.keys(value.endpoints ?? {}).length : null;
  } catch {
    // A spec may contain any bytes, so it may be no JSON.
    return null;
  }
}

async function allSpecs(signal: AbortSignal): Promise<Spec[]> {
  const { projects } = await getJson<SpecProjects>("/api/specs", signal);
  const lists = await Promise.all(projects.map(({ project }) => getJson<SpecList>(apiPath("specs", project), signal)));
  return lists.flatMap(({ project, specs }) => specs.map((spec) => ({ project, ...spec })));
}

/** Loads the list of contracts. Each fetch reads only some of the specs, so the list is incomplete at first. */
export const contractList: Loader<ContractList> = {
  key: "contracts",
  kinds: ["spec"],
  fetch: async (signal) => {
    const specs = await allSpecs(signal);
    const next = specs.filter((spec) => !known.has(keyOf(spec))).values();
    const untilMs = performance.now() + LOOK_MS;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (const spec of next) {
          await lookAt(spec, signal).catch(passOverDeleted);
          if (performance.now() > untilMs) return;
        }
      }),
    );
    const contracts = specs.flatMap((spec) => {
      const endpoints = known.get(keyOf(spec)) ?? null;
      return endpoints === null ? [] : [{ ...spec, endpoints }];
    });
    return { contracts, specs: specs.length, left: specs.filter((spec) => !known.has(keyOf(spec))).length };
  },
};

/** The current content of a contract, or the reason why the spec is not a contract. */
export interface StoredContract {
  readonly version: number;
  readonly contract: Contract | { readonly fault: string };
}

export function oneContract(project: string, name: string): Loader<StoredContract> {
  return {
    key: `contract ${project}/${name}`,
    kinds: ["spec"],
    concerns: ({ key }) => key === null || key === `${project}/${name}`,
    fetch: async (signal) => {
      const { bytes, version } = await getValue(apiPath("specs", project, name), signal);
      return { version, contract: readContract(new TextDecoder().decode(bytes)) };
    },
  };
}

/** Loads the newest compliance runs, newest first. */
export const complianceRuns: Loader<readonly ComplianceRun[]> = {
  key: "compliance runs",
  kinds: ["compliance"],
  gapMsMin: 2_000,
  fetch: (signal) => getJson<readonly ComplianceRun[]>(`/api/compliance/history${query({ limit: RUNS_MAX })}`, signal),
};
