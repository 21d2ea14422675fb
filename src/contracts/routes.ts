/** Section 8 of the wire contract over HTTP. Runs on the front; what is asked is done by contracts/front.ts. */
import { ContractTest, ContractTestBody, ContractValidateBody, ContractValidation } from "../../schemas/contracts.js";
import { Failure } from "../base/result.js";
import { jsonReply, type Answer, type Request, type Route } from "../front/route-table.js";
import type { ContractFront } from "./front.js";

export function contractRoutes(contracts: ContractFront): Route[] {
  const tag = "contracts";
  return [
    {
      method: "POST",
      path: "/api/contracts/{project}/{name}/validate",
      name: "contract.validate",
      tag,
      summary: "Checks a payload against a contract.",
      body: { kind: "json", schema: ContractValidateBody, unread: true },
      answer: ContractValidation,
      statuses: [404],
      asks_only: true,
      handle: (request) => validate(contracts, request),
    },
    {
      method: "POST",
      path: "/api/contracts/{project}/{name}/test",
      name: "contract.test",
      tag,
      summary: "Calls a live service and checks its answer against a contract.",
      body: { kind: "json", schema: ContractTestBody, unread: true },
      answer: ContractTest,
      statuses: [404],
      asks_only: true,
      handle: (request) => test(contracts, request),
    },
  ];
}

async function validate(
  contracts: ContractFront,
  { params: [project = "", name = ""], body }: Request,
): Promise<Answer> {
  const answer = await contracts.validate(project, name, body);
  return answer instanceof Failure
    ? answer
    : jsonReply(answer.text, 200, answer.count === 0 ? null : { violations: answer.count });
}

async function test(contracts: ContractFront, request: Request): Promise<Answer> {
  const {
    params: [project = "", name = ""],
    body,
  } = request;
  const gone = new AbortController();
  request.onAbort(() => gone.abort());
  const answer = await contracts.test(project, name, body, gone.signal);
  return answer instanceof Failure ? answer : jsonReply(answer);
}
