/**
 * Counts published, delivered and dropped events for the metrics. The hub and its feeds report them. Runs on the front.
 */
import type { Exposition, Measured } from "../../platform/measure/exposition.js";

export class EventCounters implements Measured {
  published = 0;
  delivered = 0;
  dropped = 0;

  expose(out: Exposition): void {
    out
      .value("koor_events_published_total", "counter", "Published events.", this.published)
      .value("koor_events_delivered_total", "counter", "Deliveries of events to subscribers.", this.delivered)
      .value("koor_events_dropped_total", "counter", "Events that were dropped for slow subscribers.", this.dropped);
  }
}
