/** The page of one webhook: facts, advice, dead letters, deliveries, and the newest matching events. */
import { useLocation } from "preact-iso/router";
import { query } from "../../base/path.js";
import type { Webhook } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { Badge } from "../../parts/badge.js";
import { Notice } from "../../parts/notice.js";
import { Page, Section } from "../../parts/page.js";
import { Time } from "../../parts/time.js";
import { Actions } from "./actions.js";
import { mayDecide } from "../../api/session.js";
import { DeadLetters } from "./dead-letters.js";
import { Deliveries } from "./deliveries.js";
import { adviceFor, healthOf } from "./model.js";
import { Recent } from "./recent.js";

interface WebhookPageProps {
  readonly webhook: Webhook;
  readonly onDone: () => Promise<void>;
}

export function WebhookPage({ webhook, onDone }: WebhookPageProps) {
  const { route } = useLocation();
  const { id, url, patterns, created_at, last_fired, last_error, last_failure_at, dead_letters } = webhook;
  const { tone, words } = healthOf(webhook);
  const advice = adviceFor(webhook);
  const home = addressOf("webhooks");
  return (
    <Page
      title="Webhooks"
      part={id}
      home={home}
      actions={<Actions webhook={webhook} onDone={onDone} onDeleted={() => route(home)} />}
    >
      {advice !== "" && (
        <Notice tone={tone === "bad" ? "bad" : "note"}>
          {last_error !== undefined && <strong>{last_error}. </strong>}
          {advice}
        </Notice>
      )}
      <div class="card">
        <dl class="facts">
          <dt>Health</dt>
          <dd>
            <Badge tone={tone}>{words}</Badge>
          </dd>
          <dt>URL</dt>
          <dd class="mono">{url}</dd>
          <dt>Patterns</dt>
          <dd>
            <Patterns patterns={patterns} />
          </dd>
          <dt>Last delivery</dt>
          <dd>{last_fired === undefined ? <span class="muted">none yet</span> : <Time at={last_fired} />}</dd>
          <dt>Last failure</dt>
          <dd>
            {last_failure_at === undefined ? (
              <span class="muted">none</span>
            ) : (
              <>
                <Time at={last_failure_at} />: {last_error}
              </>
            )}
          </dd>
          <dt>Created</dt>
          <dd>
            <Time at={created_at} />
          </dd>
        </dl>
      </div>
      {mayDecide.value && <DeadLetters key={id} id={id} count={dead_letters} onDone={onDone} />}
      {mayDecide.value && (
        <Section title="Deliveries">
          <Deliveries key={id} webhook={webhook} onDone={onDone} />
        </Section>
      )}
      <Section title="Recent events">
        <Recent key={id} patterns={patterns} />
      </Section>
    </Page>
  );
}

/** Shows topic patterns, each as a link to the events that match. */
export function Patterns({ patterns }: { readonly patterns: readonly string[] }) {
  return (
    <span class="webhook-patterns">
      {patterns.map((pattern) => (
        <a key={pattern} class="mono" href={addressOf("events") + query({ pattern })}>
          {pattern}
        </a>
      ))}
    </span>
  );
}
