/** Tests names with several holders and one of many names, of the HTTP API, against a real server. */
import t from "tap";
import { Agent, eventsOf, type Lease } from "./support/leasing.js";
import { makeDirectory, startKoor } from "./support/server-process.js";

interface Refused {
  readonly error: string;
  readonly conflicts: readonly { readonly resource: string; readonly lease: Lease }[];
}

async function ask(agent: Agent, body: object): Promise<Lease> {
  const answer = await agent.ask("POST", "/api/leases", body);
  if (answer.status >= 300) throw new Error(answer.text);
  return answer.json<Lease>();
}

t.test("a name has as many holders as they allow, and the first end makes room", async (t) => {
  const { port } = await startKoor(t);
  const names = ["ana", "bob", "cem", "dan"];
  const agents = await Promise.all(names.map((name) => Agent.register(port, name)));
  const [ana, bob, cem, dan] = agents as [Agent, Agent, Agent, Agent];
  const counted = { resources: ["browser"], max_holders: 2 };
  const first = await ask(ana, counted);
  t.match(first, { state: "held", mode: "shared", max_holders: 2, resources: ["browser"] });
  t.equal((await ask(ana, counted)).id, first.id, "asked again, the same lease is the answer");
  const second = await ask(bob, counted);
  const refused = await cem.ask("POST", "/api/leases", counted);
  t.equal(refused.status, 409);
  t.same(
    refused
      .json<Refused>()
      .conflicts.map(({ lease }) => lease.id)
      .toSorted(),
    [first.id, second.id],
  );
  const waiting = await ask(cem, { ...counted, queue: true });
  const behind = await ask(dan, { ...counted, queue: true });
  t.match(waiting, { state: "waiting", position: 1 });
  t.match(behind, { state: "waiting", position: 2 });
  const waits = (await cem.ask("GET", "/api/leases/waits")).json<{ waits: { lease: string; for: string }[] }>();
  t.same(
    waits.waits.filter(({ lease }) => lease === waiting.id).map((wait) => wait.for),
    [first.id, second.id],
    "it waits for both holders",
  );
  await bob.release(second);
  t.match(await cem.get(waiting.id), { state: "held" });
  t.match(await dan.get(behind.id), { state: "waiting", position: 1 });
  await ana.release(first);
  t.match(await dan.get(behind.id), { state: "held" });
  t.equal((await ana.ask("POST", "/api/leases", { resources: ["browser"] })).status, 409, "nobody has it alone");
});

t.test("one of many names is leased, and survives a restart", async (t) => {
  const dataDir = makeDirectory(t);
  const server = await startKoor(t, { data_dir: dataDir });
  const [ana, bob] = [await Agent.register(server.port, "ana"), await Agent.register(server.port, "bob")];
  const ports = { any: ["port:3000..3001"] };
  const first = await ask(ana, ports);
  t.match(first, { resources: ["port:3000"], any: ["port:3000..3001"], mode: "exclusive" });
  t.equal((await ask(ana, ports)).id, first.id, "asked again, the same lease is the answer");
  const second = await ask(bob, { ...ports, resources: ["deploy"] });
  t.same(second.resources, ["deploy", "port:3001"], "the chosen name is the last");
  t.match((await ana.ask("POST", "/api/leases", { ...ports, reuse: false })).json(), { error: /^leased by/ });
  const waiting = await ask(bob, { any: ["port:3000..3001|port:4"], resources: ["other"], reuse: false });
  t.same(waiting.resources, ["other", "port:4"]);
  const third = await ask(bob, { any: ["port:3000"], queue: true });
  t.match(third, { state: "waiting", resources: [] });
  const listed = (await bob.ask("GET", "/api/leases?state=waiting&resource=port:3000")).json<{ leases: Lease[] }>();
  t.same(
    listed.leases.map(({ id }) => id),
    [third.id],
    "a list by resource finds it by its alternatives",
  );
  const self = await bob.ask("POST", "/api/leases", { any: ["port:3001"], queue: true, reuse: false });
  t.match([self.status, self.json()], [409, { error: "this would deadlock" }], "nobody waits for itself");
  const at = async (): Promise<[Agent, Agent]> => {
    await server.stop();
    const { port } = await startKoor(t, { data_dir: dataDir });
    return [ana.at(port), bob.at(port)];
  };
  const [anaAgain, bobAgain] = await at();
  t.match(await bobAgain.get(second.id), { state: "held", resources: ["deploy", "port:3001"] });
  await anaAgain.release(first);
  t.match(await bobAgain.get(third.id), { state: "held", resources: ["port:3000"], any: ["port:3000"] });
  const granted = (await eventsOf(bobAgain.port, "lease.granted")).at(-1);
  t.match(granted?.data, { lease_id: third.id, resources: ["port:3000"], any: ["port:3000"] });
});

t.test("what cannot be leased so is refused", async (t) => {
  const { port } = await startKoor(t);
  const ana = await Agent.register(port, "ana");
  for (const [body, error] of [
    [{}, "resources or any is required"],
    [{ resources: ["path:a"], max_holders: 2 }, "max_holders is for names: resources[0] is path:a"],
    [{ resources: ["a"], max_holders: 2, mode: "exclusive" }, "mode must be shared where max_holders is more than 1"],
    [{ any: ["a|path:b"] }, "any[0] must have names only, not path:b"],
    [{ any: ["p:2..1"] }, "any[0] has a range that ends before it begins: p:2..1"],
    [{ any: ["p:01..2"] }, "any[0] has a number with a leading zero: p:01..2"],
    [{ any: ["p:1..2000"] }, "any[0] must not have more than 1024 alternatives"],
    [{ any: ["p:1..1000", "q:1..25"] }, "any must not have more than 1024 alternatives together"],
    [{ any: ["a||b"] }, "any[0] has an empty alternative"],
    [{ any: ["a", "a"] }, /^any has too few names/],
    [{ any: ["a"], resources: ["a"] }, /^any has too few names/],
  ] as const) {
    const answer = await ana.ask("POST", "/api/leases", body);
    t.match([answer.status, answer.json<Refused>().error], [400, error], JSON.stringify(body));
  }
  t.match(await ask(ana, { resources: ["a"], max_holders: 1 }), { mode: "exclusive" });
});

t.test("a request is refused where too many wait for its names", async (t) => {
  const { port } = await startKoor(t);
  const owner = await Agent.register(port, "owner");
  await ask(owner, { resources: ["lock"] });
  const body = { any: ["port:1..1024"], resources: ["lock"], queue: true, reuse: false };
  const statuses: number[] = [];
  for (let at = 0; at < 11; at++) {
    const agent = await Agent.register(port, `agent-${at}`);
    const answer = await agent.ask("POST", "/api/leases", body);
    statuses.push(answer.status);
    if (answer.status !== 202)
      t.equal(answer.json<Refused>().error, "too many leases are held or wait for the names in any");
  }
  // 9 requests wait for 1024 names each, which is less than 10000. The next one fills the names.
  t.same(statuses, [...new Array<number>(10).fill(202), 429]);
});
