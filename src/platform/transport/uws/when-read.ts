/**
 * Runs tasks after uWebSockets.js has finished its current read. The library calls its handlers in the middle of a
 * read. A cut at that time would release memory that the library still reads. Runs on the front.
 */
let due: (() => void)[] = [];

/** Runs a task in the next event-loop tick. By then the library has finished its read. */
export function whenRead(task: () => void): void {
  if (due.length === 0) setImmediate(runDue);
  due.push(task);
}

function runDue(): void {
  const tasks = due;
  due = [];
  for (const task of tasks) task();
}
