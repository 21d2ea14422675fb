/**
 * Finds the route for a request. If the path belongs to a route without parameters, one lookup finds it. Otherwise the
 * path is searched segment by segment. Pure.
 */
import type { RouterRow } from "../transport.js";

/** A node in the tree of path patterns. All patterns below it begin with the same segments. */
interface Branch {
  readonly fixed: Map<string, Branch>;
  /** The branch for a parameter, which matches any non-empty segment. */
  any: Branch | null;
  /** The route whose pattern ends here. */
  row: RouterRow | null;
  /** The route whose pattern matches any rest of the path; null if there is none. */
  rest: RouterRow | null;
}

const ANY = ":";
const REST = "*";

function newBranch(): Branch {
  return { fixed: new Map(), any: null, row: null, rest: null };
}

/** Tries a literal segment first, then a parameter, then the rest of the path. */
function find(branch: Branch, segments: readonly string[], at: number): RouterRow | null {
  const segment = segments[at];
  if (segment === undefined) return branch.row;
  const literal = branch.fixed.get(segment);
  const found = literal === undefined ? null : find(literal, segments, at + 1);
  if (found !== null) return found;
  const any = branch.any === null || segment === "" ? null : find(branch.any, segments, at + 1);
  return any ?? branch.rest;
}

export class RowIndex {
  /** The routes without parameters, by method and path. */
  readonly #fixed = new Map<string, RouterRow>();
  readonly #roots = new Map<string, Branch>();

  constructor(rows: readonly RouterRow[]) {
    for (const row of rows) this.#add(row);
  }

  /**
   * Returns the route that serves a request; undefined if there is none.
   * @param method in upper case. GET routes also serve HEAD.
   * @param path as sent, without the query
   */
  find(method: string, path: string): RouterRow | undefined {
    const served = method === "HEAD" ? "GET" : method;
    const fixed = this.#fixed.get(`${served} ${path}`);
    if (fixed !== undefined) return fixed;
    const root = this.#roots.get(served);
    if (root === undefined || !path.startsWith("/")) return undefined;
    return find(root, path.slice(1).split("/"), 0) ?? undefined;
  }

  #add(row: RouterRow): void {
    const { method, pattern } = row;
    if (!pattern.includes(`/${ANY}`) && !pattern.endsWith(`/${REST}`)) {
      this.#fixed.set(`${method} ${pattern}`, row);
      return;
    }
    let branch = this.#roots.get(method) ?? newBranch();
    this.#roots.set(method, branch);
    for (const segment of pattern.slice(1).split("/")) {
      if (segment === REST) {
        branch.rest = row;
        return;
      }
      const literal = !segment.startsWith(ANY);
      const next = (literal ? branch.fixed.get(segment) : branch.any) ?? newBranch();
      if (literal) branch.fixed.set(segment, next);
      else branch.any = next;
      branch = next;
    }
    branch.row = row;
  }
}
