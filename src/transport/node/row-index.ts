/** Finds the row of a port's router for a request: fixed paths by one look-up, the others segment by segment. Pure. */
import type { RouterRow } from "../transport.js";

/** What may follow the segments so far. */
interface Branch {
  readonly fixed: Map<string, Branch>;
  /** Behind a segment that is anything but empty. */
  any: Branch | null;
  /** The row that ends here. */
  row: RouterRow | null;
  /** The row that takes the rest of the path. */
  rest: RouterRow | null;
}

const ANY = ":";
const REST = "*";

function newBranch(): Branch {
  return { fixed: new Map(), any: null, row: null, rest: null };
}

/** A literal segment is tried first, then any one, then the rest of the path. */
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
  /** By method and path: rows without parameters. */
  readonly #fixed = new Map<string, RouterRow>();
  readonly #roots = new Map<string, Branch>();

  constructor(rows: readonly RouterRow[]) {
    for (const row of rows) this.#add(row);
  }

  /**
   * The row that serves a request; undefined where none does.
   * @param method in upper case; HEAD is served by GET's rows
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
