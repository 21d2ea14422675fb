/** Tests the estimated cost of examining stored contracts. */
import t from "tap";
import { SHORT_WORK_BYTES_MAX } from "../../../schemas/limits/pool.js";
import { specKey } from "../../../schemas/specs.js";
import { ContractFront, type ContractFrontOptions } from "./front.js";

t.test("many contracts are long work, whose lengths are not looked up", async (t) => {
  let lookedUp = 0;
  const sizes: number[] = [];
  const specs = {
    bytes: () => {
      lookedUp += 1;
      return 10;
    },
  };
  const slowLane = {
    run: (_job: unknown, _request: unknown, { bytes }: { readonly bytes: number }) => {
      sizes.push(bytes);
      return Promise.resolve([]);
    },
  };
  const front = new ContractFront({ specs, slowLane } as unknown as ContractFrontOptions);
  const context = { actor: "", trace: "" };
  const written = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ key: specKey("trucks", `c${at}`), version: 1 }));
  await front.examine(written(3), context);
  t.same([lookedUp, sizes], [3, [30]]);
  await front.examine(written(1000), context);
  t.equal(lookedUp, 3);
  t.ok((sizes[1] ?? 0) > SHORT_WORK_BYTES_MAX);
});
