/**
 * What a command in the writer may use: the tables' writers, the time, who asks. Set anew for each call
 * by the batch (workers/writer/batch.ts), inside its transaction.
 */
import type { CommittedEvent } from "../../schemas/events.js";
import { AgentMetricsWriter } from "../agent-metrics/table.js";
import { ComplianceAppender } from "../compliance/table.js";
import { AuditAppender } from "../audit/table.js";
import { EventAppender } from "../events/table.js";
import { UsageAppender } from "../usage/table.js";
import { RuleWriter } from "../rules/table.js";
import { InstanceWriter } from "../instances/table.js";
import { TemplateWriter } from "../templates/table.js";
import { VersionedWriter } from "../versioned/commands.js";
import { SPECS, STATE } from "../versioned/space.js";
import { Outbox } from "../webhooks/outbox.js";
import type { Db } from "./open.js";

export interface WriterSettings {
  readonly state_history: number;
  readonly state_events: boolean;
  readonly event_history: number;
}

export class WriteContext {
  readonly state: VersionedWriter;
  readonly specs: VersionedWriter;
  readonly events: EventAppender;
  readonly rules: RuleWriter;
  readonly templates: TemplateWriter;
  readonly audit: AuditAppender;
  readonly usage: UsageAppender;
  readonly outbox: Outbox;
  readonly instances: InstanceWriter;
  readonly agent_metrics: AgentMetricsWriter;
  readonly compliance: ComplianceAppender;
  /** Events of the transaction so far, in the order of their ids. */
  published: CommittedEvent[] = [];
  now_ms = 0;
  actor = "";

  constructor(
    readonly db: Db,
    readonly settings: WriterSettings,
  ) {
    this.state = new VersionedWriter(db, STATE, settings.state_history);
    this.specs = new VersionedWriter(db, SPECS, settings.state_history);
    this.events = new EventAppender(db);
    this.rules = new RuleWriter(db);
    this.templates = new TemplateWriter(db);
    this.audit = new AuditAppender(db);
    this.usage = new UsageAppender(db);
    this.outbox = new Outbox(db);
    this.instances = new InstanceWriter(db);
    this.agent_metrics = new AgentMetricsWriter(db);
    this.compliance = new ComplianceAppender(db);
  }

  /** Stores an event that goes out when the transaction has committed. `data` is JSON text. */
  publish(topic: string, data: string, source: string): CommittedEvent {
    const event = this.events.append(topic, data, source, this.now_ms);
    this.published.push(event);
    if (this.outbox.listens) this.outbox.publish({ id: event.id, topic, data, source, created_at: this.now_ms });
    return event;
  }

  /** Forgets what a rolled-back transaction left in memory. */
  reload(): void {
    this.published = [];
    this.state.reload();
    this.specs.reload();
    this.events.reload();
    this.outbox.reload();
  }
}
