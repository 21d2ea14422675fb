/** Tests when a node forwards its entries, and when it appends them itself. */
import t from "tap";
import { FORWARD_PAUSE_MS, FORWARD_RETURN_MS_MAX } from "../../schemas/limits/cluster.js";
import { Forwarding } from "./forwarding.js";
import type { Proposal } from "./proposals.js";

const BYTES = new Uint8Array(1);

function proposalOf(number: number): Proposal {
  return { node: "a", epoch: 1, number, calls: [], since: 0 };
}

t.test("a node forwards while calls of other nodes come through the log", (t) => {
  const forwarding = new Forwarding();
  t.notOk(forwarding.shouldForward(0), "it is alone");
  forwarding.noteRemoteCalls();
  t.same(
    [0, 0, 0].map((now) => forwarding.shouldForward(now)),
    [true, true, false],
  );
  t.end();
});

t.test(
  "an overdue entry is appended by its own node, which then forwards nothing until the leader has appended",
  (t) => {
    const forwarding = new Forwarding();
    const proposal = proposalOf(1);
    forwarding.begin(proposal, BYTES, 100);
    const due = 100 + FORWARD_RETURN_MS_MAX;
    t.equal(forwarding.overdue(due - 1, 0), null);
    t.equal(forwarding.overdue(due, 101), null, "the log was not read for a while");
    t.match(forwarding.overdue(due, 0), { proposal, bytes: BYTES });
    t.equal(forwarding.overdue(due, 0), null, "once");
    t.equal(forwarding.undelivered(proposal, due), null);
    const shouldForward = (now: number): boolean => {
      forwarding.noteRemoteCalls();
      return forwarding.shouldForward(now);
    };
    t.notOk(shouldForward(due + FORWARD_PAUSE_MS), "the leader was not heard of");
    forwarding.noteLeader(due + 1);
    t.notOk(shouldForward(due + FORWARD_PAUSE_MS - 1));
    t.ok(shouldForward(due + FORWARD_PAUSE_MS));
    t.end();
  },
);

t.test("an undelivered entry is appended at once, unless it is settled", (t) => {
  const forwarding = new Forwarding();
  const [first, second] = [proposalOf(1), proposalOf(2)];
  forwarding.begin(first, BYTES, 0);
  forwarding.end();
  t.equal(forwarding.undelivered(first, 0), null);
  forwarding.begin(second, BYTES, 0);
  t.equal(forwarding.undelivered(first, 0), null, "that was another one");
  t.match(forwarding.undelivered(second, 0), { proposal: second });
  t.end();
});
