import t from "tap";
import { chooseTransport, TransportError } from "./choose.js";
import type { Transport } from "./transport.js";

const NATIVE: Transport = {
  openPort: () => {
    throw new Error("not opened here");
  },
};
const TIER = "This version of uWS.js supports only Node.js versions 16, 18 and 20 on (glibc) Linux\n\n";

const refuse = (message: string) => (): Promise<never> => Promise.reject(new Error(message));

t.test("auto takes the native library if it loads", async (t) => {
  const load = () => Promise.resolve({ uwsTransport: NATIVE });
  t.same(await chooseTransport("auto", load), { transport: NATIVE, name: "uws", fallback: "" });
  t.same(await chooseTransport("uws", load), { transport: NATIVE, name: "uws", fallback: "" });
});

t.test("auto takes Node's own library if the native one does not load, and says why", async (t) => {
  const rows = [
    [
      `${TIER}Error: /lib/libc.so.6: version \`GLIBC_2.38' not found (required by uws_linux_x64_127.node)`,
      "uWebSockets.js cannot load: it needs GLIBC 2.38",
    ],
    [
      `${TIER}Error: Cannot find module './uws_linux_x64_147.node'`,
      `uWebSockets.js cannot load: it has no binary for Node ${process.versions.node} on ${process.platform} ${process.arch}`,
    ],
    [
      "Cannot find package 'uWebSockets.js'\nand more",
      "uWebSockets.js cannot load: Cannot find package 'uWebSockets.js'",
    ],
  ] as const;
  for (const [message, fallback] of rows) {
    const chosen = await chooseTransport("auto", refuse(message));
    t.equal(chosen.name, "node");
    t.equal(chosen.fallback, fallback);
    await t.rejects(chooseTransport("uws", refuse(message)), {
      name: "TransportError",
      message: `${fallback} (--transport node needs no native code)`,
    });
  }
  t.ok(new TransportError("") instanceof Error);
});

t.test("node takes Node's own library and does not try the other one", async (t) => {
  const chosen = await chooseTransport("node", refuse("not asked"));
  t.match(chosen, { name: "node", fallback: "" });
});
