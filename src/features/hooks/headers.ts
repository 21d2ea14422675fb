/**
 * Reads the headers of a hook's request. The headers come from the client's settings and describe the project, because
 * the server cannot see its files. A malformed value counts as not sent, because a hook must never fail. Pure. Runs on
 * the front.
 *
 * The globs of a request take 0.25 ms to compile, longer than all other work on its input. So compiled lists of globs
 * are cached.
 */
import { HOOK_POLICIES, type HookPolicy } from "../../../schemas/hook-names.js";
import { HOOK_IGNORE_DEFAULT, HOOK_REPO_SCOPE_DEFAULT } from "../../../schemas/hooks.js";
import { Workspace } from "../../../schemas/leases.js";
import {
  HOOK_AUTO_TTL_S_DEFAULT,
  HOOK_AUTO_TTL_S_MAX,
  HOOK_AUTO_TTL_S_MIN,
  HOOK_BRANCH_BYTES_MAX,
  HOOK_PATH_CHARACTERS_MAX,
  HOOK_PATH_LISTS_MAX,
  HOOK_ROOTS_MAX,
} from "../../../schemas/limits/hooks.js";
import { textProblem, utf8Length } from "../../../schemas/text.js";
import { hasControlCharacter } from "../../../schemas/visible-text.js";
import { styleOf } from "./file-path.js";
import { PathList } from "./path-list.js";
import type { PathRules } from "./roots.js";

/** Returns the value of a header, whose name is in lower case; "" if it was not sent. */
export type HeaderReader = (name: string) => string;

export interface HookHeaders extends PathRules {
  /** The name of the workspace; null if neither the header nor the first root is a valid name. */
  readonly workspace: string | null;
  /**
   * The id of the working tree; null if there is none. Without an id, automatic leases are for the whole repository.
   */
  readonly checkout: string | null;
  readonly branch: string | null;
  readonly policy: HookPolicy;
  readonly autoTtlS: number;
  /** True if the hook itself reports changes to the radar, as `koor-hook` does. */
  readonly reportsChanges: boolean;
}

const CHECKOUT = /^[a-z0-9-]{1,64}$/;
const SECONDS = /^\d{1,6}$/;

/** Reads the headers of requests, and keeps the compiled globs of the last HOOK_PATH_LISTS_MAX different lists. */
export class HookHeaderReader {
  /** The compiled lists of globs, by the name and the value of the header. */
  readonly #lists = new Map<string, PathList>();

  /** The number of compiled lists. */
  get lists(): number {
    return this.#lists.size;
  }

  read(header: HeaderReader): HookHeaders {
    const roots = readList(header("x-koor-root")).filter(isRoot).slice(0, HOOK_ROOTS_MAX);
    const checkout = decode(header("x-koor-checkout"));
    const branch = decode(header("x-koor-branch"));
    const policy = decode(header("x-koor-policy"));
    return {
      roots,
      workspace: validWorkspace(decode(header("x-koor-workspace"))) ?? validWorkspace(roots[0]),
      checkout: checkout !== undefined && CHECKOUT.test(checkout) ? checkout : null,
      branch: branch !== undefined && isBranch(branch) ? branch : null,
      policy: HOOK_POLICIES.find((word) => word === policy) ?? "auto",
      ignored: this.#readPaths(header, "x-koor-ignore", HOOK_IGNORE_DEFAULT),
      repoScope: this.#readPaths(header, "x-koor-repo-scope", HOOK_REPO_SCOPE_DEFAULT),
      autoTtlS: readSeconds(header("x-koor-auto-ttl")),
      reportsChanges: header("x-koor-reports") === "1",
    };
  }

  #readPaths(header: HeaderReader, name: string, byDefault: readonly string[]): PathList {
    const value = header(name);
    const key = `${name}:${value}`;
    let list = this.#lists.get(key);
    if (list === undefined) {
      const globs = readList(value);
      list = PathList.of(globs.length > 0 ? globs : byDefault);
      if (this.#lists.size >= HOOK_PATH_LISTS_MAX) this.#lists.clear();
      this.#lists.set(key, list);
    }
    return list;
  }
}

/**
 * Returns the headers of a session whose requests name no root. The directory of its first event is then the root, and
 * also the workspace unless the headers name one.
 */
export function withDefaultRoot(headers: HookHeaders, directory: string): HookHeaders {
  if (headers.roots.length > 0 || !isRoot(directory)) return headers;
  return { ...headers, roots: [directory], workspace: headers.workspace ?? validWorkspace(directory) };
}

/** Returns the entries of a list. A comma in an entry is percent-encoded. */
function readList(value: string): string[] {
  return value.split(",").flatMap((entry) => decode(entry.trim()) ?? []);
}

/** Returns the text of a percent-encoded value; undefined if the value is empty, or malformed. */
function decode(value: string): string | undefined {
  if (value === "") return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    // decodeURIComponent throws only a URIError, for a malformed escape or for bytes that are not UTF-8.
    return undefined;
  }
}

function readSeconds(value: string): number {
  const seconds = SECONDS.test(value) ? Number(value) : HOOK_AUTO_TTL_S_DEFAULT;
  return seconds >= HOOK_AUTO_TTL_S_MIN && seconds <= HOOK_AUTO_TTL_S_MAX ? seconds : HOOK_AUTO_TTL_S_DEFAULT;
}

function isRoot(text: string): boolean {
  return styleOf(text) !== null && text.length <= HOOK_PATH_CHARACTERS_MAX && !hasControlCharacter(text);
}

function isBranch(text: string): boolean {
  return utf8Length(text) <= HOOK_BRANCH_BYTES_MAX && !hasControlCharacter(text);
}

function validWorkspace(text: string | undefined): string | null {
  return text !== undefined && text !== "" && textProblem(text, Workspace.text) === null ? text : null;
}
