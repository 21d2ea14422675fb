/**
 * Decides about a git command that would change or lose the work of other agents. Such a command changes files of a
 * working tree, changes the stashes that all working trees share, or deletes a working tree or a branch. The command is
 * denied only while another agent is active in the same place. Runs on the front.
 */
import { HOOK_ACTIVE_EXAMINED_MAX, HOOK_GIT_CHANGES_MAX, HOOK_GIT_STEPS_MAX } from "../../../schemas/limits/hooks.js";
import type { Checkout } from "../../../schemas/instances.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import { areRelated, type Contender, type Party } from "../claims/contention.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { storedResource } from "../claims/resource.js";
import type { Directory } from "../instances/directory.js";
import type { Entry } from "../instances/entry.js";
import { gitLine } from "./call-lines.js";
import { type CallOutcome, type DecidedCall, type DeniedPath, denied, MAY_RUN } from "./decided-call.js";
import { gitReason } from "./denial.js";
import { locateAll } from "./edit-decision.js";
import { joinPath, segmentsOf, styleOf } from "./file-path.js";
import type { GitChange } from "./git-command.js";

const PATH_PREFIX = "path:";

/** Data about other agents, computed at most once for all git commands of a tool call. */
interface Surroundings {
  readonly call: DecidedCall;
  /** The other active agents of the workspace. */
  readonly others: readonly Entry[];
  /** The leases of files that other agents hold in the workspace. */
  held: readonly LeaseRecord[] | null;
  /** The remaining budget of steps for comparing paths with leases. */
  stepsLeft: number;
}

/** The root of a checkout, normalized so that it can be compared. */
interface RootKey {
  readonly key: string;
  readonly depth: number;
}

/**
 * The agents whose work a command would change. `records` are their leases of the touched files. It is empty if the
 * agents were found by their checkouts.
 */
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
  /** Caches the normalized root of each checkout, because many commands are compared with the same agents. */
  readonly #rootKeys = new WeakMap<Checkout, RootKey>();

  constructor(options: GitDecisionOptions) {
    this.#options = options;
  }

  decide(call: DecidedCall): CallOutcome {
    const { git } = call.effects;
    if (git.length === 0) return MAY_RUN;
    const { actor } = call;
    const others = this.#options.directory
      .activeIn(actor.workspace, HOOK_ACTIVE_EXAMINED_MAX)
      .filter((other) => !areRelated(partyOf(other), partyOf(actor)));
    const around: Surroundings = { call, others, held: null, stepsLeft: HOOK_GIT_STEPS_MAX };
    const different = new Map(git.map((change) => [JSON.stringify(change), change]));
    for (const change of [...different.values()].slice(0, HOOK_GIT_CHANGES_MAX)) {
      const { names, records } = this.#affected(change, around);
      if (names.length === 0) continue;
      if (call.headers.policy === "warn") return { denial: null, lines: [gitLine(change, names)] };
      return denied(gitReason(change, names), pathOf(records[0]));
    }
    return MAY_RUN;
  }

  /** Returns the agents whose work a command would change. */
  #affected(change: GitChange, around: Surroundings): Affected {
    const { call, others } = around;
    const { touches } = change;
    if (touches.kind === "branches")
      return namesOf(others.filter(({ checkout }) => isNamed(checkout?.branch ?? null, touches.names)));
    if (touches.kind === "worktrees") {
      const [directory] = placesOf(change, call);
      const roots = directory === undefined ? [] : touches.paths.map((path) => keyOf(joinPath(directory, path)));
      return namesOf(others.filter(({ checkout }) => checkout !== null && isNamed(this.#rootOf(checkout).key, roots)));
    }
    if (touches.kind === "stash") return holdersOf(this.#allHeld(around));
    const place = this.#find(placesOf(change, call), around);
    if (place === null) return NOBODY;
    const { directory, checkout } = place;
    const isThere = (id: string | null): boolean => id === null || id === checkout;
    const isOwn = checkout === (call.actor.checkout?.id ?? null);
    const located = touches.kind === "all" || !isOwn ? [] : locateAll(touches.paths, directory, call.roots);
    if (touches.kind === "all" || !isOwn || located.some(({ path }) => path === ""))
      return holdersOf(this.#allHeld(around).filter((record) => isThere(record.checkout)));
    const records = this.#held(
      located.map(({ resource }) => resource),
      checkout,
      around,
    );
    const isOtherThere =
      others.some((other) => isThere(other.checkout?.id ?? null)) || records.some((record) => isThere(record.checkout));
    return isOtherThere ? holdersOf(records) : NOBODY;
  }

  /** Returns the leases of files that other agents hold in the workspace, the newest first. */
  #allHeld(around: Surroundings): readonly LeaseRecord[] {
    if (around.held !== null) return around.held;
    const { actor } = around.call;
    const held: LeaseRecord[] = [];
    for (const record of this.#options.leases.live()) {
      const isOthers = record.workspace === actor.workspace && !areRelated(record, partyOf(actor));
      if (isOthers && record.state === "held" && record.resources.some((text) => text.startsWith(PATH_PREFIX)))
        held.push(record);
    }
    around.held = held.sort((a, b) => b.row - a.row);
    return around.held;
  }

  /**
   * Returns the leases of other agents that conflict with a change of these files.
   * @param checkout the checkout whose files change; null for the files of all checkouts
   */
  #held(resources: readonly string[], checkout: string | null, around: Surroundings): LeaseRecord[] {
    const { leases } = this.#options;
    const { actor } = around.call;
    const asked: Contender = { ...partyOf(actor), shared: false, limitedTo: checkout };
    const wanted = resources.map((text) => storedResource(text, actor.workspace));
    around.stepsLeft -= leases.stepsFor(wanted);
    if (around.stepsLeft < 0) return [];
    return [...leases.heldByOthers(wanted, asked)].map(({ filed }) => filed.record);
  }

  #rootOf(checkout: Checkout): RootKey {
    let root = this.#rootKeys.get(checkout);
    if (root === undefined) {
      const key = keyOf(checkout.root ?? "");
      root = { key, depth: key.split("/").length - 1 };
      this.#rootKeys.set(checkout, root);
    }
    return root;
  }

  /**
   * Returns the first of the directories that is in a known working tree, and the id of this tree's checkout. The id is
   * null if the tree is the agent's own and has no id. If a working tree is inside another one, the inner one counts.
   */
  #find(
    directories: readonly string[],
    { call: { actor, roots }, others }: Surroundings,
  ): { readonly directory: string; readonly checkout: string | null } | null {
    for (const directory of directories) {
      let depth = roots.depthOf(directory) ?? -1;
      let checkout = depth < 0 ? undefined : (actor.checkout?.id ?? null);
      const key = keyOf(directory);
      for (const { checkout: theirs } of others) {
        if (theirs === null) continue;
        const root = this.#rootOf(theirs);
        if (root.key === "" || root.depth <= depth || !isInside(key, root.key)) continue;
        depth = root.depth;
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
  // A repository in a command is usually the folder `.git` of a working tree.
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

/** Normalizes an absolute directory so that it can be compared; "" if the path is not absolute. */
function keyOf(path: string): string {
  const style = styleOf(path);
  const segments = style === null ? null : segmentsOf(path, style);
  return segments === null ? "" : `/${segments.map((segment) => segment.normalize("NFC")).join("/")}`;
}
