/**
 * Tests messages when the writer thread crashes between a commit and its report: a waiting client gets them all the
 * same, they count as unread, and a message that is sent again because its answer was lost is sent once.
 */
import { fileURLToPath } from "node:url";
import t from "tap";
import { gather } from "../support/held-writer.js";
import { send, sendJson } from "../support/http-client.js";
import { countInFlight, readMetric } from "../support/metrics.js";
import { startKoor } from "../support/server-process.js";
import { FAULTS } from "../threads/faults.js";
import { betweenLooks } from "../support/between-looks.js";

const PROGRAM = fileURLToPath(new URL("../threads/crashing-server.js", import.meta.url));

t.test("a message that was committed without an answer is delivered once", async (t) => {
  const koor = await startKoor(t, { program: PROGRAM });
  const { port } = koor;
  const join = async (name: string): Promise<string> =>
    (await sendJson(port, "POST", "/api/instances/register", { name })).json<{ readonly id: string }>().id;
  const [ana, ben] = [await join("ana"), await join("ben")];
  const as = (id: string): { readonly "X-Koor-Instance": string } => ({ "X-Koor-Instance": id });
  const post = (): ReturnType<typeof sendJson> =>
    sendJson(port, "POST", "/api/messages", { to: ben, subject: "s", request_id: "r" }, as(ana));
  const waiting = send(port, "GET", "/api/messages?wait=60", { headers: as(ben) });
  while ((await countInFlight(port)) < 1) await betweenLooks();
  const lost = await gather(koor, 1, () => [
    post(),
    sendJson(port, "POST", "/api/events/publish", { topic: FAULTS.silent }),
  ]);
  for (const request of lost) await t.rejects(request, { code: "ECONNRESET" });
  t.match((await waiting).json(), { messages: [{ id: "message-1" }] }, "the restart wakes the waiting client");
  while ((await sendJson(port, "PUT", "/api/state/back", 1)).status !== 200) await betweenLooks();
  t.equal(await readMetric(port, "koor_messages_unread"), 1);
  t.match((await post()).json(), { id: "message-1" }, "sent again, it is the same message");
  const listed = (await send(port, "GET", "/api/messages", { headers: as(ben) })).json<{
    messages: readonly object[];
  }>();
  t.equal(listed.messages.length, 1);
  t.equal(await koor.stop(), 0);
});
