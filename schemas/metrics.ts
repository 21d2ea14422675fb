/** Defines the shapes of docs/http-api.md "Health and metrics". */
import * as Type from "typebox";
import { NodeHealth } from "./cluster.js";

export const Health = Type.Object({
  status: Type.Enum(["ok", "draining", "unwell"]),
  uptime: Type.String({ examples: ["3h24m10s"] }),
  reason: Type.Optional(Type.String({ description: "Why the server takes no writes; absent while it does." })),
  times_ahead_s: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: "How far the server's time, or a stored one, is ahead of the machine's clock; absent where none is.",
    }),
  ),
  cluster: Type.Optional(NodeHealth),
});

export const Metrics = Type.Object({
  uptime: Type.String(),
  state_keys: Type.Integer(),
  instances: Type.Integer(),
  last_event_id: Type.Integer(),
  api_bind: Type.String(),
  dashboard_bind: Type.String(),
  token_tax: Type.Object({
    mcp_calls: Type.Integer(),
    rest_calls: Type.Integer(),
    total_calls: Type.Integer(),
    mcp_estimated_tokens: Type.Integer(),
    rest_tokens_saved: Type.Integer(),
    savings_percent: Type.Number(),
  }),
});

export const MetricsReset = Type.Object({ reset: Type.Literal(true) });
