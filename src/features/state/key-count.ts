/**
 * Holds the number of keys in the state store and exposes it as a metric. The writer reports the number. Runs on the
 * front.
 */
import type { Exposition, Measured } from "../../platform/measure/exposition.js";

export class StateKeyCount implements Measured {
  constructor(public count: number) {}

  expose(out: Exposition): void {
    out.value("koor_state_keys", "gauge", "Keys in the state store.", this.count);
  }
}
