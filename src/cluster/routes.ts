/** Declares the routes about the cluster (docs/http-api.md "Clusters"). Runs on the front. */
import { ClusterView } from "../../schemas/cluster.js";
import { notFound } from "../base/result.js";
import { route, type Route } from "../platform/front/route.js";
import type { ClusterFront } from "./front.js";

/** @param cluster the node of this server; null on a single server */
export function clusterRoutes(cluster: ClusterFront | null): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/cluster",
      name: "cluster",
      tag: "metrics",
      summary: "Describes the nodes of the cluster that the server belongs to.",
      answer: ClusterView,
      statuses: [404],
      handle: () => cluster?.describe() ?? notFound("this server is no node of a cluster"),
    }),
  ];
}
