/** Reads from a running server and from the features' tables what the generated tables show. */
import { ClusterFront, type ClusterFrontOptions } from "../../src/cluster/front.js";
import { asyncApiRoute } from "../../src/platform/front/asyncapi.js";
import { openApiRoute } from "../../src/platform/front/openapi.js";
import { Exposition } from "../../src/platform/measure/exposition.js";
import { parseExposition } from "../support/exposition.js";
import { routesOfFeatures } from "../support/feature-routes.js";
import { send } from "../support/http-client.js";
import type { Owner } from "../support/owner.js";
import { startKoor } from "../support/server-process.js";
import type { Served } from "./tables.js";

/** Returns the metrics that only a node of a cluster has. */
export function nodeMetrics(): string {
  const out = new Exposition();
  new ClusterFront({ cluster: { node_id: "a" } } as ClusterFrontOptions).expose(out);
  return out.text();
}

export async function readServed(t: Owner): Promise<Served> {
  // Some metrics exist only with this option. Nothing is exported before the server ends.
  const { port } = await startKoor(t, { args: ["--otlp", "http://127.0.0.1:9"] });
  const texts = [(await send(port, "GET", "/metrics")).text, nodeMetrics()];
  return {
    endpoints: [...(await routesOfFeatures()), openApiRoute([], ""), asyncApiRoute("")],
    metrics: new Map(texts.flatMap((text) => [...parseExposition(text)])),
  };
}
