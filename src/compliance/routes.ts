/** Section 10 of the wire contract over HTTP. Runs on the front; the checks themselves are compliance/monitor.ts. */
import { ComplianceCheck, ComplianceHistory, ComplianceQuery } from "../../schemas/compliance.js";
import { COMPLIANCE_ROWS_DEFAULT, COMPLIANCE_WAIT_MS } from "../../schemas/limits.js";
import { encodeArray } from "../base/json-array.js";
import { Failure } from "../base/result.js";
import { readReply } from "../front/chunked-reply.js";
import type { Answer, Request, Route } from "../front/route-table.js";
import type { Reads } from "../rpc/reads.js";
import type { ComplianceMonitor, ComplianceResult } from "./monitor.js";

export function complianceRoutes(monitor: ComplianceMonitor, reads: Reads): Route[] {
  const tag = "compliance";
  return [
    {
      method: "POST",
      path: "/api/compliance/run",
      name: "compliance.run",
      tag,
      needs: "server",
      summary: "Checks each active instance against its project's contracts now.",
      answer: ComplianceCheck,
      handle: () => run(monitor),
    },
    {
      method: "GET",
      path: "/api/compliance/history",
      name: "compliance.history",
      tag,
      summary: "Reads what compliance checks found, newest first.",
      query: ComplianceQuery,
      answer: ComplianceHistory,
      handle: (request) => history(reads, request),
    },
  ];
}

async function run(monitor: ComplianceMonitor): Promise<Answer> {
  const result = await inTime(monitor.check());
  return result instanceof Failure ? result : await readReply(encodeResult(result));
}

/** The check goes on where it takes longer than an answer may. */
function inTime(check: Promise<ComplianceResult | Failure>): Promise<ComplianceResult | Failure> {
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
    // A long list lets others in between.
    await new Promise((resolve) => setImmediate(resolve));
  }
  yield `,"count":${count}}`;
}

function history(reads: Reads, { query, context }: Request): Answer | Promise<Answer> {
  const instance_id = (query["instance_id"] as string | undefined) ?? "";
  const limit = (query["limit"] as number | undefined) ?? COMPLIANCE_ROWS_DEFAULT;
  return readReply(
    reads.run("compliance.history", { instance_id: instance_id === "" ? null : instance_id, limit }, context, limit),
  );
}
