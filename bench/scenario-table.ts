/** Lists all scenarios, in the order of a run. A new scenario needs one row here. */
import type { Scenario } from "./model.js";
import { claimsScenario } from "./scenarios/claims.js";
import { cliStartScenario } from "./scenarios/cli-start.js";
import { clusterScenario } from "./scenarios/cluster.js";
import { conditionalGetScenario } from "./scenarios/conditional-get.js";
import { contentScenario } from "./scenarios/content.js";
import { dashboardScenario } from "./scenarios/dashboard.js";
import { diffScenario } from "./scenarios/diff.js";
import { getScenario } from "./scenarios/get.js";
import { heartbeatScenario } from "./scenarios/heartbeat.js";
import { hooksScenario } from "./scenarios/hooks.js";
import { hostileScenario } from "./scenarios/hostile.js";
import { idleScenario } from "./scenarios/idle.js";
import { mcpScenario } from "./scenarios/mcp.js";
import { mixScenario } from "./scenarios/mix.js";
import { patternsScenario } from "./scenarios/patterns.js";
import { publishScenario } from "./scenarios/publish.js";
import { putDistinctKeysScenario } from "./scenarios/put-distinct-keys.js";
import { putOneKeyScenario } from "./scenarios/put-one-key.js";
import { radarScenario } from "./scenarios/radar.js";
import { stalledSubscribersScenario } from "./scenarios/stalled-subscribers.js";
import { subscribersScenario } from "./scenarios/subscribers.js";
import { telemetryScenario } from "./scenarios/telemetry.js";
import { webhooksScenario } from "./scenarios/webhooks.js";
import { validateScenario } from "./scenarios/validate.js";
import { waitScenario } from "./scenarios/wait.js";

export const SCENARIOS: readonly Scenario[] = [
  getScenario,
  putDistinctKeysScenario,
  publishScenario,
  subscribersScenario,
  stalledSubscribersScenario,
  patternsScenario,
  idleScenario,
  cliStartScenario,
  diffScenario,
  heartbeatScenario,
  hooksScenario,
  radarScenario,
  claimsScenario,
  waitScenario,
  validateScenario,
  hostileScenario,
  conditionalGetScenario,
  putOneKeyScenario,
  mixScenario,
  mcpScenario,
  contentScenario,
  webhooksScenario,
  telemetryScenario,
  dashboardScenario,
  clusterScenario,
];
