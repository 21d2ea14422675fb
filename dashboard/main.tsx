/** The entry point of the page. Renders the app and asks the server for the session. */
import { render } from "preact";
import { App } from "./app/app.js";
import { askSession } from "./api/session.js";

const root = document.getElementById("app");
if (root === null) throw new Error("the page has no element 'app'");
render(<App />, root);
void askSession();
