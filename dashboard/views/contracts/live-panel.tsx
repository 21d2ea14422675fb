/** A panel that makes the server call a running service and check the service's answer against an endpoint. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { send } from "../../api/client.js";
import { apiPath } from "../../base/path.js";
import type { ContractTest } from "../../api/types.js";
import { Badge } from "../../parts/badge.js";
import { Button } from "../../parts/button.js";
import { TextArea, TextField } from "../../parts/fields.js";
import { Notice } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { useAnswer } from "./answer.js";
import { exampleTestData, typedJson } from "./model.js";
import type { TryProps } from "./try-panel.js";
import { ViolationList } from "./violation-list.js";

export function LivePanel({ project, name, tried }: TryProps) {
  const baseUrl = useSignal("");
  const typed = useSignal<string | null>(null);
  const { answer, failure, ask, forget } = useAnswer<ContractTest>();
  const data = typed.value ?? exampleTestData(tried);
  const json = typedJson(data);
  const invalid = "failure" in json;
  useEffect(() => {
    typed.value = null;
    forget();
  }, [tried?.name]);
  const test = (): Promise<void> =>
    ask(() =>
      send<ContractTest>("POST", apiPath("contracts", project, name, "test"), {
        endpoint: tried?.name,
        base_url: baseUrl.value,
        test_data: invalid ? {} : json.value,
      }),
    );
  return (
    <Section title="Live test">
      <div class="card try">
        <p class="hint">
          The server sends one request for <code>{tried?.name}</code> and checks the response.
        </p>
        <TextField
          label="Service"
          value={baseUrl.value}
          onInput={(text) => {
            baseUrl.value = text;
          }}
          placeholder="http://localhost:3000"
        />
        <TextArea
          label="Test data"
          rows={4}
          value={data}
          onInput={(text) => {
            typed.value = text;
          }}
          invalid={invalid}
          {...(invalid ? { hint: json.failure } : {})}
        />
        <div class="buttons">
          <Button onClick={test} disabled={invalid || baseUrl.value.trim() === ""}>
            Test
          </Button>
        </div>
        <div role="status">
          {failure.value !== "" && <Notice tone="bad">{failure.value}</Notice>}
          {answer.value !== null && <Answer answer={answer.value} />}
        </div>
      </div>
    </Section>
  );
}

function Answer({ answer }: { readonly answer: ContractTest }) {
  const { valid, status_code, request_violations, response_violations, error } = answer;
  return (
    <div class="try-found">
      <p>
        <Badge tone={valid ? "good" : "bad"}>{valid ? "valid" : "violates the contract"}</Badge>{" "}
        {error === "" ? `The service answered ${status_code}.` : error}
      </p>
      {request_violations.length > 0 && (
        <ViolationList violations={request_violations} label="Violations of the request" />
      )}
      {response_violations.length > 0 && (
        <ViolationList violations={response_violations} label="Violations of the response" />
      )}
    </div>
  );
}
