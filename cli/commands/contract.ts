/**
 * Implements `contract …`, which stores API contracts, checks payloads against them, and tests live services.
 * schemas/contract-shape.ts defines contracts. Runs in the CLI process.
 */
import { findContractFault } from "../../schemas/contract-shape.js";
import { parseJson } from "../../shared/json-text.js";
import { isJsonObject } from "../../shared/json-object.js";
import { describeRefusal, isSuccess, sendRequest } from "../client.js";
import type { Argument, Args, CommandContext, CommandRow, Flag } from "../command-row.js";
import type { RequestPlan } from "../exchange.js";
import { CliFailure, refused, wrongUsage, type ExitCode } from "../failure.js";
import { fenceHeader, WRITE_FENCE } from "../fence.js";
import { JSON_TYPE, readJsonFlag, readValue, VALUE_FLAGS, VALUE_FLAG_NAMES } from "../input.js";
import { objectOf, quoted } from "../json-text.js";
import { printAnswer } from "../output.js";

/** The argument that names a contract, in the form `project/name`. In a path, `{contract/}` becomes two segments. */
const CONTRACT: Argument = { name: "contract", shown: "project/name", values: "spec" };
const SPEC_PATH = "/api/specs/{contract/}";

const ENDPOINT: Flag = {
  name: "endpoint",
  kind: "text",
  value: "ENDPOINT",
  about: 'as the contract names it: "POST /api/trucks"',
};

/**
 * Reads the contract to store, and checks it. The server accepts any document as a spec. So without this check, an
 * error in the contract would be noticed only when a payload is checked against it.
 */
async function readContract(args: Args): Promise<Buffer | CliFailure> {
  const value = await readValue(args);
  if (value instanceof CliFailure) return value;
  let contract: unknown;
  try {
    contract = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(value));
  } catch {
    return wrongUsage("this is not a contract: it is not JSON in UTF-8");
  }
  const fault = findContractFault(contract);
  return fault === undefined ? value : wrongUsage(`this is not a contract: ${fault}`);
}

async function validationBody(args: Args): Promise<Buffer | CliFailure> {
  const payload = await readJsonFlag(args, "payload");
  if (payload instanceof CliFailure) return payload;
  const direction = quoted(args.text("direction"));
  return Buffer.from(objectOf({ endpoint: quoted(args.need("endpoint")), direction, payload }));
}

function isValid(answer: Buffer): boolean {
  return (JSON.parse(answer.toString("utf8")) as { readonly valid?: unknown }).valid === true;
}

/** Sends one request and returns the bytes of the answer. */
async function ask(context: CommandContext, plan: RequestPlan): Promise<Buffer | CliFailure> {
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const answer = await sendRequest(settings, plan);
  if (answer instanceof CliFailure) return answer;
  return isSuccess(answer) ? answer.body : describeRefusal(answer.status, answer.body);
}

/** Lists the endpoints of a contract. */
async function listEndpoints(
  context: CommandContext,
  specPath: string,
  name: string,
): Promise<readonly string[] | CliFailure> {
  const spec = await ask(context, { method: "GET", path: specPath });
  if (spec instanceof CliFailure) return spec;
  const text = spec.toString("utf8");
  const contract = parseJson(text);
  if (!isJsonObject(contract) || contract["kind"] !== "contract") return refused(`spec is not a contract: ${name}`);
  return Object.keys(contract["endpoints"] ?? {});
}

/**
 * Tests one endpoint of a service, or every endpoint of the contract. The exit code is 1 if any answer violates the
 * contract.
 */
async function testContract(args: Args, context: CommandContext): Promise<ExitCode | CliFailure> {
  const name = args.need("contract");
  const slash = name.indexOf("/");
  if (slash < 1 || slash === name.length - 1) return wrongUsage(`"${name}" is not <project>/<name>`);
  const path = `${encodeURIComponent(name.slice(0, slash))}/${encodeURIComponent(name.slice(slash + 1))}`;
  const testData = await readJsonFlag(args, "data");
  if (testData instanceof CliFailure) return testData;
  const one = args.text("endpoint");
  const endpoints = one === undefined ? await listEndpoints(context, `/api/specs/${path}`, name) : [one];
  if (endpoints instanceof CliFailure) return endpoints;
  const results: Buffer[] = [];
  for (const endpoint of endpoints) {
    const request = { endpoint: quoted(endpoint), base_url: quoted(args.need("target")), test_data: testData };
    const body = Buffer.from(objectOf(request));
    const result = await ask(context, {
      method: "POST",
      path: `/api/contracts/${path}/test`,
      headers: JSON_TYPE,
      body,
    });
    if (result instanceof CliFailure) return result;
    results.push(result);
  }
  const [first] = results;
  const all =
    one !== undefined && first !== undefined
      ? first
      : Buffer.from(`[${results.map((result) => result.toString("utf8")).join(",")}]`);
  return (await printAnswer(all, context)) ?? (results.every(isValid) ? 0 : 1);
}

export const CONTRACT_COMMANDS: readonly CommandRow[] = [
  {
    words: ["contract", "set"],
    about: "Store a contract; an invalid one is refused.",
    examples: ["contract set trucks/truck-api --file truck-api.json"],
    arguments: [CONTRACT],
    flags: [...VALUE_FLAGS, WRITE_FENCE],
    oneOf: VALUE_FLAG_NAMES,
    method: "PUT",
    path: SPEC_PATH,
    headers: (args) => ({ ...JSON_TYPE, ...fenceHeader(args) }),
    body: readContract,
  },
  {
    words: ["contract", "get"],
    about: "Print a contract, byte for byte.",
    examples: ["contract get trucks/truck-api"],
    arguments: [CONTRACT],
    method: "GET",
    path: SPEC_PATH,
    answer: "raw",
  },
  {
    words: ["contract", "validate"],
    about: "Check a payload against a contract; exit 1 if it does not match.",
    examples: [`contract validate trucks/truck-api --endpoint 'POST /api/trucks' --payload '{"plate":"TR-1"}'`],
    list: "violations",
    arguments: [CONTRACT],
    flags: [
      { ...ENDPOINT, required: true },
      {
        name: "direction",
        kind: "text",
        value: "DIRECTION",
        about: "request (the default), response, query or error",
        values: ["request", "response", "query", "error"],
      },
      { name: "payload", kind: "text", value: "JSON", about: "the payload; - reads stdin", required: true },
    ],
    method: "POST",
    path: "/api/contracts/{contract/}/validate",
    headers: () => JSON_TYPE,
    body: validationBody,
    repeatable: true,
    exit: (answer) => (isValid(answer) ? 0 : 1),
  },
  {
    words: ["contract", "test"],
    about: "Call a live service and check it against a contract; exit 1 if it does not match.",
    examples: [
      "contract test trucks/truck-api --target http://localhost:3000",
      `contract test trucks/truck-api --target http://localhost:3000 --endpoint 'GET /api/trucks/{id}' --data '{"id":7}'`,
    ],
    list: "contract tests",
    arguments: [CONTRACT],
    flags: [
      { name: "target", kind: "text", value: "URL", about: "the service's address", required: true },
      { ...ENDPOINT, about: "only this endpoint; by default all, printed as an array" },
      {
        name: "data",
        kind: "text",
        value: "JSON",
        about: "fills the path's parameters, and the query or the body; - reads stdin",
      },
    ],
    endpoints: ["GET /api/specs/{project}/{name}", "POST /api/contracts/{project}/{name}/test"],
    run: testContract,
  },
];
