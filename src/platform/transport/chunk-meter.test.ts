import t from "tap";
import {
  BODY_BYTES_MAX,
  CHUNK_BYTES_MIN,
  CHUNK_DEBT_US,
  CHUNK_DEBTORS_MAX,
  SMALL_CHUNKS_MAX,
} from "../../../schemas/limits/request-bodies.js";
import { ChunkDebts, ChunkMeter, CHUNKS_TOO_SMALL } from "./chunk-meter.js";

/** Sends up to `max` chunks of a size to a meter. Returns how many of them the meter accepts. */
function countTaken(bytes: number, max: number): number {
  const meter = new ChunkMeter();
  for (let chunk = 0; chunk < max; chunk++) if (!meter.take(bytes)) return chunk;
  return max;
}

t.test("a body of tiny chunks is refused soon after the free ones", (t) => {
  t.equal(countTaken(0, 10_000), SMALL_CHUNKS_MAX);
  t.equal(countTaken(1, 10_000), SMALL_CHUNKS_MAX + Math.floor(SMALL_CHUNKS_MAX / (CHUNK_BYTES_MIN - 1)));
  t.equal(countTaken(CHUNK_BYTES_MIN / 2, 10_000), 2 * SMALL_CHUNKS_MAX - 1);
  t.end();
});

t.test("chunks of the least size are taken until the end of the largest body", (t) => {
  const chunks = BODY_BYTES_MAX / CHUNK_BYTES_MIN;
  t.equal(countTaken(CHUNK_BYTES_MIN, chunks), chunks);
  t.end();
});

t.test("small chunks may come between large ones, but large ones allow no longer run of small ones", (t) => {
  const meter = new ChunkMeter();
  for (let round = 0; round < 100; round++) {
    if (!meter.take(SMALL_CHUNKS_MAX * CHUNK_BYTES_MIN)) t.fail(`the large chunk of round ${round} was refused`);
    for (let chunk = 0; chunk < SMALL_CHUNKS_MAX - 1; chunk++)
      if (!meter.take(1)) t.fail(`small chunk ${chunk} of round ${round} was refused`);
  }
  meter.take(BODY_BYTES_MAX);
  let small = 0;
  while (meter.take(0)) small += 1;
  t.equal(small, SMALL_CHUNKS_MAX - 1, "10 MiB in one chunk give no more than the free ones");
  t.end();
});

t.test("a refused body stays refused", (t) => {
  const meter = new ChunkMeter();
  t.notOk(meter.isOver);
  while (meter.take(1));
  t.ok(meter.isOver);
  t.notOk(meter.take(BODY_BYTES_MAX));
  t.match(CHUNKS_TOO_SMALL, { status: "INVALID_ARGUMENT", message: new RegExp(`\\b${CHUNK_BYTES_MIN} bytes`) });
  t.end();
});

t.test("an address pays for each refused chunk with time, and for later ones after that", (t) => {
  const debts = new ChunkDebts();
  t.notOk(debts.has("a", 0));
  debts.add("a", 1_000, 0);
  t.ok(debts.has("a", CHUNK_DEBT_US - 1));
  t.notOk(debts.has("b", 0), "others pay nothing");
  debts.add("a", 1_000, 0);
  t.ok(debts.has("a", 2 * CHUNK_DEBT_US - 1), "debts add up");
  t.notOk(debts.has("a", 2 * CHUNK_DEBT_US));
  debts.add("a", 1_000, 5 * CHUNK_DEBT_US);
  t.ok(debts.has("a", 6 * CHUNK_DEBT_US - 1));
  t.notOk(debts.has("a", 6 * CHUNK_DEBT_US), "an old debt is forgotten");
  t.end();
});

t.test("beyond the limit the oldest debt is forgotten", (t) => {
  const debts = new ChunkDebts();
  for (let peer = 0; peer < CHUNK_DEBTORS_MAX; peer++) debts.add(`${peer}`, 1_000, 0);
  debts.add("0", 1_000, 0);
  debts.add("new", 1_000, 0);
  t.notOk(debts.has("1", 0));
  for (const peer of ["0", "2", "new"]) t.ok(debts.has(peer, 0), peer);
  t.end();
});
