/**
 * Creates the server's ports, the limit of their connections, and the guard that checks the host, origin and token of
 * requests.
 */
import { OUTBOUND_CONNECTIONS_MAX } from "../../schemas/limits/outbound.js";
import { FEW_DESCRIPTORS, OWN_DESCRIPTORS_MAX, SHORTAGE_REPORT_MS } from "../../schemas/limits/process.js";
import { countDescriptors } from "../base/descriptors.js";
import { SparseReport } from "../base/sparse-report.js";
import { RequestGuard } from "../platform/front/request-guard.js";
import { FrontServer } from "../platform/front/server.js";
import { ConnectionLimit, connectionShares } from "../platform/transport/connection-limit.js";
import type { Transport } from "../platform/transport/transport.js";
import type { Ground } from "./ground.js";

export interface PortsArea {
  readonly ports: FrontServer;
  readonly guard: RequestGuard;
  /**
   * The maximum number of connections to other servers. These connections and those of clients share the process's file
   * descriptors.
   */
  readonly outboundMax: number;
  /** True if the process has a low limit of file descriptors. It may then have none left later. */
  readonly hasFewDescriptors: boolean;
}

export function makePorts({ config, clock, log }: Ground, transport: Transport): PortsArea {
  const tooMany = new SparseReport(SHORTAGE_REPORT_MS, (connections) =>
    log.warn("new connections are closed immediately: the limit of file descriptors is reached (ulimit -n)", {
      connections,
    }),
  );
  const descriptors = countDescriptors();
  const shares = connectionShares(descriptors, OWN_DESCRIPTORS_MAX, OUTBOUND_CONNECTIONS_MAX);
  const ports = new FrontServer(transport, new ConnectionLimit(shares.clientsMax, () => tooMany.report()));
  return {
    ports,
    guard: new RequestGuard(config, ports, clock, log),
    outboundMax: shares.outboundMax,
    hasFewDescriptors: (descriptors?.max ?? Number.POSITIVE_INFINITY) <= FEW_DESCRIPTORS,
  };
}
