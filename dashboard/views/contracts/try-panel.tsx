/** A panel that checks a payload against an endpoint of a contract. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { send } from "../../api/client.js";
import { apiPath } from "../../base/path.js";
import type { ContractValidation } from "../../api/types.js";
import { curlPost } from "../../base/curl.js";
import { plural } from "../../base/format.js";
import { session } from "../../api/session.js";
import { Badge } from "../../parts/badge.js";
import { Button, CopyButton } from "../../parts/button.js";
import { Choice, TextArea } from "../../parts/fields.js";
import { Notice } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { useAnswer } from "./answer.js";
import { examplePayload, typedJson, type Endpoint } from "./model.js";
import { ViolationList } from "./violation-list.js";

/** The selected contract and endpoint. */
export interface TryProps {
  readonly project: string;
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  readonly tried: Endpoint | undefined;
  readonly onChoose: (endpoint: string) => void;
}

export function TryPanel({ project, name, endpoints, tried, onChoose }: TryProps) {
  const wanted = useSignal("");
  /** The text that the user has typed; null until then. While it is null, an example payload is shown. */
  const typed = useSignal<string | null>(null);
  const { answer, failure, ask, forget } = useAnswer<ContractValidation>();
  const directions = [...new Set((tried?.definitions ?? []).map((one) => one.direction))];
  const direction = directions.find((one) => one === wanted.value) ?? directions[0] ?? "request";
  const payload = typed.value ?? examplePayload(tried, direction);
  const json = typedJson(payload);
  const invalid = "failure" in json;
  useEffect(forget, [tried?.name, direction, payload]);

  const path = apiPath("contracts", project, name, "validate");
  const body = { endpoint: tried?.name, direction, payload: invalid ? {} : json.value };
  const validate = (): Promise<void> => ask(() => send<ContractValidation>("POST", path, body));
  return (
    <Section title="Try it">
      <div class="card try">
        <Choice
          label="Endpoint"
          value={tried?.name ?? ""}
          choices={endpoints.map((one) => [one.name, one.name] as const)}
          onChoose={onChoose}
        />
        <Choice
          label="Direction"
          value={direction}
          choices={(directions.length === 0 ? [direction] : directions).map((one) => [one, one] as const)}
          onChoose={(value) => {
            wanted.value = value;
          }}
        />
        <TextArea
          label="Payload"
          value={payload}
          onInput={(text) => {
            typed.value = text;
          }}
          invalid={invalid}
          {...(invalid ? { hint: json.failure } : {})}
        />
        <div class="buttons">
          <Button kind="primary" onClick={validate} disabled={invalid}>
            Validate
          </Button>
          {!invalid && (
            <CopyButton
              text={curlPost(location.origin + path, JSON.stringify(body), session.value?.auth === true)}
              what="as curl"
              name="As curl"
            />
          )}
          {typed.value !== null && (
            <Button
              onClick={() => {
                typed.value = null;
              }}
            >
              Example
            </Button>
          )}
        </div>
        <div role="status">
          {failure.value !== "" && <Notice tone="bad">{failure.value}</Notice>}
          {answer.value !== null && <Answer answer={answer.value} />}
        </div>
      </div>
    </Section>
  );
}

function Answer({ answer: { valid, violations } }: { readonly answer: ContractValidation }) {
  if (valid)
    return (
      <p>
        <Badge tone="good">valid</Badge> The payload matches the contract.
      </p>
    );
  return (
    <div class="try-found">
      <Badge tone="bad">{plural(violations.length, "violation")}</Badge>
      <ViolationList violations={violations} label="Violations found" />
    </div>
  );
}
