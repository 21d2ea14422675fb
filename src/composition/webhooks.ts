/** Creates the component that delivers events to webhooks, and the routes of webhooks. */
import { WEBHOOK_REQUESTS_MAX } from "../../schemas/limits/webhooks.js";
import type { Route } from "../platform/front/route.js";
import type { OutboundClient } from "../platform/outbound/client.js";
import { webhookReader } from "../features/outbox/table.js";
import { NO_CALLER } from "../platform/rpc/frames.js";
import { advanceWebhooks } from "../features/webhooks/commands.js";
import { Deliveries } from "../features/webhooks/delivery.js";
import { webhookRoutes } from "../features/webhooks/routes.js";
import { senderOver } from "../features/webhooks/send.js";
import type { Ground } from "./ground.js";

export interface WebhooksArea {
  readonly deliveries: Deliveries;
  readonly routes: readonly Route[];
}

export interface WebhooksUses {
  readonly receivers: OutboundClient;
  /** The maximum number of connections to other servers. */
  readonly outboundMax: number;
  readonly leads: () => boolean;
}

export function makeWebhooks(ground: Ground, { receivers, outboundMax, leads }: WebhooksUses): WebhooksArea {
  const { clock, guarded, log, threads } = ground;
  const { writer, reads } = threads;
  const send = senderOver(receivers, () => clock.now());
  const deliveries = new Deliveries({
    reader: reads.model(webhookReader),
    send,
    requestsMax: Math.min(WEBHOOK_REQUESTS_MAX, outboundMax),
    isLeader: leads,
    advance: (progress) => writer.request(advanceWebhooks, { receivers: progress, guarded }, NO_CALLER),
    clock,
    log,
  });
  return {
    deliveries,
    routes: webhookRoutes({
      guarded,
      writer,
      reads,
      send,
      queued: () => deliveries.queued,
      policy: receivers.policy,
      clock,
      log,
    }),
  };
}
