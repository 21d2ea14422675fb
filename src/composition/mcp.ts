/** Creates the MCP endpoint, whose tools call the server's own routes. */
import type { AgentTally } from "../features/agent-metrics/tally.js";
import type { Pipeline } from "../platform/front/pipeline.js";
import { InternalRequests } from "../platform/front/internal-request.js";
import type { Route } from "../platform/front/route.js";
import { McpFront } from "../features/mcp/front.js";
import type { AgentsArea } from "./agents.js";
import type { Ground } from "./ground.js";

export interface McpUses {
  /** All routes of the server. The array is filled before the first request. */
  readonly routes: readonly Route[];
  readonly pipeline: Pipeline;
  readonly agents: AgentsArea;
  readonly tally: AgentTally;
  /** The folder of Koor's package. */
  readonly packageFolder: string;
}

export function makeMcp({ config, guarded, log }: Ground, uses: McpUses): McpFront {
  const { routes, pipeline, tally, packageFolder } = uses;
  const { actors, directory } = uses.agents;
  return new McpFront({
    inner: new InternalRequests({ guarded, routes, refusals: pipeline.refusals, actors, agents: tally }),
    routes,
    directory,
    has: { cluster: config.cluster !== "", packageFolder: packageFolder },
    log,
  });
}
