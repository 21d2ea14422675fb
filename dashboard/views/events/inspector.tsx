/** Shows one event: its publisher, time, data, and actions. */
import { heldData, type HeldEvent } from "../../api/event-list.js";
import { useResource } from "../../api/resource.js";
import { session } from "../../api/session.js";
import { Button, CopyButton } from "../../parts/button.js";
import { Code } from "../../parts/code.js";
import { Agent } from "../../parts/agent.js";
import { Failure } from "../../parts/notice.js";
import { Time } from "../../parts/time.js";
import { eventLoader } from "./loader.js";
import { addressFor, asCurl, type Asked } from "./model.js";

interface InspectorProps {
  readonly id: number;
  /** The selected event as the list holds it; undefined if it is not in the list. */
  readonly held: HeldEvent | undefined;
  readonly asked: Asked;
  readonly onStep: (step: 1 | -1) => void;
  readonly onClose: () => void;
}

export function Inspector({ id, held, asked, onStep, onClose }: InspectorProps) {
  const resource = useResource(eventLoader(id));
  const whole = resource.data.value;
  // If the server has removed the event from history, the page may still hold it.
  const event = whole ?? (held === undefined ? null : { ...held, data: heldData(held) });
  return (
    <section class="inspector card" aria-label={`Event ${id}`}>
      <div class="section-head">
        <h2>Event {id}</h2>
        <div class="buttons">
          <Button onClick={() => onStep(-1)} label="The event above" title="The event above (↑)">
            ↑
          </Button>
          <Button onClick={() => onStep(1)} label="The event below" title="The event below (↓)">
            ↓
          </Button>
          <Button onClick={onClose} title="Escape">
            Close
          </Button>
        </div>
      </div>
      <Failure of={resource} />
      {event === null ? (
        whole === null && <p>This event is no longer kept, or was never published.</p>
      ) : (
        <>
          <dl class="facts">
            <dt>Topic</dt>
            <dd class="mono">{event.topic}</dd>
            <dt>Source</dt>
            <dd>{event.source === "" ? <span class="muted">unknown</span> : <Agent id={event.source} />}</dd>
            <dt>Published</dt>
            <dd>
              <Time at={event.created_at} as="clock" /> (<Time at={event.created_at} />)
            </dd>
          </dl>
          <Code text={event.data} content_type="application/json" label={`data of event ${id}`} />
          {whole === null && <p class="hint">History no longer holds this event. This is the page's copy.</p>}
          <div class="buttons">
            <CopyButton
              text={asCurl(event, location.origin, session.value?.auth === true)}
              what="as curl"
              name="Copy as curl"
            />
            <a class="button" href={addressFor({ ...asked, since: id - 1, until: null })}>
              Replay from here
            </a>
            <a class="button" href={addressFor({ ...asked, pattern: event.topic })}>
              Only this topic
            </a>
          </div>
        </>
      )}
    </section>
  );
}
