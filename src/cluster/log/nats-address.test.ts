import t from "tap";
import { parseNatsAddress } from "./nats-address.js";
import { LogError } from "./ordered-log.js";

t.test("addresses of NATS servers", (t) => {
  const plain = { tls: false, login: null, token: null };
  t.same(parseNatsAddress("nats://a"), { ...plain, servers: ["a"], shown: "nats://a" });
  t.same(parseNatsAddress("tls://a:1,[::1]:2/"), {
    ...plain,
    tls: true,
    servers: ["a:1", "[::1]:2"],
    shown: "tls://a:1,[::1]:2",
  });
  const login = { user: "me", pass: "a,b@c:d" };
  const together = { ...plain, login, servers: ["a:1", "b:2"], shown: "nats://a:1,b:2" };
  t.same(parseNatsAddress("nats://me:a%2Cb@c:d@a:1,b:2"), together);
  t.same(parseNatsAddress("nats://me:a%2Cb%40c:d@a:1,nats://me:a%2Cb%40c:d@b:2").servers, ["a:1", "b:2"]);
  t.same(parseNatsAddress("nats://t%20k@a"), { ...plain, token: "t k", servers: ["a"], shown: "nats://a" });
  t.end();
});

t.test("an invalid address is rejected without showing its secrets", (t) => {
  const wrong = [
    "",
    "a:4222",
    "http://secret@a",
    "nats://",
    "nats://secret@",
    "nats://secret@a,,b",
    "nats://secret%@a",
  ];
  for (const url of [...wrong, "nats://secret@a,other@b", "nats://secret@a:port", "nats://u:secret,b@a"]) {
    try {
      parseNatsAddress(url);
      t.fail(`${url} was taken`);
    } catch (error) {
      t.ok(error instanceof LogError && error.fault === "denied", url);
      t.notMatch((error as Error).message, /secret|other/);
    }
  }
  t.end();
});
