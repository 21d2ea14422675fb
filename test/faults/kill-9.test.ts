/**
 * Kills the server in the middle of concurrent writes, again and again on one directory. Whatever was acknowledged is
 * there afterwards, with its history row and its audit row; events that were delivered are there, too; event ids are
 * never used again, and versions only grow.
 */
import { join } from "node:path";
import t, { type Test } from "tap";
import { KILLS } from "../support/every-file.js";
import { countRounds } from "../support/test-size.js";
import { sendJson } from "../support/http-client.js";
import { makeDirectory, startKoor } from "../support/server-process.js";
import { openSocket, type ReceivedEvent } from "../support/subscriber.js";
import { makeRandom, newSeed } from "../support/random.js";
import { Workload } from "../support/workload.js";
import { openDatabase } from "../../src/platform/store/sqlite/choice.js";

/** 100 rounds: KOOR_KILLS=100 npm run test:long -- kill-9. */
const KILLED = KILLS > 0 ? KILLS : countRounds(3, 10);
/** The rounds on one directory. More of them would store more than one page of the API shows. */
const ROUNDS = Math.min(KILLED, 10);
const CLIENTS = 8;
const ARGS = ["--state-history", "0", "--event-history", "0", "--log-level", "info"];

async function killAgainAndAgain(t: Test): Promise<void> {
  const seed = newSeed();
  t.comment(`seed ${seed}`);
  const random = makeRandom(seed);
  const workload = new Workload(CLIENTS, seed);
  const dataDir = makeDirectory(t);
  const delivered = new Map<number, string>();
  let lastId = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const koor = await startKoor(t, { data_dir: dataDir, args: ARGS });
    t.same(await workload.findLosses(koor.port), [], `nothing is lost before round ${round}`);
    const history = await sendJson(koor.port, "GET", "/api/events/history?after=0&last=10000", "");
    for (const [id, text] of delivered)
      if (!history.text.includes(text)) t.fail(`event ${id} was delivered, and is lost`);
    const fresh = (
      await sendJson(koor.port, "POST", "/api/events/publish", { topic: "round", data: `round ${round}` })
    ).json<ReceivedEvent>();
    t.ok(fresh.id > lastId, `${fresh.id} is a new id, after ${lastId}`);

    const subscriber = await openSocket(t, koor.port);
    const goal = workload.acknowledged + 50 + random(200);
    const died = new Promise<number | null>((resolve) => {
      workload.onAcknowledged = () => {
        if (workload.acknowledged === goal) resolve(koor.stop("SIGKILL"));
      };
    });
    const lost = workload.lost.length;
    await workload.run(koor.port);
    t.equal(await died, null, "it was killed");
    t.ok(workload.lost.length > lost, "it was in the middle of writes");
    await subscriber.closed;
    for (const text of subscriber.items) delivered.set((JSON.parse(text) as ReceivedEvent).id, text);
    lastId = Math.max(fresh.id, ...delivered.keys());
  }
  const koor = await startKoor(t, { data_dir: dataDir, args: ARGS });
  t.same(await workload.findLosses(koor.port), [], "nothing is lost");
  t.ok(
    workload.acknowledged > ROUNDS * 50,
    `${workload.acknowledged} writes were acknowledged, ${workload.lost.length} not answered`,
  );
  t.ok(delivered.size > ROUNDS, `${delivered.size} events were delivered`);
  t.equal(await koor.stop(), 0);
  const db = openDatabase(join(dataDir, "data.db"), { readonly: true });
  t.equal(db.pragma("integrity_check", { simple: true }), "ok");
  db.close();
}

for (let directory = 1; directory <= Math.ceil(KILLED / ROUNDS); directory++)
  t.test(`directory ${directory}: nothing acknowledged is lost after ${ROUNDS} times kill -9`, killAgainAndAgain);
