/** Entry point of the page: renders the app and asks for the session. */
import { render } from "preact";
import { App } from "./app/app.js";
import { askSession } from "./api/session.js";

const root = document.getElementById("app");
if (root === null) throw new Error("the page has no element 'app'");
render(<App />, root);
void askSession();
