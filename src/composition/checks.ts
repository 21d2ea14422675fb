/** Creates the components that check texts and payloads: rules, contracts, templates, and the compliance monitor. */
import type { AgentTally } from "../features/agent-metrics/tally.js";
import type { Failure } from "../base/result.js";
import { ComplianceMonitor } from "../features/compliance/monitor.js";
import { complianceRoutes } from "../features/compliance/routes.js";
import { ContractFront } from "../features/contracts/front.js";
import { contractRoutes } from "../features/contracts/routes.js";
import type { Route } from "../platform/front/route.js";
import type { InstanceLists } from "../features/instances/lists.js";
import type { OutboundClient } from "../platform/outbound/client.js";
import { RuleFront } from "../features/rules/front.js";
import { ruleRoutes } from "../features/rules/routes.js";
import { RuleSetVersions } from "../features/rules/set-versions.js";
import { ruleReader } from "../features/rules/table.js";
import { TemplateFront } from "../features/templates/front.js";
import { templateRoutes } from "../features/templates/routes.js";
import { THE_SERVER } from "../platform/threads/pool.js";
import type { SlowLane } from "../platform/threads/slow-lane.js";
import { specReader } from "../features/versioned/table.js";
import type { Ground } from "./ground.js";

export interface ChecksArea {
  readonly contracts: ContractFront;
  readonly compliance: ComplianceMonitor;
  readonly routes: readonly Route[];
}

export interface ChecksUses {
  readonly slowLane: SlowLane;
  readonly services: OutboundClient;
  readonly instances: InstanceLists;
  readonly tally: AgentTally;
  readonly toClientFailure: (failure: Failure) => Failure;
}

export function makeChecks({ config, guarded, log, threads, nowMs }: Ground, uses: ChecksUses): ChecksArea {
  const { slowLane, services, instances, tally, toClientFailure } = uses;
  const { writer, pool, reads } = threads;
  const ruleRows = reads.model(ruleReader);
  const versions = new RuleSetVersions(
    (project) => ruleRows.version(project),
    () => writer.hasUnseenRemoteWrites,
  );
  writer.changes.listen("rule", versions);
  const rules = new RuleFront({
    guarded,
    writer,
    slowLane,
    versions,
    log,
    countViolations: (actor, violations) => {
      if (actor !== "" && violations > 0) tally.add(actor, "violations", violations);
    },
  });
  const contracts = new ContractFront({ outbound: services, slowLane, specs: reads.model(specReader) });
  const templates = new TemplateFront({ writer, slowLane, log, toClientFailure, contracts });
  const compliance = new ComplianceMonitor({
    instances: () => instances.walk({ status: "active" }, THE_SERVER),
    pool,
    writer,
    log,
    intervalMs: config.compliance_interval,
    nowMs: nowMs,
  });
  return {
    contracts,
    compliance,
    routes: [
      ...ruleRoutes({ rules, reads }),
      ...contractRoutes(contracts),
      ...templateRoutes({ templates, reads }),
      ...complianceRoutes({ monitor: compliance, reads }),
    ],
  };
}
