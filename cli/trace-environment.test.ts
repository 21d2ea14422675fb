/** Tests which variables carry a trace context. */
import t from "tap";
import { traceparentIn, traceVariables } from "./trace-environment.js";

const ONE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01";

t.test("Koor's own variable counts before the common one, and only valid values count", (t) => {
  t.equal(traceparentIn({}), undefined);
  t.equal(traceparentIn({ TRACEPARENT: ONE }), ONE);
  t.equal(traceparentIn({ KOOR_TRACEPARENT: OTHER, TRACEPARENT: ONE }), OTHER);
  t.equal(traceparentIn({ KOOR_TRACEPARENT: "nonsense", TRACEPARENT: ONE }), ONE);
  t.equal(traceparentIn({ KOOR_TRACEPARENT: "", TRACEPARENT: "x" }), undefined);
  t.end();
});

t.test("the variable that other programs read is kept", (t) => {
  t.same(traceVariables(ONE, {}), { KOOR_TRACEPARENT: ONE, TRACEPARENT: ONE });
  t.same(traceVariables(ONE, { TRACEPARENT: "" }), { KOOR_TRACEPARENT: ONE, TRACEPARENT: ONE });
  t.same(traceVariables(ONE, { TRACEPARENT: OTHER }), { KOOR_TRACEPARENT: ONE });
  t.end();
});
