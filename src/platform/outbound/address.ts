/**
 * Classifies an IP address for outbound calls: public, private, or a metadata service. Clouds' metadata services give
 * credentials to any caller on the machine, so they are never called. If an IPv6 address embeds an IPv4 address, the
 * more restrictive class of the two counts. Pure, any thread.
 */
import { BlockList, isIP } from "node:net";

export type AddressClass = "public" | "private" | "metadata";

type Network = readonly [network: string, bits: number];

/**
 * The networks of the services that give out a machine's credentials, by cloud. Most are named in `DataSource*.py` of
 * cloud-init. All link-local addresses are listed, because clouds use many of them (169.254.169.254, .170.2, .170.23,
 * .42.42, .0.23). No other service is lost, because a service that a client may want to call also has another address.
 */
const METADATA: readonly Network[] = [
  ["169.254.0.0", 16], // AWS, GCP, Azure, Oracle, DigitalOcean, OpenStack, Hetzner, Tencent, Scaleway and others
  ["168.63.129.16", 32], // Azure's wire server
  ["100.100.100.200", 32], // Alibaba
  ["100.96.0.96", 32], // Volcengine
  ["100.80.80.80", 32], // UCloud
  ["192.0.0.192", 32], // Oracle's older one
  ["fe80::", 10], // OpenStack, Hetzner, Huawei: fe80::a9fe:a9fe
  ["fd00:ec2::", 32], // AWS: ::254 metadata, ::23 EKS credentials, ::253 names
  ["fd00:c1::a9fe:a9fe", 128], // Oracle
  ["fd00:100::100:200", 128], // Alibaba
  ["fd20:ce::254", 128], // GCP
  ["fd00:42::42", 128], // Scaleway
  ["fd00:a9fe:a9fe::1", 128], // Akamai
];

/**
 * IPv4 addresses that are refused as the last 32 bits of any IPv6 address. Clouds form the IPv6 addresses of their
 * services in this way, and a NAT64 gateway may use its own prefix. Single addresses are listed, because a whole
 * network would also match unrelated IPv6 addresses by chance.
 */
const METADATA_ENDINGS: ReadonlySet<string> = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  "168.63.129.16",
  "100.100.100.200",
  "192.0.0.192",
]);

/**
 * IPv4 networks that are not part of the public network: loopback, private, shared, link-local, multicast, reserved and
 * documentation. Source: IANA's registry of special-purpose addresses.
 */
const PRIVATE_V4: readonly Network[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** IPv6 networks that are part of the public network: global unicast, and the forms that embed an IPv4 address. */
const PUBLIC_V6: readonly Network[] = [
  ["2000::", 3],
  ["::ffff:0:0", 96],
  ["::ffff:0:0:0", 96],
  ["64:ff9b::", 96],
];

/**
 * Networks inside PUBLIC_V6 that are not public: those of IETF protocols (Teredo, benchmarking, ORCHID) and
 * documentation.
 */
const PRIVATE_V6: readonly Network[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["3fff::", 20],
];

function listOf(rows: readonly Network[]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of rows) list.addSubnet(network, bits, network.includes(":") ? "ipv6" : "ipv4");
  return list;
}

const METADATA_LIST = listOf(METADATA);
const PRIVATE_LIST = listOf([...PRIVATE_V4, ...PRIVATE_V6]);
const PUBLIC_V6_LIST = listOf(PUBLIC_V6);
const WORST_FIRST = ["metadata", "private", "public"] as const;

function classifyPlain(address: string, family: "ipv4" | "ipv6"): AddressClass {
  if (METADATA_LIST.check(address, family)) return "metadata";
  if (PRIVATE_LIST.check(address, family)) return "private";
  return family === "ipv4" || PUBLIC_V6_LIST.check(address, family) ? "public" : "private";
}

/**
 * Returns the eight 16-bit groups of an IPv6 address without a zone. The caller must have checked the address with
 * `isIP`.
 */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  let text = address;
  if (dotted !== null) {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(2).map(Number);
    text = `${dotted[1] ?? ""}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  }
  const parse = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [head = "", tail] = text.split("::");
  const front = parse(head);
  const back = tail === undefined ? [] : parse(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function ipv4Of(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}

/**
 * Returns the IPv4 addresses that an IPv6 address may embed. These forms are recognized: mapped, compatible and
 * translated addresses; NAT64, with the well-known prefix or with the layouts of the local prefix; 6to4; Teredo, with
 * both its server and its client; and ISATAP.
 */
function embeddedIpv4(groups: readonly number[]): string[] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const found: string[] = [];
  const last = ipv4Of(g, h);
  const zeroes = a === 0 && b === 0 && c === 0 && d === 0;
  const loopback = zeroes && e === 0 && f === 0 && g === 0 && h <= 1;
  if (zeroes && !loopback && ((e === 0 && (f === 0 || f === 0xffff)) || (e === 0xffff && f === 0))) found.push(last);
  if (a === 0x64 && b === 0xff9b) {
    found.push(last);
    // The local NAT64 prefix (RFC 8215) has 48 bits. For this length, RFC 6052 puts half of the IPv4 address before
    // byte 8 (counted from 0), and half after it.
    if (c === 1)
      found.push(
        ipv4Of(d, ((e & 0xff) << 8) | (f >> 8)),
        ipv4Of(((e & 0xff) << 8) | (f >> 8), ((f & 0xff) << 8) | (g >> 8)),
      );
  }
  if (a === 0x2002) found.push(ipv4Of(b, c));
  if (a === 0x2001 && b === 0) found.push(ipv4Of(c, d), ipv4Of(g ^ 0xffff, h ^ 0xffff));
  if ((e === 0 || e === 0x200) && f === 0x5efe) found.push(last);
  if (METADATA_ENDINGS.has(last)) found.push(last);
  return found;
}

/**
 * Classifies an address; undefined if the text is not an address. An IPv6 address must have no brackets. Its zone
 * (`%eth0`) is ignored.
 */
export function classifyAddress(text: string): AddressClass | undefined {
  const family = isIP(text);
  if (family === 0) return undefined;
  if (family === 4) return classifyPlain(text, "ipv4");
  const [address = ""] = text.split("%");
  const classes = new Set([
    classifyPlain(address, "ipv6"),
    ...embeddedIpv4(groupsOf(address)).map((embedded) => classifyPlain(embedded, "ipv4")),
  ]);
  return WORST_FIRST.find((one) => classes.has(one));
}
