/**
 * Creates the two HTTP clients for requests to other servers. One calls the receivers of webhooks, the other one the
 * services that live tests of contracts check. They share one limit of connections. The webhook client may have more
 * connections to one origin, because all webhooks may have the same receiver.
 */
import { WEBHOOK_REQUESTS_MAX } from "../../schemas/limits/webhooks.js";
import { OutboundClient } from "../platform/outbound/client.js";
import { ConnectionLimit } from "../platform/transport/connection-limit.js";
import type { Ground } from "./ground.js";
import type { PortsArea } from "./ports.js";

export interface OutboundArea {
  /** Calls the receivers of webhooks. */
  readonly receivers: OutboundClient;
  /** Sends requests to the services that live tests check. */
  readonly services: OutboundClient;
}

export function makeOutbound({ config }: Ground, { outboundMax, hasFewDescriptors }: PortsArea): OutboundArea {
  const shared = {
    policy: { allowPrivate: config.webhook_allow_private },
    connections: new ConnectionLimit(outboundMax),
    // If the process may have only few file descriptors, close idle connections. Another request may need their
    // descriptors.
    keepsConnections: !hasFewDescriptors,
  };
  return {
    receivers: new OutboundClient({ ...shared, connectionsPerOriginMax: WEBHOOK_REQUESTS_MAX }),
    services: new OutboundClient(shared),
  };
}
