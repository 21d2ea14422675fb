/** Tests how much memory is counted for a claim: more while it waits, and less after its grant. */
import t from "tap";
import { ALTERNATIVES_STEPS_MAX, CLAIM_HOLDERS_MAX, CLAIM_WATCH_BYTES } from "../../../schemas/limits/claims.js";
import { LEASES_OF_HOLDER_BYTES_MAX } from "../../../schemas/limits/leases.js";
import { ClaimBytes } from "./claim-bytes.js";
import type { Claim } from "./lock-entry.js";
import { storedResource } from "./resource.js";

function claimOf(order: number, members: Partial<Claim>): Claim {
  const base = { holder: "h", parent: null, shared: false, maxHolders: null, limitedTo: null };
  return { order, ...base, resources: [storedResource("a", "w")], alternatives: [], chosen: [], ...members };
}

/** Returns how many claims with these members one holder can add before it reaches its memory limit. */
function countFitting(members: Partial<Claim>, grants = false): number {
  const bytes = new ClaimBytes();
  for (let order = 1; ; order++) {
    const claim = claimOf(order, members);
    if (bytes.refuse(claim, "h", "h") !== null) return order - 1;
    bytes.add(claim, true);
    if (grants) bytes.grant(claim);
  }
}

t.test("a shared claim that waits for a name counts the holders that it may watch", (t) => {
  const exclusive = LEASES_OF_HOLDER_BYTES_MAX / countFitting({});
  const shared = LEASES_OF_HOLDER_BYTES_MAX / countFitting({ shared: true });
  t.ok(Math.abs(shared - exclusive - CLAIM_HOLDERS_MAX * CLAIM_WATCH_BYTES) < 10, `${shared} bytes, not ${exclusive}`);
  const counted = LEASES_OF_HOLDER_BYTES_MAX / countFitting({ shared: true, maxHolders: 3 });
  t.ok(Math.abs(counted - exclusive - 3 * CLAIM_WATCH_BYTES) < 10, `${counted} bytes, not ${exclusive}`);
  const file = [storedResource("path:a", "w")];
  t.equal(countFitting({ shared: true, resources: file }), countFitting({ resources: file }), "no file has a limit");
  t.end();
});

t.test("a granted claim counts no watched claims", (t) => {
  t.ok(countFitting({ shared: true }, true) > 4 * countFitting({ shared: true }));
  t.ok(countFitting({ shared: true, maxHolders: 50 }, true) > 2 * countFitting({ shared: true, maxHolders: 50 }));
  t.end();
});

t.test("the claims that one claim watches are bounded", (t) => {
  const names = Array.from({ length: 1_000 }, (_, at) => storedResource(`port:${at}`, "w"));
  const count = countFitting({ shared: true, resources: [], alternatives: [names] });
  const watched = LEASES_OF_HOLDER_BYTES_MAX / count;
  t.ok(watched >= ALTERNATIVES_STEPS_MAX * CLAIM_WATCH_BYTES, `${watched} bytes`);
  t.ok(watched < 1_000 * CLAIM_HOLDERS_MAX * CLAIM_WATCH_BYTES, `${watched} bytes`);
  t.end();
});
