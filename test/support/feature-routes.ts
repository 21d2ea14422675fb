/** Lists the routes of all features without a server. */
import { readdirSync } from "node:fs";
import type { Route } from "../../src/platform/front/route.js";

/** Stands for the dependencies of a feature: the tables only name their handlers, and call none. */
const anything: unknown = new Proxy(() => undefined, {
  get: (_target, name) => (name === Symbol.toPrimitive ? () => "" : anything),
  apply: () => anything,
});

/**
 * Returns every route of every feature, from the features' own files. This file runs from dist/tree/test/support.
 */
export async function routesOfFeatures(): Promise<Route[]> {
  const src = new URL("../../src/", import.meta.url);
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) =>
    /^(?:features\/)?[a-z-]+\/routes\.js$/.test(file),
  );
  const routes: Route[] = [];
  for (const file of files) {
    const exported = (await import(new URL(file, src).href)) as Readonly<Record<string, unknown>>;
    const [make] = Object.entries(exported).flatMap(([name, value]) =>
      name.endsWith("Routes") && typeof value === "function" ? [value as (options: unknown) => Route[]] : [],
    );
    if (make === undefined) throw new Error(`${file} exports no table of routes`);
    routes.push(...make(anything));
  }
  return routes;
}
