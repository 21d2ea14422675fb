/**
 * Converts the route table into rows for the router of a port. Each route has one row. Further rows make sure that a
 * fixed path is never taken for another route's parameter. Pure.
 */
import type { Exchange, HttpMethod, RouterRow } from "../transport/transport.js";
import { pathMatches, type PathShape } from "./path-shape.js";
import type { BoundRoute } from "./call.js";

/** Returns the path in the syntax of uWebSockets.js's router. */
export function routerPattern(shape: PathShape): string {
  const last = shape.segments.length - 1;
  return `/${shape.segments.map((segment, at) => segment ?? (shape.rest && at === last ? "*" : `:p${at}`)).join("/")}`;
}

/**
 * Returns rows that refuse other methods on fixed paths. Without them, a fixed path could be taken for another route's
 * parameter: `GET /api/instances/register` would search for an instance whose id is `register`, and not get a 405.
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

/** Returns the methods that the routes of a path have, sorted; empty if no route has the path. */
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
