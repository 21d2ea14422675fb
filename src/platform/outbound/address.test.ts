/**
 * Tests every known metadata service in every notation of its address. Also tests neighbouring addresses, which may be
 * called.
 */
import { assert, ipV4, ipV6, nat, property } from "fast-check";
import { isIP } from "node:net";
import t from "tap";
import { classifyAddress } from "./address.js";
import { OutboundFailure, parseOutboundUrl, refuseAddress } from "./url.js";

const METADATA_V4 = [
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  "169.254.0.23",
  "169.254.42.42",
  "168.63.129.16",
  "100.100.100.200",
  "100.96.0.96",
  "100.80.80.80",
  "192.0.0.192",
];

/** Returns the two 16-bit groups of an IPv4 address: `a9fe`, `a9fe` for 169.254.169.254. */
function halves(address: string): [string, string] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)];
}

/** Returns all forms of an IPv6 address that lead to an IPv4 address. */
function embeddings(address: string): string[] {
  const [high, low] = halves(address);
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  const inverted = halves([a, b, c, d].map((byte) => 255 - byte).join("."));
  const hex = (one: number, two: number): string => (one * 256 + two).toString(16);
  return [
    `::ffff:${address}`,
    `::FFFF:${high}:${low}`,
    `0:0:0:0:0:ffff:${high}:${low}`,
    `::${address}`,
    `::${high}:${low}`,
    `::ffff:0:${high}:${low}`,
    `64:ff9b::${address}`,
    `64:ff9b::${high}:${low}`,
    `64:ff9b:1::${high}:${low}`,
    `64:ff9b:1:${high}:${hex(0, c)}:${hex(d, 0)}::`,
    `2002:${high}:${low}::`,
    `2002:${high}:${low}::1`,
    `2001:0:${high}:${low}::1`,
    `2001::4136:e378:8000:63bf:${inverted[0]}:${inverted[1]}`,
    `2001:db8::5efe:${address}`,
    `2001:db8::200:5efe:${high}:${low}`,
    `::ffff:${address}%eth0`,
  ];
}

t.test("metadata services in every notation", (t) => {
  for (const address of METADATA_V4) {
    t.equal(classifyAddress(address), "metadata", address);
    for (const form of embeddings(address)) {
      t.not(isIP(form), 0, form);
      t.equal(classifyAddress(form), "metadata", form);
    }
  }
  for (const address of [
    "fd00:ec2::254",
    "fd00:ec2::23",
    "FD00:0EC2:0:0::254",
    "fd20:ce::254",
    "fd00:42::42",
    "fd00:a9fe:a9fe::1",
    "fd00:c1::a9fe:a9fe",
    "FD00:00C1:0::A9FE:A9FE",
    "fd00:c1::169.254.169.254",
    "fd00:100::100:200",
    "fd00:0100:0000::0100:0200",
    "fe80::a9fe:a9fe",
    "fe80::a9fe:a9fe%eth0",
    "fe80::1",
    "fe80::1%eth0",
    "febf:ffff::1",
    // Two addresses that look like metadata services, and may be called, because their prefixes differ. A NAT64 gateway
    // may have any prefix, and other clouds may number their services in the same way.
    "2a00:64::169.254.169.254",
    "fd12:3456::169.254.170.2",
    "2a00:64::100.100.100.200",
  ]) {
    t.equal(classifyAddress(address), "metadata", address);
  }
  t.end();
});

t.test("private and public addresses", (t) => {
  const rows: Readonly<Record<string, readonly string[]>> = {
    private: [
      "127.0.0.1",
      "127.9.9.9",
      "0.0.0.0",
      "10.1.2.3",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "100.64.0.1",
      "100.127.255.255",
      "198.18.0.1",
      "224.0.0.1",
      "255.255.255.255",
      "::",
      "::1",
      "fc00::1",
      "fd12:3456::1",
      "fec0::1",
      "192.88.99.1",
      "::8.8.8.8",
      "64:ff9b:1::808:808",
      "100::1",
      "1::1",
      "2001::4136:e378:8000:63bf:f7f7:f7f7",
      "2001:2::1",
      "3fff::1",
      "4000::1",
      "5f00::1",
      "fd00:c1::a9fe:a9ff",
      "::ffff:127.0.0.1",
      "::ffff:10.0.0.1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "ff02::1",
      "2001:db8::1",
    ],
    public: [
      "1.1.1.1",
      "8.8.8.8",
      "169.253.255.255",
      "169.255.0.0",
      "168.63.129.17",
      "100.128.0.1",
      "172.32.0.1",
      "192.167.1.1",
      "2606:4700::1111",
      "2a00::1",
      "::ffff:8.8.8.8",
      "64:ff9b::808:808",
      "2002:808:808::1",
    ],
  };
  for (const [expected, addresses] of Object.entries(rows))
    for (const address of addresses) t.equal(classifyAddress(address), expected, address);
  for (const text of ["", "localhost", "1.2.3", "::g", "[::1]", "1.2.3.4:80", "0x7f000001"])
    t.equal(classifyAddress(text), undefined, text);
  t.end();
});

t.test("an embedded address has no better class than the plain one", (t) => {
  const rank = { metadata: 0, private: 1, public: 2 } as const;
  assert(
    property(ipV4(), nat(), (address, pick) => {
      const forms = embeddings(address);
      const form = forms[pick % forms.length] ?? "";
      const plain = classifyAddress(address);
      const embedded = classifyAddress(form);
      if (plain === undefined || embedded === undefined) return false;
      return rank[embedded] <= rank[plain];
    }),
  );
  assert(property(ipV6(), (address) => classifyAddress(address) !== undefined));
  t.end();
});

t.test("URLs", (t) => {
  const lan = { allowPrivate: true };
  const internet = { allowPrivate: false };
  for (const text of [
    "http://a.example/x?y=1",
    "https://a.example:8443",
    "HTTP://A.example",
    "http://localhost:9000/",
    "http://10.0.0.1",
    "http://[::1]:80/",
  ]) {
    t.ok(parseOutboundUrl(text, "url", lan) instanceof URL, text);
  }
  for (const text of [
    "",
    "a.example",
    "//a.example",
    "ftp://a.example",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http://",
    "http://[fe80::1%25eth0]/",
    "http://a b/",
    "ws://a.example",
  ]) {
    const failure = parseOutboundUrl(text, "url", lan);
    t.match(failure, { kind: "invalid", http: 400, message: "url must be an http or https URL" }, text);
  }
  t.match(parseOutboundUrl("http://me@a.example", "base_url", lan), {
    kind: "invalid",
    message: "base_url must not contain credentials",
  });
  t.match(parseOutboundUrl("http://me:pw@a.example", "url", lan), { kind: "invalid" });
  t.match(parseOutboundUrl(`http://a.example/${"x".repeat(3000)}`, "url", lan), {
    kind: "invalid",
    message: "url is longer than 2048 characters",
  });
  for (const host of [
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xA9FEA9FE",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "①⑥⑨.254.169.254",
    "169%2e254%2e169%2e254",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[fd00:ec2::254]",
    "metadata.google.internal",
    "METADATA.google.internal.",
    "metadata",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "[fd00:c1::a9fe:a9fe]",
    "[fd00:100::100:200]",
    "[fe80::1]",
  ]) {
    const failure = parseOutboundUrl(`http://${host}/latest/meta-data`, "url", lan);
    t.match(
      failure,
      { kind: "refused", http: 400, message: "address refused: cloud metadata addresses are never called" },
      host,
    );
  }
  for (const host of [
    "localhost",
    "a.localhost.",
    "127.1",
    "0",
    "10.0.0.1",
    "192.168.0.1",
    "[::1]",
    "[fd12::1]",
    "100.64.0.1",
    "[::ffff:127.0.0.1]",
  ]) {
    t.match(
      parseOutboundUrl(`http://${host}:8080/`, "url", internet),
      { kind: "refused", message: "address refused: private addresses may not be called" },
      host,
    );
    t.ok(parseOutboundUrl(`http://${host}:8080/`, "url", lan) instanceof URL, host);
  }
  t.ok(refuseAddress("not an address", lan) instanceof OutboundFailure, "a text that is no address is refused");
  t.end();
});
