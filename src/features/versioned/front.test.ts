/**
 * Tests that the job of a diff gets the total length of both versions. This length decides whether the job waits for a
 * permit.
 */
import t from "tap";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import { VersionedFront, type VersionedFrontOptions } from "./front.js";

t.test("a diff waits for a permit by the bytes of both versions", async (t) => {
  const runs: unknown[] = [];
  const diff = { name: "a diff" };
  const front = new VersionedFront({
    writer: { changes: { listen: () => undefined } },
    reader: {
      space: { name: "state" },
      bytes: (key: string, version: number) => (key === "plan" ? version * 1_000 : 0),
    },
    slowLane: {
      run: (job: unknown, request: unknown, size: unknown) => {
        runs.push([job, request, size]);
        return Promise.resolve("[]");
      },
    },
    methods: { diff },
  } as unknown as VersionedFrontOptions);
  const headers = { "if-none-match": "" };
  const body = new Uint8Array(0);
  const answer = await front.get("plan", { query: { diff: "2,30" }, headers, context: NO_CALLER, body });
  t.match(answer, { status: 200, body: "[]\n" });
  t.same(runs, [[diff, { key: "plan", v1: 2, v2: 30 }, { bytes: 32_000, caller: "" }]]);
});
