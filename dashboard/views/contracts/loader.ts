/** Which specs are contracts, one contract, and what checks of all of them found. */
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
  /** RFC 3339. */
  readonly updated_at: string;
  /** How many endpoints it has. */
  readonly endpoints: number;
}

export interface ContractList {
  readonly contracts: readonly ContractEntry[];
  readonly specs: number;
  /** Specs that nobody has looked at yet. */
  readonly left: number;
}

type Spec = Omit<ContractEntry, "endpoints">;

/** Whether a spec is a contract only its value says. Values are fetched for so long for one list, so many at once. */
const LOOK_MS = 400;
const AT_ONCE = 4;
const NOT_FOUND = 404;
/** Nobody reads a contract that is longer than this; what is, is taken for another document. */
const VALUE_BYTES_MAX = 512 * 1_024;
/** What is known of values is kept: they are looked at once a version. */
const KNOWN_MAX = 5_000;
/** Newest runs that are asked for. */
export const RUNS_MAX = 1_000;

/** How many endpoints a version of a spec has; null where it is no contract. The oldest are forgotten first. */
const known = new Map<string, number | null>();

function keyOf({ project, name, version, updated_at }: Spec): string {
  return JSON.stringify([project, name, version, updated_at]);
}

/** A spec may be gone between the list and the look at it. */
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
  // Most specs are none, and this is much faster than to parse them; the word may be written with escapes.
  if (!text.includes('"contract"') && !text.includes("\\u")) return null;
  try {
    const value = JSON.parse(text) as { readonly endpoints?: object | null };
    return findContractFault(value) === undefined ? Object.keys(value.endpoints ?? {}).length : null;
  } catch {
    // Specs may hold any bytes.
    return null;
  }
}

async function allSpecs(signal: AbortSignal): Promise<Spec[]> {
  const { projects } = await getJson<SpecProjects>("/api/specs", signal);
  const lists = await Promise.all(projects.map(({ project }) => getJson<SpecList>(apiPath("specs", project), signal)));
  return lists.flatMap(({ project, specs }) => specs.map((spec) => ({ project, ...spec })));
}

/** The specs that are contracts, as far as they were looked at; each fetch looks at some more. */
export const contractList: Loader<ContractList> = {
  key: "contracts",
  kinds: ["spec"],
  fetch: async (signal) => {
    const specs = await allSpecs(signal);
    const next = specs.filter((spec) => !known.has(keyOf(spec))).values();
    const until_ms = performance.now() + LOOK_MS;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (const spec of next) {
          await lookAt(spec, signal).catch(passOverDeleted);
          if (performance.now() > until_ms) return;
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

/** A contract as it is stored now, or why the spec is none. */
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

/** What the newest checks found, the newest first. */
export const complianceRuns: Loader<readonly ComplianceRun[]> = {
  key: "compliance runs",
  kinds: ["compliance"],
  gap_ms_min: 2_000,
  fetch: (signal) => getJson<readonly ComplianceRun[]>(`/api/compliance/history${query({ limit: RUNS_MAX })}`, signal),
};
