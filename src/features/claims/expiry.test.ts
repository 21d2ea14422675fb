/** Tests the ends of claims whose maximum life was started again, on a clock that the test sets. */
import t from "tap";
import type { EndClaimsRequest, LeaseRecord } from "../../../schemas/leases.js";
import type { Writer } from "../../platform/threads/writer.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { People, SimulatedServer } from "../../../test/support/simulated-server.js";
import { registerInstance } from "../instances/commands.js";
import { acquireLease, renewLease } from "../leases/commands.js";
import { endClaims } from "./commands.js";
import { Expiry } from "./expiry.js";
import { LeaseProjection } from "./lease-projection.js";

const CLAIM: LeaseRecord = {
  row: 1,
  state: "held",
  fence: 1,
  holder: "h",
  holder_name: "h",
  workspace: "",
  resources: ["r"],
  shared: false,
  reason: "",
  note: null,
  task: null,
  ttl_s: 600,
  max_s: 10,
  offered: false,
  queued: false,
  requested_at: 0,
  granted_at: 0,
  ended_at: null,
  scope: "repo",
  checkout: null,
  parent: null,
  touched_at: null,
  automatic: false,
};

t.test("the front ends a claim again that the writer has kept", (t) => {
  let nowMs = 0;
  const asked: EndClaimsRequest["ends"][number][] = [];
  let whileAsked: () => void = () => undefined;
  const leases = new LeaseProjection();
  const writer = {
    call: (_method: unknown, { ends }: EndClaimsRequest, _caller: unknown, done: (reply: unknown) => void): void => {
      asked.push(...ends);
      whileAsked();
      done(null);
    },
  };
  const resumed = { beforeMs: Number.NEGATIVE_INFINITY, at_ms: 0, untilMs: 0 };
  const expiry = new Expiry({
    leases,
    holders: { lastSeenOf: () => 0, watch: () => undefined },
    writer: writer as unknown as Writer,
    clock: { now: () => nowMs },
    log: quietLog(),
    pauseDetector: { resumed: () => resumed },
    shared: null,
  });
  const tickAt = (ms: number): number => {
    nowMs = ms;
    asked.length = 0;
    expiry.tick(ms);
    return asked.length;
  };
  leases.accept([CLAIM]);
  t.equal(tickAt(100), 0);
  t.equal(tickAt(9_900), 0);
  t.equal(tickAt(10_200), 1, "at the end of max_s");
  t.match(asked, [{ row: 1, fence: 1, reason: "max_s" }]);
  t.equal(tickAt(10_300), 0);
  whileAsked = () => leases.accept([{ ...CLAIM, touched_at: 11_000 }]);
  t.equal(tickAt(11_500), 1, "the claim was kept, so it is checked again");
  whileAsked = () => leases.accept([{ ...CLAIM, state: "lost", ended_at: 21_200 }]);
  t.equal(tickAt(20_900), 0, "its maximum life was started again meanwhile");
  t.equal(tickAt(21_200), 1);
  t.equal(tickAt(60_000), 0, "it has ended");
  t.end();
});

t.test("the writer keeps a claim whose maximum life was started again after the front's decision", (t) => {
  const methods = [registerInstance, acquireLease, renewLease, endClaims];
  const played = new SimulatedServer({ methods, hear: () => undefined });
  const { id } = new People(played).register();
  const request = { resources: ["r"], shared: false, workspace: "", ttl_s: 600, max_s: 10, reason: "" };
  played.reply(acquireLease, { ...request, waits: false, queued: false, request_id: null }, id);
  const end = (): boolean => {
    played.reply(endClaims, { ends: [{ row: 1, fence: 1, reason: "max_s", heard_at: null }] }, "");
    return played.mirror.get(1) === undefined;
  };
  played.nowMs += 9_000;
  played.reply(renewLease, { row: 1, fence: 1, ttl_s: null, touch: true }, id);
  played.nowMs += 9_999;
  t.notOk(end(), "it was to end earlier");
  played.nowMs += 1;
  t.ok(end());
  played.close();
  t.end();
});
