/**
 * Prepares the route table for the router of a port. Adds routes, so that a fixed path is never taken for the parameter
 * of another route. Pure.
 */
import type { Exchange, HttpMethod, RouterRow } from "../transport/transport.js";
import { pathMatches, type PathShape } from "./path-shape.js";
import type { BoundRoute } from "./call.js";

/** Returns the path of a route in the syntax of the router of uWebSockets.js. */
export function routerPattern(shape: PathShape): string {
  const last = shape.segments.length - 1;
  return `/${shape.segments.map((segment, at) => segment ?? (shape.rest && at === last ? "*" : `:p${at}`)).join("/")}`;
}

/**
 * Returns routes that answer 405 to the methods that a fixed path does not support. Without them, the router would pass
 * the request to another route whose parameter matches. For example, `GET /api/instances/register` would search for an
 * instance with the id `register`.
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

/** Returns the sorted methods that a path supports; empty if no route has the path. */
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
