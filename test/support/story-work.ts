/**
 * A day of a small team, for views of the past: leases that wait, are released and are broken, tasks that complete and
 * fail, messages and keys. The calls are made one by one, because a restored server knows nothing of the time before.
 */
import { sendJson } from "./http-client.js";
import { Agent, type Lease } from "./leasing.js";
import { addTasks, callTask, claimOne } from "./tasking.js";

export interface StoryDay {
  readonly ana: Agent;
  readonly ben: Agent;
  readonly cleo: Agent;
  /** The lease of cleo that a user has broken. */
  readonly broken: Lease;
}

/** @param pause called between the steps */
export async function workADay(
  port: number,
  workspace: string,
  pause: () => Promise<unknown> = () => Promise.resolve(),
): Promise<StoryDay> {
  const place = { workspace };
  const [ana, ben, cleo, dan] = [
    await Agent.register(port, "ana", place),
    await Agent.register(port, "ben", place),
    await Agent.register(port, "cleo", place),
    await Agent.register(port, "dan", place),
  ];
  const write = (agent: Agent, key: string, value: object) => agent.ask("PUT", `/api/state/${key}`, value);
  const sendTo = (agent: Agent, to: Agent, subject: string) =>
    agent.ask("POST", "/api/messages", { to: to.id, subject, body: subject });
  await addTasks(
    port,
    { ...place, title: "Totals in integer cents", resources: ["path:src/cart/**"] },
    { ...place, title: "Gift wrapping as a line" },
    { ...place, title: "A receipt by mail" },
  );
  await pause();
  const totals = await claimOne(ana);
  await write(ana, "plans/cart", { step: "totals" });
  await pause();
  const covers = await ben.lease(["path:web/covers/**"], place);
  const cart = await ben.lease(["path:src/cart/gifts.ts"], { ...place, queue: true });
  await pause();
  const broken = await cleo.lease(["path:mail/**"], { ...place, reason: "the receipt's layout" });
  await write(cleo, "plans/mail", { step: "layout" });
  await pause();
  await dan.lease(["path:mail/receipt.ts"], { ...place, queue: true });
  await sendTo(dan, cleo, "Are you done with the receipt?");
  await pause();
  await sendTo(ana, ben, "The cart is yours in a minute");
  await write(ana, "plans/cart", { step: "tests" });
  await pause();
  await callTask(ana, totals, "complete");
  await pause();
  await sendJson(port, "POST", `/api/leases/${broken.id}/break`, { reason: "cleo has gone home" });
  await pause();
  const gifts = await claimOne(ben);
  await ben.release(covers);
  await pause();
  await callTask(ben, gifts, "fail", { error: "a test fails", retry: false });
  await sendTo(ben, ana, "Gift wrapping needs another look");
  await pause();
  await ben.release(await ben.get(cart.id));
  const receipt = await claimOne(dan);
  await pause();
  await write(dan, "plans/mail", { step: receipt.title });
  await pause();
  return { ana, ben, cleo, broken };
}
