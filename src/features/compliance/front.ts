/**
 * Answers a request for a compliance check within a time limit. A large answer is sent in chunks. Runs on the front.
 */
import { PIECED_ANSWER_BYTES } from "../../../schemas/limits/answers.js";
import { COMPLIANCE_WAIT_MS } from "../../../schemas/limits/compliance.js";
import { encodeArray } from "../../base/json-array.js";
import { Failure } from "../../base/result.js";
import { readReply } from "../../platform/front/reply.js";
import type { Answer } from "../../platform/front/route.js";
import type { ComplianceMonitor, ComplianceResult } from "./monitor.js";

/**
 * Starts a check and answers with its result. If the check takes longer than the time limit, it continues in the
 * background.
 */
export async function checkNow(monitor: ComplianceMonitor): Promise<Answer> {
  const result = await withTimeout(monitor.check());
  return result instanceof Failure ? result : await readReply(encodeResult(result), PIECED_ANSWER_BYTES);
}

function withTimeout(check: Promise<ComplianceResult | Failure>): Promise<ComplianceResult | Failure> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => resolve(new Failure("DEADLINE_EXCEEDED", "the check takes long and goes on: see the history")),
      COMPLIANCE_WAIT_MS,
    );
    check.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function* encodeResult({ runs, count }: ComplianceResult): AsyncGenerator<string, void, undefined> {
  yield `{"checked":true,"runs":`;
  for (const chunk of encodeArray(runs)) {
    yield chunk;
    // The event loop serves other requests between two chunks.
    await new Promise((resolve) => setImmediate(resolve));
  }
  yield `,"count":${count}}`;
}
