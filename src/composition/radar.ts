/**
 * Creates the components for the reports that agents send about their checkouts: the routes, and the task that ends old
 * reports.
 */
import { whileLeader, type BackgroundTask } from "../platform/background/task.js";
import type { Route } from "../platform/front/route.js";
import { ReportExpiry } from "../features/radar/expiry.js";
import { RadarFront } from "../features/radar/front.js";
import { radarRoutes } from "../features/radar/routes.js";
import { radarSource } from "../features/radar/table.js";
import type { AgentsArea } from "./agents.js";
import type { ClusterArea } from "./cluster.js";
import type { Ground } from "./ground.js";

export interface RadarArea {
  readonly expiry: BackgroundTask;
  readonly routes: readonly Route[];
}

export interface RadarUses {
  readonly agents: Pick<AgentsArea, "directory">;
  readonly cluster: ClusterArea;
}

export function makeRadar(
  { guarded, threads, clock, log }: Ground,
  { agents: { directory }, cluster }: RadarUses,
): RadarArea {
  const { writer, reads } = threads;
  const reader = reads.model(radarSource);
  return {
    expiry: whileLeader(cluster.leads, new ReportExpiry({ reader, directory, writer, clock, log })),
    routes: radarRoutes(new RadarFront({ guarded, writer, reads, reader, directory, clock })),
  };
}
