/**
 * Parses groups of alternatives. A claim needs one name of each group. In a group such as `gpu-a|gpu-b`, `|` separates
 * the names. A range such as `port:3000..3099` stands for a hundred names. Pure.
 */
import { ALTERNATIVES_OF_REQUEST_MAX, RESOURCE_BYTES_MAX } from "../../../schemas/limits/claims.js";
import { type Failure, invalid } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { chooseNames } from "./choose-names.js";
import { isName, parseResource, type Resource, storedResource } from "./resource.js";

/** Matches a range: the text before the numbers, and the first and the last number. */
const RANGE = /^(.*?)(\d+)\.\.(\d+)$/s;
/** A number with more digits may not be exact as a float. */
const DIGITS_MAX = 15;
const NO_GROUPS: readonly (readonly Resource[])[] = [];

/**
 * Parses the groups of a request. The message of an INVALID_ARGUMENT failure begins with `any`.
 * @param fixed the resources that the request needs besides the groups. The groups leave them out.
 */
export function readGroups(
  texts: readonly string[],
  workspace: string,
  fixed: readonly Resource[],
): Resource[][] | Failure {
  const taken = new Set(fixed.map(({ text }) => text));
  const groups: Resource[][] = [];
  let count = 0;
  for (const [at, text] of texts.entries()) {
    const names = expand(text);
    if (typeof names === "string") return invalid(`any[${at}] ${names}`);
    count += names.length;
    if (count > ALTERNATIVES_OF_REQUEST_MAX)
      return invalid(`any must not have more than ${ALTERNATIVES_OF_REQUEST_MAX} alternatives together`);
    const group: Resource[] = [];
    for (const name of names) {
      if (taken.has(name)) continue;
      const resource = parseResource(name, workspace, `any[${at}]`);
      if (!("text" in resource)) return resource;
      if (!isName(resource)) return invalid(`any[${at}] must have names only, not ${shorten(name)}`);
      group.push(resource);
    }
    groups.push(group);
  }
  return refuseTooFewNames(groups) ?? groups;
}

/** Returns a failure if the groups do not have a name of its own for each group; else null. */
export function refuseTooFewNames(groups: readonly (readonly Resource[])[]): Failure | null {
  if (chooseNames(groups.map((group) => group.map(({ text }) => text))) !== null) return null;
  return invalid("any has too few names: each group needs one that no other resource of the request is");
}

/** Parses groups that were checked when they were stored. */
export function storedGroups(
  texts: readonly string[],
  workspace: string,
  fixed: readonly Resource[],
): readonly (readonly Resource[])[] {
  if (texts.length === 0) return NO_GROUPS;
  const taken = new Set(fixed.map(({ text }) => text));
  return texts.map((text) => {
    const names = expand(text);
    const left = typeof names === "string" ? [] : names.filter((name) => !taken.has(name));
    return left.map((name) => storedResource(name, workspace));
  });
}

/**
 * Returns the names of a group in the order in which they are written. Returns an error text if the group is invalid.
 */
function expand(text: string): string[] | string {
  const names = new Set<string>();
  for (const part of text.split("|")) {
    const [, prefix = "", first = "", last = ""] = RANGE.exec(part) ?? [];
    const problem = first === "" ? null : rangeProblem(first, last);
    if (problem !== null) return `${problem}: ${shorten(part)}`;
    const [low, high] = [Number(first), Number(last)];
    if (names.size + (high - low) >= ALTERNATIVES_OF_REQUEST_MAX)
      return `must not have more than ${ALTERNATIVES_OF_REQUEST_MAX} alternatives`;
    if (first === "") names.add(part);
    else for (let number = low; number <= high; number++) names.add(`${prefix}${number}`);
  }
  for (const name of names) {
    if (name === "") return "has an empty alternative";
    if (name.length > RESOURCE_BYTES_MAX) return `must not have names of more than ${RESOURCE_BYTES_MAX} characters`;
  }
  return [...names];
}

function rangeProblem(first: string, last: string): string | null {
  for (const number of [first, last]) {
    if (number.length > DIGITS_MAX) return "has a number that is too large";
    if (number !== String(Number(number))) return "has a number with a leading zero";
  }
  return Number(first) > Number(last) ? "has a range that ends before it begins" : null;
}
