/** Defines the in-memory form of a lease, which the writer and the front use, and converts lease ids to rows. Pure. */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { GLOB_CHARACTERS_TOGETHER_MAX, GLOB_STEPS_MAX } from "../../../schemas/limits/claims.js";
import { ALTERNATIVES_TOGETHER_MAX } from "../../../schemas/limits/names.js";
import { Failure, invalid, notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { storedGroups } from "./alternatives.js";
import type { Contender } from "./contention.js";
import type { Claim } from "./lock-table.js";
import { countAlternatives, countWildCharacters, parseResource, type Resource, storedResource } from "./resource.js";

const PREFIX = "lease-";
const NO_GROUPS: Claim["alternatives"] = [];
const NO_NAMES: Claim["chosen"] = [];

/** A lease that is held or waiting. Each change of the lease replaces `record`. */
export interface LiveLease extends Claim {
  record: LeaseRecord;
}

/** The reason for which a claim was lost. */
export type Loss = "expired" | "max_s" | "broken" | "holder deleted" | "restored";

export function leaseId(row: number): string {
  return `${PREFIX}${row}`;
}

/** Returns the row that a lease id names, or undefined if the text is not a lease id. */
export function leaseRow(id: string): number | undefined {
  const row = /^lease-([1-9]\d{0,14})$/.exec(id)?.[1];
  return row === undefined ? undefined : Number(row);
}

/** Returns the refusal for a call that names a lease that does not exist. */
export function noLease(id: string): Failure {
  return notFound(`lease not found: ${shorten(id)}`);
}

/** Returns whether a claim is a lease. It is not if it is the claim of a task without resources. */
export function isLease({ resources, any }: Pick<LeaseRecord, "resources" | "any">): boolean {
  return resources.length > 0 || any !== null;
}

/**
 * Makes a live lease from a stored record. It does not check the resources, because they were checked when the lease
 * was made.
 */
export function liveLease(record: LeaseRecord): LiveLease {
  const { workspace, any, state } = record;
  const resources = resourcesOf(record.resources, workspace);
  const waitsForAny = any !== null && state === "waiting";
  return liveLeaseOf(record, resources, waitsForAny ? storedGroups(any, workspace, resources) : NO_GROUPS);
}

/**
 * Makes a live lease from a record and its parsed resources. All live leases are made here with the same members in the
 * same order, because V8 reads objects of one shape faster.
 */
export function liveLeaseOf(
  record: LeaseRecord,
  resources: readonly Resource[],
  alternatives: Claim["alternatives"],
): LiveLease {
  const { row, holder, parent, shared, max_holders: maxHolders, any, state } = record;
  const limitedTo = limitOf(record);
  const chosen = any === null || state === "waiting" ? NO_NAMES : resources.slice(resources.length - any.length);
  // No object is spread here, because V8 copies the members of a spread object one by one.
  return { order: row, holder, parent, shared, maxHolders, limitedTo, resources, alternatives, chosen, record };
}

/** Returns the members of a stored or requested claim that decide its conflicts with other claims. */
export function contenderOf(
  claim: Pick<LeaseRecord, "holder" | "parent" | "shared" | "scope" | "checkout"> &
    Partial<Pick<LeaseRecord, "max_holders">>,
): Contender {
  const { holder, parent, shared, max_holders: maxHolders = null } = claim;
  return { holder, parent, shared, maxHolders, limitedTo: limitOf(claim) };
}

/** Returns the id of the only checkout whose files a claim covers. Returns null if the claim covers all checkouts. */
export function limitOf({ scope, checkout }: Pick<LeaseRecord, "scope" | "checkout">): string | null {
  return scope === "checkout" ? checkout : null;
}

/** Parses resources that were checked when they were stored. */
export function resourcesOf(texts: readonly string[], workspace: string): Resource[] {
  return texts.map((text) => storedResource(text, workspace));
}

/**
 * Parses the resources of a request. Returns an INVALID_ARGUMENT failure that names the first invalid resource, if
 * there is one.
 */
export function readResources(texts: readonly string[], workspace: string): Resource[] | Failure {
  const resources = readGlobs(texts, workspace, (at) => `resources[${at}]`, "resources");
  if (!(resources instanceof Failure) && countAlternatives(resources) > ALTERNATIVES_TOGETHER_MAX)
    return invalid(`resources must not stand for more than ${ALTERNATIVES_TOGETHER_MAX} alternatives together`);
  return resources;
}

/**
 * Parses globs that will be compared with leases. As soon as the list is too expensive, it is refused, and the other
 * globs are not compiled.
 * @param nameOf returns the name of the glob at an index, for a refusal of one glob
 * @param name the name of the whole list, for a refusal of the list
 */
export function readGlobs(
  texts: readonly string[],
  workspace: string,
  nameOf: (at: number) => string,
  name: string,
): Resource[] | Failure {
  const resources: Resource[] = [];
  let characters = 0;
  for (const [at, text] of texts.entries()) {
    const resource = parseResource(text, workspace, nameOf(at));
    if (resource instanceof Failure) return resource;
    characters += countWildCharacters(resource);
    if (characters > GLOB_CHARACTERS_TOGETHER_MAX) {
      return invalid(
        `${name} cost too much to compare: the globs have more than ${GLOB_CHARACTERS_TOGETHER_MAX} characters ` +
          "together behind the segments without wildcards that they begin with",
      );
    }
    resources.push(resource);
  }
  return resources;
}

/**
 * The refusal of a request if too many claims hold the names of its alternatives, or wait for them. It may succeed
 * later.
 */
export const TOO_MANY_WAIT = new Failure("STOCK_FULL", "too many leases are held or wait for the names in any");

/** The refusal of globs whose comparison with the leases takes too long. */
export const TOO_MANY_STEPS = invalid(
  `the resources cost too much to compare: with what is leased it would take more than ${GLOB_STEPS_MAX} steps; ` +
    "name fewer, or begin them with folders",
);
