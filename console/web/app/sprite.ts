// drawSprite brings the icons into the page once, so that those that are first
// drawn when the server is away are there too. A document that the browser parsed
// is taken, since no text may become markup here.
export function drawSprite(): void {
  const ask = new XMLHttpRequest();
  ask.open("GET", "/static/icons.svg");
  ask.responseType = "document";
  ask.onload = () => {
    const drawn = ask.responseXML?.documentElement;
    if (!drawn) return;
    const sprite = document.importNode(drawn, true);
    sprite.setAttribute("class", "defs");
    sprite.setAttribute("aria-hidden", "true");
    document.body.prepend(sprite);
  };
  ask.send();
}
