/** A lease in the memory of the writer and the front, and its id. Pure. */
import type { LeaseRecord } from "../../schemas/leases.js";
import { ALTERNATIVES_TOGETHER_MAX, GLOB_CHARACTERS_TOGETHER_MAX, GLOB_STEPS_MAX } from "../../schemas/limits.js";
import { Failure, invalid, notFound } from "../base/result.js";
import type { Claim } from "./lock-table.js";
import { countAlternatives, countWildCharacters, parseResource, type Resource, storedResource } from "./resource.js";

const PREFIX = "lease-";

/** A lease that is held or waits. The record is replaced when it changes. */
export interface LiveLease extends Claim {
  record: LeaseRecord;
}

export function leaseId(row: number): string {
  return `${PREFIX}${row}`;
}

/** The row of a lease id; undefined if the text is not a lease id. */
export function leaseRow(id: string): number | undefined {
  const row = /^lease-([1-9]\d{0,14})$/.exec(id)?.[1];
  return row === undefined ? undefined : Number(row);
}

/** The refusal of every call that names a lease that does not exist. */
export function noLease(id: string): Failure {
  return notFound(`lease not found: ${id}`);
}

/** Returns whether a claim is a lease. The claim of a task without resources is not. */
export function isLease({ resources }: Pick<LeaseRecord, "resources">): boolean {
  return resources.length > 0;
}

/** A lease from a stored record. Its resources were checked when it was made. */
export function liveLease(record: LeaseRecord): LiveLease {
  const resources = resourcesOf(record.resources, record.workspace);
  return { order: record.row, holder: record.holder, shared: record.shared, resources, record };
}

/** Parses resources that were checked when they were stored. */
export function resourcesOf(texts: readonly string[], workspace: string): Resource[] {
  return texts.map((text) => storedResource(text, workspace));
}

/** Parses the resources of a request. The INVALID_ARGUMENT failure names the first invalid one. */
export function readResources(texts: readonly string[], workspace: string): Resource[] | Failure {
  const resources = readGlobs(texts, workspace, (at) => `resources[${at}]`, "resources");
  if (!(resources instanceof Failure) && countAlternatives(resources) > ALTERNATIVES_TOGETHER_MAX)
    return invalid(`resources must not stand for more than ${ALTERNATIVES_TOGETHER_MAX} alternatives together`);
  return resources;
}

/**
 * Parses globs to compare with leases. It stops at the first glob that makes them too expensive, so later ones are not
 * even compiled.
 * @param nameOf the name of one glob in a refusal
 * @param name the name of all of them
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

/** The refusal of globs that take too long to compare with the leases. */
export const TOO_MANY_STEPS = invalid(
  `the resources cost too much to compare: with what is leased it would take more than ${GLOB_STEPS_MAX} steps; ` +
    "name fewer, or begin them with folders",
);
