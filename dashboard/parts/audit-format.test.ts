/** Tests the texts of audit rows, and the addresses of their resources. */
import t from "tap";
import { agentName, isAgentId } from "./agent-name.js";
import { formatDetail, resourceAddress } from "./audit-format.js";

const ID = "fce695c0-5b87-490d-8fb5-572c39a9f810";

t.test("a detail is formatted in words, a refusal by its reason", async (t) => {
  const said: readonly (readonly [string, string])[] = [
    ['{"version":3}', "version 3"],
    ['{"version":3,"rolled_back":1}', "version 3 · rolled back 1"],
    ['{"error":"key is required","code":400}', "key is required"],
    ['{"capabilities":["review","deploy"]}', "capabilities review, deploy"],
    ['{"patterns":[],"signed":false}', "patterns none · signed false"],
    ['{"restored":{"state":2,"llm_usage":1}}', "restored state 2, llm usage 1"],
    ['{"name":"","stack":null}', "name none · stack null"],
    ["{}", ""],
    ["[1]", "[1]"],
    ["not JSON", "not JSON"],
  ];
  for (const [detail, words] of said) t.equal(formatDetail(detail), words);
});

t.test("a row's resource has an address if it has a page", async (t) => {
  const addresses: readonly (readonly [action: string, resource: string, address: string | undefined])[] = [
    ["state.put", "plan/a b", "/state/plan/a%20b"],
    ["spec.rollback", "trucks/api/v2", "/specs/trucks/api%2Fv2"],
    ["spec.put", "trucks", undefined],
    ["instance.activate", ID, `/agents/${ID}`],
    ["instance.register", "ana", undefined],
    ["lease.break", "lease-7", "/leases/lease-7"],
    ["task.cancel", "build:1", "/tasks/build%3A1"],
    ["rule.accept", "trucks/no-todo", "/rules/trucks/no-todo"],
    ["rules.put", "trucks", undefined],
    ["webhook.enable", "ci", "/webhooks/ci"],
    ["llm.usage", "600", undefined],
    ["state.put", "", undefined],
    ["constructor", "x", undefined],
  ];
  for (const [action, resource, address] of addresses)
    t.equal(resourceAddress({ action, resource }), address, `${action} ${resource}`);
});

t.test("actors have their names, where they have some", async (t) => {
  t.equal(agentName(ID, new Map([[ID, "ana"]])), "ana");
  t.equal(agentName(ID, new Map()), "fce695c0", "one that is gone");
  t.equal(agentName("", new Map()), "unknown");
  t.equal(agentName("dashboard", new Map()), "operator");
  t.equal(agentName("liveness-monitor", new Map()), "liveness-monitor");
  t.ok(isAgentId(ID));
  t.notOk(isAgentId(`${ID}0`));
});
