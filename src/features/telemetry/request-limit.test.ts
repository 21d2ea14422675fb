/** Tests the timeout of an export that the environment sets. test/api-opentelemetry.test.ts tests a slow collector. */
import t from "tap";
import { TELEMETRY_TIMEOUT_MS } from "../../../schemas/limits/telemetry.js";
import { exportTimeoutMs, RequestLimit } from "./request-limit.js";

t.test("the variable of a signal overrides the common one, and invalid values are ignored", (t) => {
  const common = { OTEL_EXPORTER_OTLP_TIMEOUT: "500" };
  const cases: readonly (readonly [Record<string, string>, number])[] = [
    [{}, TELEMETRY_TIMEOUT_MS],
    [common, 500],
    [{ ...common, OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "70" }, 70],
    [{ ...common, OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "70" }, 500],
    [{ ...common, OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "soon" }, 500],
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: "-1" }, TELEMETRY_TIMEOUT_MS],
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: "9e15" }, 2 ** 31 - 1],
  ];
  for (const [env, ms] of cases) t.equal(exportTimeoutMs("TRACES", env), ms, JSON.stringify(env));
  t.end();
});

t.test("an export that fails in time keeps its reason", async (t) => {
  const limit = new RequestLimit(60_000);
  t.equal(await limit.during(() => Promise.resolve("refused")), "refused");
  t.equal(await limit.during(() => Promise.resolve(null)), null);
});
