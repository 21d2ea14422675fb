/**
 * Runs tasks after uWebSockets.js has finished the read that it is passing on. The library calls its handlers in the
 * middle of a read, where a cut would release memory that it still reads. Runs on the front.
 */
let due: (() => void)[] = [];

/** Runs a task in the next event-loop tick, when the library has finished its read. */
export function whenRead(task: () => void): void {
  if (due.length === 0) setImmediate(runDue);
  due.push(task);
}

function runDue(): void {
  const tasks = due;
  due = [];
  for (const task of tasks) task();
}
