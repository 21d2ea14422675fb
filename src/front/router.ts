/** The route table as a port's router takes it: each route a row, and rows that keep fixed paths apart. Pure. */
import type { Exchange, HttpMethod, RouterRow } from "../transport/transport.js";
import { pathMatches, type PathShape } from "./path-shape.js";
import type { BoundRoute } from "./call.js";

/** The path as a router wants it. */
export function routerPattern(shape: PathShape): string {
  const last = shape.segments.length - 1;
  return `/${shape.segments.map((segment, at) => segment ?? (shape.rest && at === last ? "*" : `:p${at}`)).join("/")}`;
}

/**
 * Rows that refuse. A path that stands in the table as it is is no value of a parameter: `GET
 * /api/instances/register` is a 405, not a search for the instance of that id.
 */
export function fixedPathRows(routes: readonly BoundRoute[], refuse: (exchange: Exchange) => void): RouterRow[] {
  const rows: RouterRow[] = [];
  for (const {
    route: { path },
    shape,
  } of routes) {
    if (shape.names.length > 0) continue;
    const own = new Set(routes.filter(({ route }) => route.path === path).map(({ route }) => route.method));
    for (const {
      route: { method },
      shape: other,
    } of routes) {
      if (own.has(method) || !pathMatches(other, path)) continue;
      own.add(method);
      rows.push({ method, pattern: path, serve: refuse });
    }
  }
  return rows;
}

/** The methods that a path has, sorted; none where no route has it. */
export function methodsAt(routes: readonly BoundRoute[], path: string): string[] {
  const methods = new Set<HttpMethod | "HEAD">();
  const matching = routes.filter(({ shape }) => pathMatches(shape, path));
  const fixed = matching.filter(({ shape }) => shape.names.length === 0);
  for (const { route } of fixed.length > 0 ? fixed : matching) {
    methods.add(route.method);
    if (route.method === "GET") methods.add("HEAD");
  }
  return [...methods].sort();
}
