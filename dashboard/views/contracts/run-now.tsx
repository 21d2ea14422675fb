/** The button that runs all compliance checks now. It needs the server's token. */
import { send } from "../../api/client.js";
import { apiPath } from "../../base/path.js";
import { mayDecide } from "../../api/session.js";
import { attempt } from "../../parts/toasts.js";
import { Button } from "../../parts/button.js";

export function RunNow({ onDone }: { readonly onDone: () => Promise<void> }) {
  const run = async (): Promise<void> => {
    if (await attempt(() => send("POST", apiPath("compliance", "run")), "All contracts checked")) await onDone();
  };
  const disabled = !mayDecide.value;
  return (
    <Button
      onClick={run}
      disabled={disabled}
      title={
        disabled ? "This needs the server's token." : "Checks every contract for each active agent of its project."
      }
    >
      Run compliance now
    </Button>
  );
}
