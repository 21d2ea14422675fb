/** Creates the components for versioned values, which are the values of state and the specs. */
import type { Failure } from "../base/result.js";
import type { ContractFront } from "../features/contracts/front.js";
import type { Route } from "../platform/front/route.js";
import { specRoutes } from "../features/specs/routes.js";
import { StateKeyCount } from "../features/state/key-count.js";
import { stateRoutes } from "../features/state/routes.js";
import type { SlowLane } from "../platform/threads/slow-lane.js";
import { stateReader } from "../features/versioned/table.js";
import type { Ground, ServerPushHandlers } from "./ground.js";

export interface VersionedArea {
  readonly keyCount: StateKeyCount;
  readonly routes: readonly Route[];
  readonly onStateKeys: ServerPushHandlers["state_keys"];
}

export interface VersionedUses {
  readonly slowLane: SlowLane;
  readonly contracts: ContractFront;
  readonly toClientFailure: (failure: Failure) => Failure;
}

export function makeVersioned({ log, threads }: Ground, uses: VersionedUses): VersionedArea {
  const { slowLane, contracts, toClientFailure } = uses;
  const { writer, reads } = threads;
  const keyCount = new StateKeyCount(reads.model(stateReader).count());
  const shared = { writer, reads, slowLane, log, toClientFailure };
  return {
    keyCount,
    routes: [
      ...stateRoutes(shared),
      ...specRoutes({ ...shared, examine: (written, context) => contracts.examine(written, context) }),
    ],
    onStateKeys: (count) => {
      keyCount.count = count;
    },
  };
}
