/** Which contracts' jobs wait their turn; the jobs themselves are the pool's. */
import t from "tap";
import { CONTRACTS_DEAR_KEPT_MAX, VALIDATION_SHORT_BYTES_MAX } from "../../schemas/limits.js";
import { Failure } from "../base/result.js";
import type { OutboundClient } from "../outbound/client.js";
import type { Pool } from "../rpc/pool.js";
import { ContractFront } from "./front.js";

const SHORT = Buffer.from("{}");
const LONG = Buffer.alloc(VALIDATION_SHORT_BYTES_MAX + 1, " ");
const VALID = '0\n{"valid":true,"violations":[]}';

t.test("a contract that a short payload did not end with waits its turn after that", async (t) => {
  const slow = new Set<string>();
  let turns = 0;
  let held = 0;
  const run = (
    _method: string,
    { project, name }: { readonly project: string; readonly name: string },
  ): Promise<string | Failure> =>
    Promise.resolve(
      slow.has(`${project}/${name}`) ? new Failure("DEADLINE_EXCEEDED", "the job did not end in time") : VALID,
    );
  const front = new ContractFront({
    // The two of a pool's and a client's members that are asked for here.
    pool: { run } as unknown as Pool,
    outbound: {} as OutboundClient,
    long_work: {
      take: () => {
        turns += 1;
        held += 1;
        return Promise.resolve(() => {
          held -= 1;
        });
      },
    },
  });
  const turnsOf = async (project: string, name: string, body = SHORT): Promise<number> => {
    const before = turns;
    await front.validate(project, name, body);
    t.equal(held, 0, "a turn is given back");
    return turns - before;
  };
  slow.add("p/slow");
  t.equal(await turnsOf("p", "fine"), 0);
  t.equal(await turnsOf("p", "fine", LONG), 1);
  t.equal(await turnsOf("p", "slow"), 0, "nobody knows yet");
  t.equal(await turnsOf("p", "slow"), 1);
  t.equal(await turnsOf("p", "fine"), 0, "others are what they were");
  slow.clear();
  t.equal(await turnsOf("p", "slow"), 1);
  t.equal(await turnsOf("p", "slow"), 0, "until a payload is done with quickly");
  slow.add("p/slow");
  t.equal(await turnsOf("p", "slow"), 0);
  for (let count = 0; count < CONTRACTS_DEAR_KEPT_MAX; count++) {
    slow.add(`q/${count}`);
    await front.validate("q", `${count}`, SHORT);
  }
  t.equal(await turnsOf("q", "0"), 1);
  t.equal(await turnsOf("p", "slow"), 0, "the oldest is forgotten");
});
