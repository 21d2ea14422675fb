/** Tests which parts of a webhook's URL are visible to callers without the server's token. */
import t from "tap";
import { disabledEvent } from "./disabled.js";
import { hostOf, withoutLocation } from "./hidden-address.js";

t.test("a URL is reduced to its host and port", (t) => {
  for (const [url, host] of [
    ["https://hooks.example.com/services/T0/secret", "hooks.example.com"],
    ["https://hooks.example.com:8443/?key=secret#secret", "hooks.example.com:8443"],
    ["http://secret@[::1]:80/secret", "[::1]"],
    ["HTTP://127.0.0.1:9?secret", "127.0.0.1:9"],
    ["secret", ""],
  ] as const)
    t.equal(hostOf(url), host, url);
  t.end();
});

t.test("a failure text loses the URL that the receiver has named", (t) => {
  const moved = "a answered 301 with Location https://a/secret, which is not followed";
  t.equal(withoutLocation(moved), "a answered 301 with a Location, which is not followed");
  t.equal(withoutLocation(moved.slice(0, 40)), "a answered 301 with a Location, which is not followed", "cut short");
  t.equal(
    withoutLocation("a answered 301 with Location secret\nsecret"),
    "a answered 301 with a Location, which is not followed",
  );
  for (const reason of ["a answered 500", "cannot reach a: connection refused", ""])
    t.equal(withoutLocation(reason), reason);
  t.end();
});

t.test("the event of a disabled webhook has the URL only if no token is required", (t) => {
  const webhook = { id: "w", url: "https://a:1/secret", fail_count: 10, reason: null };
  const dataOf = (guarded: boolean): unknown => JSON.parse(disabledEvent(webhook, guarded).data);
  t.same(dataOf(true), { id: "w", url: "a:1", fail_count: 10 });
  t.same(dataOf(false), { id: "w", url: "https://a:1/secret", fail_count: 10 });
  t.end();
});
