import { Notice } from "../parts/notice";
import { useTitle, type Place } from "./router";

export function Missing({ place }: { place: Place }) {
  useTitle("No such page");
  return (
    <div class="wrap narrow">
      <h1 class="vh">No such page</h1>
      <Notice title="There is no page here."><p>No page of this server has the address <span class="mono any">{place.path}</span>.</p><div class="acts"><a class="btn small" href="/">To the Inbox</a></div></Notice>
    </div>
  );
}
