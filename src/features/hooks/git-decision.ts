/**
 * Decides about a git command that would change or lose the work of other agents: in the same working tree, in the list
 * of stashes that all working trees share, in a working tree that it deletes, or on a branch that it deletes. Such a
 * command is denied only while another agent is active there. Runs on the front.
 */
import { HOOK_ACTIVE_EXAMINED_MAX } from "../../../schemas/limits/hooks.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import { areRelated, type Contender, type Party } from "../claims/contention.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { storedResource } from "../claims/resource.js";
import type { Directory, Entry } from "../instances/directory.js";
import { gitLine } from "./call-lines.js";
import { type CallOutcome, type DecidedCall, type DeniedPath, denied, MAY_RUN } from "./decided-call.js";
import { gitReason } from "./denial.js";
import { locateAll } from "./edit-decision.js";
import { joinPath, segmentsOf, styleOf } from "./file-path.js";
import type { GitChange } from "./git-command.js";

const PATH_PREFIX = "path:";
const EVERY_FILE = `${PATH_PREFIX}**`;

/** The agents whose work a command would change, and their leases as far as these are the reason. */
interface Affected {
  readonly names: readonly string[];
  readonly records: readonly LeaseRecord[];
}

const NOBODY: Affected = { names: [], records: [] };

export interface GitDecisionOptions {
  readonly directory: Directory;
  readonly leases: LeaseProjection;
}

export class GitDecision {
  readonly #options: GitDecisionOptions;

  constructor(options: GitDecisionOptions) {
    this.#options = options;
  }

  decide(call: DecidedCall): CallOutcome {
    for (const change of call.effects.git) {
      const { names, records } = this.#affected(change, call);
      if (names.length === 0) continue;
      if (call.headers.policy === "warn") return { denial: null, lines: [gitLine(change, names)] };
      return denied(gitReason(change, names), pathOf(records[0]));
    }
    return MAY_RUN;
  }

  /** Returns the agents whose work a command would change. */
  #affected(change: GitChange, call: DecidedCall): Affected {
    const { actor } = call;
    const others = this.#options.directory
      .activeIn(actor.workspace, HOOK_ACTIVE_EXAMINED_MAX)
      .filter((other) => !areRelated(partyOf(other), partyOf(actor)));
    const { touches } = change;
    if (touches.kind === "branches")
      return namesOf(others.filter(({ checkout }) => isNamed(checkout?.branch ?? null, touches.names)));
    if (touches.kind === "worktrees") {
      const [directory] = placesOf(change, call);
      const roots = directory === undefined ? [] : touches.paths.map((path) => keyOf(joinPath(directory, path)));
      return namesOf(others.filter(({ checkout }) => isNamed(keyOf(checkout?.root ?? ""), roots)));
    }
    if (touches.kind === "stash") return holdersOf(this.#held([EVERY_FILE], null, call));
    const place = this.#find(placesOf(change, call), call, others);
    if (place === null) return NOBODY;
    const { directory, checkout } = place;
    const isThere = (id: string | null): boolean => id === null || id === checkout;
    const isOwn = checkout === (call.actor.checkout?.id ?? null);
    if (touches.kind === "all" || !isOwn)
      return holdersOf(this.#held([EVERY_FILE], null, call).filter((record) => isThere(record.checkout)));
    const located = locateAll(touches.paths, directory, call.roots);
    const records = this.#held(
      located.map(({ resource }) => resource),
      checkout,
      call,
    );
    const isOtherThere =
      others.some((other) => isThere(other.checkout?.id ?? null)) || records.some((record) => isThere(record.checkout));
    return isOtherThere ? holdersOf(records) : NOBODY;
  }

  /**
   * Returns the leases of other agents with which a claim of files would conflict.
   * @param checkout the checkout to whose files the claim is limited; null for the files of all checkouts
   */
  #held(resources: readonly string[], checkout: string | null, { actor }: DecidedCall): LeaseRecord[] {
    const { leases } = this.#options;
    const asked: Contender = { ...partyOf(actor), shared: false, limitedTo: checkout };
    const wanted = resources.map((text) => storedResource(text, actor.workspace));
    if (leases.costsTooMuch(wanted)) return [];
    return [...leases.heldByOthers(wanted, asked)].map(({ filed }) => filed.record);
  }

  /**
   * Returns the first directory that is in a known working tree, with the id of that checkout. The id is null for the
   * agent's own working tree if that has none. A working tree may be inside another one.
   */
  #find(
    directories: readonly string[],
    { actor, roots }: DecidedCall,
    others: readonly Entry[],
  ): { readonly directory: string; readonly checkout: string | null } | null {
    for (const directory of directories) {
      let depth = roots.depthOf(directory) ?? -1;
      let checkout = depth < 0 ? undefined : (actor.checkout?.id ?? null);
      const key = keyOf(directory);
      for (const { checkout: theirs } of others) {
        const root = keyOf(theirs?.root ?? "");
        const rootDepth = root.split("/").length - 1;
        if (theirs === null || root === "" || rootDepth <= depth || !isInside(key, root)) continue;
        depth = rootDepth;
        checkout = theirs.id;
      }
      if (checkout !== undefined) return { directory, checkout };
    }
    return null;
  }
}

/**
 * Returns the absolute directories in which a command may change files, the most probable first. The list is empty if
 * the directory is not known.
 */
function placesOf({ directory, workTree, gitDirectory }: GitChange, { effects, headers }: DecidedCall): string[] {
  if (directory === null) return [];
  const base =
    styleOf(effects.directory) === null ? joinPath(headers.roots[0] ?? "", effects.directory) : effects.directory;
  const place = joinPath(base, directory);
  if (workTree !== null) return [joinPath(place, workTree)];
  // A repository that the command names is usually the folder `.git` of its working tree.
  const named = gitDirectory === null ? null : /^(.*?)[\\/]?\.git[\\/]?$/.exec(gitDirectory);
  return named === null ? [place] : [place, joinPath(place, named[1] ?? "")];
}

function isInside(directory: string, root: string): boolean {
  return directory === root || root === "/" || directory.startsWith(`${root}/`);
}

function partyOf({ id, parent }: Entry): Party {
  return { holder: id, parent };
}

function holdersOf(records: readonly LeaseRecord[]): Affected {
  return { names: [...new Set(records.map((record) => record.holder_name))].toSorted(), records };
}

function namesOf(entries: readonly Entry[]): Affected {
  return { names: entries.map(({ name }) => name).toSorted(), records: [] };
}

function pathOf(record: LeaseRecord | undefined): DeniedPath | null {
  const resource = record?.resources.find((text) => text.startsWith(PATH_PREFIX));
  if (record === undefined || resource === undefined) return null;
  return { path: resource.slice(PATH_PREFIX.length), resource, lease: record.row };
}

function isNamed(text: string | null, names: readonly string[]): boolean {
  return text !== null && text !== "" && names.includes(text);
}

/** Returns an absolute directory in a form that can be compared; "" if the path is not absolute. */
function keyOf(path: string): string {
  const style = styleOf(path);
  const segments = style === null ? null : segmentsOf(path, style);
  return segments === null ? "" : `/${segments.map((segment) => segment.normalize("NFC")).join("/")}`;
}
