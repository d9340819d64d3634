import { render } from "preact";
import { App } from "./app/app";
import { PasskeySignIn } from "./parts/passkeysignin";

const page = document.getElementById("console");
if (page) render(<App />, page);
// The server draws the sign-in page itself; a passkey there needs script.
const signin = document.getElementById("passkey-signin");
if (signin) render(<PasskeySignIn next={signin.dataset["next"] ?? "/"} />, signin);
