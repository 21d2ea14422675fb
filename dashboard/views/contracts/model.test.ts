/** Tests how contracts are listed as rows, the example payloads, and the search for endpoints. */
import t from "tap";
import { readContract as checked } from "../../../src/features/contracts/contract.js";
import {
  examplePayload,
  exampleTestData,
  FIELD_ROWS_MAX,
  filterEndpoints,
  readContract,
  typedJson,
  type Contract,
} from "./model.js";

function contractOf(endpoints: object): Contract {
  const contract = readContract(JSON.stringify({ kind: "contract", endpoints }));
  if ("fault" in contract) throw new Error(contract.fault);
  return contract;
}

/** Formats each field as a line: `  plate: string, required: "a" "b"`. */
function linesOf({ endpoints }: Contract): string[] {
  return endpoints.flatMap(({ name, definitions }) => [
    name,
    ...definitions.flatMap(({ title, content }) => [
      ` ${title}`,
      ...("rows" in content
        ? content.rows.map(
            ({ name: field, depth, type, required, nullable, allowed }) =>
              `${"  ".repeat(depth + 1)}${field}: ${type}${required ? ", required" : ""}${nullable ? ", null" : ""}${allowed.length > 0 ? `: ${allowed.join(" ")}` : ""}`,
          )
        : [JSON.stringify(content)]),
    ]),
  ]);
}

const TRUCKS = {
  "POST /api/trucks": {
    request: {
      plate: { type: "string", required: true },
      axles: { type: "number", nullable: true },
      wheels: { type: "array", items: { type: "object", fields: { size: { type: "number", enum: [16, 18] } } } },
      tags: { items: { type: "string", nullable: true, enum: ["new"] } },
      owner: { type: "object", fields: { name: { type: "string" } } },
      more: {},
    },
    response_status: 201,
    error: { error: { type: "string", required: true } },
  },
  "GET /api/trucks/{id}": { response_array: { id: { type: "number" } }, query: { page: { type: "string" } } },
};

t.test("fields are rows, with nested ones below them", (t) => {
  const contract = contractOf(TRUCKS);
  t.same(linesOf(contract), [
    "POST /api/trucks",
    " Request",
    "  plate: string, required",
    "  axles: number, null",
    "  wheels: array of object",
    "    size: number: 16 18",
    '  tags: array of string or null: "new"',
    "  owner: object",
    "    name: string",
    "  more: any",
    " Error",
    "  error: string, required",
    "GET /api/trucks/{id}",
    " Query",
    "  page: string",
    " Response, each element",
    "  id: number",
  ]);
  const [post] = contract.endpoints;
  t.match(post, { method: "POST", path: "/api/trucks", status: "201" });
  t.end();
});

t.test("schemas and faults are shown unchanged", (t) => {
  const contract = contractOf({
    "GET /a": { response: { schema: { type: "object" } }, error: { $schema: "x" }, query: 7, request: { a: 1 } },
    nothing: null,
  });
  t.same(linesOf(contract), [
    "GET /a",
    " Query",
    '{"malformed":"It must be an object."}',
    " Request",
    "  a: malformed",
    " Response",
    '{"schema":"{\\"type\\":\\"object\\"}"}',
    " Error",
    '{"schema":"{\\"$schema\\":\\"x\\"}"}',
    "nothing",
  ]);
  t.match(contract.endpoints[1], { method: "", path: "nothing", status: "" });
  t.end();
});

t.test("a field named schema is a field, as in the check of payloads", (t) => {
  const endpoints = { "GET /a": { query: { schema: { type: "string", required: true } } } };
  const [, query, field] = linesOf(contractOf(endpoints));
  t.same([query, field], [" Query", "  schema: string, required"]);
  const read = checked(JSON.stringify({ kind: "contract", endpoints }), "p/n");
  t.ok("endpoints" in read && read.endpoints.get("GET /a")?.definitions.get("query")?.kind === "fields");
  t.end();
});

t.test("a spec that is not a contract has a fault", (t) => {
  t.same(readContract("{"), { fault: "it is not JSON" });
  t.same(readContract("[]"), { fault: "it must be a JSON object" });
  t.same(readContract('{"kind":"contract"}'), { endpoints: [] });
  t.match(readContract('{"kind":"plan"}'), { fault: /kind/ });
  t.end();
});

t.test("a definition of very many fields is cut", (t) => {
  const fields = Object.fromEntries(Array.from({ length: FIELD_ROWS_MAX + 9 }, (_, at) => [`f${at}`, {}]));
  const content = contractOf({ x: { request: fields } }).endpoints[0]?.definitions[0]?.content;
  t.equal(content !== undefined && "rows" in content ? content.rows.length : 0, FIELD_ROWS_MAX);
  t.end();
});

t.test("examples match the fields", (t) => {
  const [post, get] = contractOf(TRUCKS).endpoints;
  t.same(JSON.parse(examplePayload(post, "request")), {
    plate: "text",
    axles: 1,
    wheels: [{ size: 16 }],
    tags: ["new"],
    owner: { name: "text" },
    more: "text",
  });
  t.same(JSON.parse(examplePayload(get, "response")), [{ id: 1 }]);
  t.equal(examplePayload(get, "error"), "{}");
  t.equal(examplePayload(undefined, "request"), "{}");
  t.same(JSON.parse(exampleTestData(get)), { id: "1", page: "text" });
  t.match(JSON.parse(exampleTestData(post)), { plate: "text" });
  t.end();
});

t.test("a search finds endpoints by method, path and field", (t) => {
  const { endpoints } = contractOf(TRUCKS);
  const found = (words: string): string[] => filterEndpoints(endpoints, words).map(({ method }) => method);
  t.same(found(""), ["POST", "GET"]);
  t.same(found("get TRUCKS"), ["GET"]);
  t.same(found("plate"), ["POST"]);
  t.same(found("plate get"), []);
  t.end();
});

t.test("typed JSON is parsed, empty text is {}, and malformed text has an error", (t) => {
  t.same(typedJson(" "), { value: {} });
  t.same(typedJson("[1]"), { value: [1] });
  t.match(typedJson("{a"), { failure: /JSON/ });
  t.end();
});
