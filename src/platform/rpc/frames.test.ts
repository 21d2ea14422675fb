/** Tests the key by which fair queues group the calls of one caller. */
import t from "tap";
import { NO_CALLER, callerOf } from "./frames.js";

t.test("the instance's that acts, else the address's", (t) => {
  t.equal(callerOf({ actor: "i-1", trace: "x", peer: "10.0.0.1" }), "i-1");
  t.equal(callerOf({ actor: "", trace: "", peer: "10.0.0.1" }), "address 10.0.0.1");
  t.equal(callerOf(NO_CALLER), "", "the server's own");
  t.end();
});
