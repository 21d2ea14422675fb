/** Tests that every address leads back to its name, although browsers and the router change addresses. */
import * as fc from "fast-check";
import t from "tap";
import { getJson } from "../api/client.js";
import { apiPath, query, statePath } from "./path.js";
import { addressOf, agentAddress, parseAddress, stateAddress } from "./address.js";

/**
 * Returns the path as the page gets it. After a click, first the browser changes the path, and then the router does.
 */
function arrived(address: string): string {
  return new URL(address, "http://127.0.0.1").pathname.replace(/\/+$/g, "") || "/";
}

t.test("addresses of views are built and parsed", (t) => {
  t.equal(addressOf(""), "/");
  t.equal(addressOf("events"), "/events");
  t.equal(addressOf("rules", "a/b", "ü ?#"), "/rules/a%2Fb/%C3%BC%20%3F%23");
  t.equal(agentAddress("id"), "/agents/id");
  t.equal(stateAddress("plan/build"), "/state/plan/build", "a key is readable");
  t.same(parseAddress("/"), { slug: "", segments: [] });
  t.same(parseAddress("/rules/a%2Fb/c"), { slug: "rules", segments: ["a/b", "c"] });
  t.equal(parseAddress("/state/%zz"), null);
  t.equal(parseAddress("/state/%ff"), null);
  t.end();
});

t.test("queries contain the given parameters", (t) => {
  t.equal(query({ a: "x y&z", b: 0, c: undefined, d: "" }), "?a=x+y%26z&b=0");
  t.equal(query({}), "");
  t.end();
});

const part = fc.oneof(fc.constantFrom("", ".", "..", "a", "%2e", "?", "#", "\\"), fc.string({ unit: "grapheme" }));
const key = fc
  .array(part, { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join("/"))
  .filter((text) => text !== "" && text !== "." && text !== ".." && text.isWellFormed());

t.test("each state key has an address and a path of the API", (t) => {
  fc.assert(
    fc.property(key, (name) => {
      t.same(parseAddress(arrived(stateAddress(name)))?.segments.join("/"), name);
      const asked = new URL(statePath(name), "http://127.0.0.1").pathname;
      t.equal(asked.slice("/api/state/".length).split("/").map(decodeURIComponent).join("/"), name);
    }),
    { examples: [["a/../b"], ["a/"], ["/"], ["./a"], ["a//b"]] },
  );
  t.end();
});

t.test("a name that no path can express is rejected before a request for another path", async (t) => {
  const fetched: unknown[] = [];
  const { fetch } = globalThis;
  globalThis.fetch = (path) => {
    fetched.push(path);
    return Promise.resolve(new Response("{}"));
  };
  t.teardown(() => {
    globalThis.fetch = fetch;
  });
  await t.rejects(getJson(apiPath("specs", "..", "restore")), { message: /a browser cannot request/ });
  await t.rejects(getJson(statePath(".") + query({ version: 1 })), { message: /a browser cannot request/ });
  t.same(fetched, []);
  await getJson(statePath("a/../b") + query({ prefix: "../x" }));
  t.same(fetched, ["/api/state/a%2F..%2Fb?prefix=..%2Fx"]);
});
