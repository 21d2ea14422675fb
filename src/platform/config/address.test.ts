/** Tests addresses in flags: which texts are addresses, how they are formatted, and which hosts are loopback. */
import t from "tap";
import { formatAddress, isLoopback, isWildcard, parseAddress } from "./address.js";

t.test("valid addresses", (t) => {
  const rows: readonly (readonly [text: string, host: string, port: number])[] = [
    ["localhost:9800", "localhost", 9800],
    [":9800", "", 9800],
    ["0.0.0.0:0", "0.0.0.0", 0],
    ["127.0.0.1:65535", "127.0.0.1", 65_535],
    ["[::1]:9800", "::1", 9800],
    ["[::]:1", "::", 1],
    ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
    ["[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", 80],
    ["koor.example:00080", "koor.example", 80],
  ];
  for (const [text, host, port] of rows) t.same(parseAddress(text), { host, port }, text);
  t.end();
});

t.test("invalid addresses", (t) => {
  const refused = [
    "",
    "localhost",
    "9800",
    "localhost:",
    "localhost:x",
    "localhost:-1",
    "localhost:65536",
    "localhost:123456",
    "localhost:98 00",
    "::1:9800",
    "[]:80",
    "[1.2.3.4]:80",
    "[::g]:80",
    "[::1]",
    "[::1]80",
    "::1",
    "a b:80",
    "http://localhost:80",
    "localhost:80/",
    "localhost:80:80",
    " :80",
    "localhost:8_0",
  ];
  for (const text of refused) t.equal(parseAddress(text), undefined, text);
  t.end();
});

t.test("an address is formatted as it was parsed", (t) => {
  for (const text of ["localhost:9800", "127.0.0.1:1", "[::1]:9800", ":9800", "[fd00::5]:80"]) {
    const address = parseAddress(text);
    t.equal(address === undefined ? "" : formatAddress(address.host, address.port), text);
  }
  t.end();
});

t.test("loopback hosts, and hosts that mean every interface", (t) => {
  for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "::1"]) t.equal(isLoopback(host), true, host);
  for (const host of ["", "0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "localhost.example", "1127.0.0.1"])
    t.equal(isLoopback(host), false, host);
  for (const host of ["", "0.0.0.0", "::"]) t.equal(isWildcard(host), true, host);
  for (const host of ["localhost", "127.0.0.1", "::1", "0.0.0.1"]) t.equal(isWildcard(host), false, host);
  t.end();
});
