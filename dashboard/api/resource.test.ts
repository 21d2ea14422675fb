/**
 * Tests a live resource with a simulated server. The tests cover when it fetches, when it patches, and answers that
 * arrive in any order. The test controls the timers.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { mock } from "node:test";
import * as fc from "fast-check";
import t from "tap";
import { fakeDocument, FakeSource } from "../../test/support/fake-page.js";
import { feedState, listenForDisconnect, startChanges, stopChanges } from "./changes.js";
import { ApiError } from "./client.js";
import { failureOf, LiveResource, type Loader } from "./resource.js";

mock.timers.enable({ apis: ["setTimeout", "setInterval"] });

/** A time in ms that is longer than every delay of a resource whose fetches are fast. */
const LATER_MS = 10_000;
const HIDDEN_MS = 60_000;
const KEYS = ["a", "b", "c"] as const;

/** Resolves after the callbacks of settled promises have run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn();
}

async function later(ms = LATER_MS): Promise<void> {
  mock.timers.tick(ms);
  await settle();
}

/** A call of the loader. The test answers it. */
interface Asked {
  readonly signal: AbortSignal;
  answer(value: string): Promise<void>;
  refuse(error: unknown): Promise<void>;
}

interface World {
  readonly resource: LiveResource<string>;
  readonly loader: Loader<string>;
  readonly fetches: Asked[];
  readonly patches: Asked[];
  readonly source: FakeSource;
}

function ask(list: Asked[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    list.push({
      signal,
      answer: (value) => {
        resolve(value);
        return settle();
      },
      refuse: (error) => {
        reject(error);
        return settle();
      },
    });
  });
}

type Teardown = { teardown(done: () => void): void };

/** Creates an attached resource, and the change feed that it listens to. */
function show(t: Teardown, more: Partial<Loader<string>> = {}, patched = false): World {
  const fetches: Asked[] = [];
  const patches: Asked[] = [];
  const loader: Loader<string> = {
    key: "it",
    kinds: ["state"],
    fetch: (signal) => ask(fetches, signal),
    ...(patched ? { patch: (_data, _change, signal) => ask(patches, signal) } : {}),
    ...more,
  };
  const resource = new LiveResource(loader);
  startChanges();
  const source = FakeSource.made.at(-1);
  if (source === undefined) throw new Error("the feed was not opened");
  source.open();
  resource.attach(loader);
  t.teardown(() => {
    resource.detach();
    stopChanges();
  });
  return { resource, loader, fetches, patches, source };
}

const changed = (key: string | null = "a") => ({ kind: "state", key, version: key === null ? null : 2 });

t.test("it is fetched when it is shown, and after changes of its kind only; a burst is one fetch", async (t) => {
  const { resource, fetches, source } = show(t);
  t.equal(resource.data.value, undefined);
  t.equal(resource.loading.value, true);
  await fetches[0]?.answer("one");
  t.equal(resource.data.value, "one");
  t.equal(resource.loading.value, false);
  source.deliver({ kind: "rule", key: "a", version: 1 });
  await later();
  t.equal(fetches.length, 1);
  for (let times = 0; times < 50; times++) source.deliver(changed());
  t.equal(fetches.length, 1, "not at once");
  await later();
  t.equal(fetches.length, 2);
  await fetches[1]?.answer("two");
  t.equal(resource.data.value, "two");
  await later();
  t.equal(fetches.length, 2);
});

t.test("other changes cause no fetch, and left out changes do", async (t) => {
  const { fetches, source } = show(t, { concerns: ({ key }) => key === "mine" });
  await fetches[0]?.answer("one");
  source.deliver(changed("another"));
  await later();
  t.equal(fetches.length, 1);
  source.deliver({ kind: "lagged" });
  await later();
  t.equal(fetches.length, 2);
});

t.test("after the feed was disconnected it is fetched again, because changes may be missing", async (t) => {
  const { resource, fetches, source } = show(t);
  await fetches[0]?.answer("one");
  let cuts = 0;
  listenForDisconnect(() => {
    cuts += 1;
  });
  source.fail();
  t.equal(feedState.value, "reconnecting");
  t.equal(cuts, 1, "the session is notified");
  t.equal(source.closed, true);
  await later(1_000);
  const again = FakeSource.made.at(-1);
  t.not(again, source);
  t.equal(feedState.value, "reconnecting", "until it is open");
  again?.open();
  t.equal(feedState.value, "live");
  await later();
  t.equal(fetches.length, 2);
  await fetches[1]?.answer("two");
  t.equal(resource.data.value, "two");
});

t.test("a change during a fetch is followed by another fetch", async (t) => {
  const { resource, fetches, source } = show(t);
  source.deliver(changed());
  await later();
  t.equal(fetches.length, 1, "not at the same time");
  await fetches[0]?.answer("old");
  await later();
  t.equal(fetches.length, 2);
  await fetches[1]?.answer("new");
  t.equal(resource.data.value, "new");
});

t.test("a patched change causes no fetch", async (t) => {
  const { resource, fetches, patches, source } = show(t, {}, true);
  await fetches[0]?.answer("one");
  source.deliver(changed());
  await settle();
  await patches[0]?.answer("one, patched");
  await later();
  t.equal(resource.data.value, "one, patched");
  t.equal(fetches.length, 1);
});

t.test("too many changes at once, one that cannot be patched, and a failed patch each cause a fetch", async (t) => {
  const { resource, fetches, patches, source } = show(t, {}, true);
  await fetches[0]?.answer("one");
  for (let times = 0; times < 40; times++) source.deliver(changed(`key ${times}`));
  await later();
  t.equal(fetches.length, 2);
  t.ok(patches.length < 40);
  await fetches[1]?.answer("two");
  await patches[0]?.refuse(new ApiError(503, "busy"));
  await later();
  t.equal(resource.data.value, "two");
  t.ok(fetches.length > 2);
  t.equal(failureOf(resource), "", "the shown data are still valid");
});

t.test("an answer from before a change does not overwrite the patched data", async (t) => {
  const { resource, fetches, patches, source } = show(t, {}, true);
  await fetches[0]?.answer("old");
  void resource.refresh();
  source.deliver(changed());
  await settle();
  await patches[0]?.answer("new");
  await fetches[1]?.answer("old");
  await later();
  await fetches[2]?.answer("new");
  t.equal(resource.data.value, "new");
});

t.test("a patch from older data does not replace newer data", async (t) => {
  const { resource, fetches, patches, source } = show(t, {}, true);
  await fetches[0]?.answer("one");
  source.deliver(changed());
  await settle();
  void resource.refresh();
  await fetches[1]?.answer("two");
  await patches[0]?.answer("one, patched");
  t.equal(resource.data.value, "two");
  await later();
  t.equal(fetches.length, 3, "and a fetch says whether it was in there");
});

t.test("a failure keeps the data; a busy server is retried, a 4xx is not", async (t) => {
  const { resource, fetches, source } = show(t);
  await fetches[0]?.answer("one");
  source.deliver(changed());
  await later();
  await fetches[1]?.refuse(new ApiError(503, "the server is busy"));
  t.equal(resource.data.value, "one");
  t.equal(failureOf(resource), "the server is busy");
  await later();
  await fetches[2]?.refuse(new ApiError(404, "no such key"));
  t.equal(failureOf(resource), "no such key");
  await later(HIDDEN_MS);
  t.equal(fetches.length, 3);
  source.deliver(changed());
  await later();
  await fetches[3]?.answer("two");
  t.equal(failureOf(resource), "");
});

t.test("without a view the running fetch is aborted, and nothing is fetched", async (t) => {
  const { resource, loader, fetches, source } = show(t, { everyMs: 1_000 });
  resource.detach();
  t.equal(fetches[0]?.signal.aborted, true);
  await fetches[0]?.refuse(new DOMException("aborted", "AbortError"));
  source.deliver(changed());
  await later();
  t.equal(fetches.length, 1);
  t.equal(failureOf(resource), "", "an aborted fetch is no failure");
  resource.attach(loader);
  t.equal(fetches.length, 2);
  await fetches[1]?.answer("one");
  resource.attach(loader);
  resource.detach();
  t.equal(fetches.length, 2, "a second view causes no second fetch");
  source.deliver(changed());
  await later();
  t.equal(fetches.length, 3, "and closing one view does not affect the other");
});

t.test("a view may be closed and opened again before the first answer", async (t) => {
  const { resource, loader, fetches } = show(t);
  resource.detach();
  resource.attach(loader);
  await fetches[0]?.answer("given up");
  t.equal(resource.data.value, undefined);
  await later();
  await fetches[1]?.answer("one");
  t.equal(resource.data.value, "one");
});

t.test("data with an interval are refetched while the page is visible", async (t) => {
  const { fetches } = show(t, { everyMs: 1_000 });
  await fetches[0]?.answer("one");
  await later(1_000);
  t.equal(fetches.length, 2);
  await fetches[1]?.answer("two");
  fakeDocument.show(false);
  await later(HIDDEN_MS);
  t.equal(fetches.length, 2);
  t.equal(feedState.value, "off", "a hidden page has no connection");
  fakeDocument.show(true);
  await later(0);
  t.equal(fetches.length, 3, "visible again, it fetches at once");
});

t.test("in any order of changes and answers, the data end up as the server's", async (t) => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("write" as const), key: fc.constantFrom(...KEYS) }),
    fc.record({ do: fc.constantFrom("answer", "patch", "fail", "tick", "lagged", "refresh") }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const server = new Map<string, number>();
      const said = (): string => JSON.stringify(KEYS.map((key) => server.get(key) ?? 0));
      /** The requests that are not answered yet. Each answer has the server's values at the time of the request. */
      const open: { readonly kind: "fetch" | "patch"; readonly answer: () => void; readonly fail: () => void }[] = [];
      const hold = (kind: "fetch" | "patch", make: () => string): Promise<string> => {
        const value = make();
        return new Promise((resolve, reject) => {
          open.push({ kind, answer: () => resolve(value), fail: () => reject(new ApiError(503, "busy")) });
        });
      };
      const teardowns: (() => void)[] = [];
      const { resource, source } = show(
        { teardown: (done) => teardowns.push(done) },
        {
          fetch: () => hold("fetch", said),
          patch: (data, { key }) =>
            hold("patch", () => {
              const before = JSON.parse(data) as number[];
              return JSON.stringify(KEYS.map((one, at) => (one === key ? (server.get(one) ?? 0) : before[at])));
            }),
        },
      );
      const take = (kind: "fetch" | "patch" | null): (typeof open)[number] | undefined => {
        const at = open.findIndex((one) => kind === null || one.kind === kind);
        return at < 0 ? undefined : open.splice(at, 1)[0];
      };
      for (const one of steps) {
        if ("key" in one) {
          server.set(one.key, (server.get(one.key) ?? 0) + 1);
          source.deliver(changed(one.key));
        } else if (one.do === "answer") take("fetch")?.answer();
        else if (one.do === "patch") take("patch")?.answer();
        else if (one.do === "fail") take(null)?.fail();
        else if (one.do === "tick") mock.timers.tick(500);
        else if (one.do === "lagged") source.deliver({ kind: "lagged" });
        else void resource.refresh();
        await settle();
      }
      for (let quiet = 0; quiet < 5; ) {
        const next = take(null);
        next?.answer();
        quiet = next === undefined ? quiet + 1 : 0;
        await later();
      }
      for (const done of teardowns) done();
      if (resource.data.value !== said()) throw new Error(`${resource.data.value} is shown of ${said()}`);
    }),
    { numRuns: 200 },
  );
  t.pass("200 random orders");
});
