/** Limits the memory that long lists of leases take while the front thread builds them. */
import {
  LONG_LEASE_LIST_WAIT_MS_MAX,
  LONG_LEASE_LISTS_TOGETHER_MAX,
  LONG_LEASE_LISTS_WAITING_MAX,
  LONG_LEASE_LISTS_WAITING_OF_CALLER_MAX,
} from "../../../schemas/limits/leases.js";
import { Semaphore } from "../../platform/threads/semaphore.js";

/** Returns the semaphore of which a list needs a permit as soon as it is longer than WHOLE_ANSWER_BYTES_MAX. */
export function longLeaseLists(): Semaphore {
  return new Semaphore({
    permits: LONG_LEASE_LISTS_TOGETHER_MAX,
    waitingMax: LONG_LEASE_LISTS_WAITING_MAX,
    waitingOfCallerMax: LONG_LEASE_LISTS_WAITING_OF_CALLER_MAX,
    waitMsMax: LONG_LEASE_LIST_WAIT_MS_MAX,
  });
}
