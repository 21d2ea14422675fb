/**
 * Tests waiting clients when the writer thread crashes between a commit and its report: whatever they wait for is
 * reported all the same, and once.
 */
import { fileURLToPath } from "node:url";
import t from "tap";
import { gather } from "../support/held-writer.js";
import { sendJson } from "../support/http-client.js";
import { Agent } from "../support/leasing.js";
import { startKoor } from "../support/server-process.js";
import { countWaiting, WaitLoop } from "../support/waiting.js";
import { FAULTS } from "../threads/faults.js";

const PROGRAM = fileURLToPath(new URL("../threads/crashing-server.js", import.meta.url));

t.test("a commit without a report is reported to the clients that wait for it", async (t) => {
  const koor = await startKoor(t, { program: PROGRAM });
  const { port } = koor;
  const [ana, ben] = [await Agent.register(port, "ana"), await Agent.register(port, "ben")];
  const lease = await ana.lease(["deploy"]);
  const loops = ["event=lost", "state=k", "spec_above=0:p/n", "message=1", "free=deploy", "instance=cy&is=active"].map(
    (query) => new WaitLoop(port, query, ben.headers),
  );
  for (const loop of loops) t.equal(await loop.next(), null);
  const cy = await Agent.register(port, "cy");
  const waiting: Promise<unknown>[] = [];
  for (const loop of loops) waiting.push((await loop.begin()).matched);
  const lost = await gather(koor, 1, () => [
    sendJson(port, "POST", "/api/events/publish", { topic: "lost" }),
    sendJson(port, "PUT", "/api/state/k", 1),
    sendJson(port, "PUT", "/api/specs/p/n", 1),
    sendJson(port, "POST", "/api/messages", { to: ben.id, subject: "s" }, ana.headers),
    ana.release(lease),
    cy.ask("POST", `/api/instances/${cy.id}/activate`),
    sendJson(port, "POST", "/api/events/publish", { topic: FAULTS.silent }),
  ]);
  for (const request of lost) await t.rejects(request, { code: "ECONNRESET" });
  t.match(await Promise.all(waiting), [
    { kind: "event", event: { topic: "lost" } },
    { kind: "state", key: "k", version: 1 },
    { kind: "spec", key: "p/n", version: 1 },
    { kind: "message" },
    { kind: "free" },
    { kind: "instance", instance: { id: cy.id } },
  ]);
  for (const loop of loops) t.equal(await loop.next(), null, `${loop.query}: it is reported once`);
  t.equal(await countWaiting(port), 0);
  t.equal(await koor.stop(), 0);
});
