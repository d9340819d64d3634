/**
 * Gives one text for all texts that differ only by case (Unicode simple folding),
 * so that keys of an object can be compared.
 */
export function folded(text: string): string {
  return /^[\u0000-\u007f]*$/.test(text) ? text.toLowerCase() : Array.from(text, smallest).join("");
}

function smallest(c: string): string {
  const found = single(single(c.toUpperCase(), c).toLowerCase(), c);
  return found !== c && alike(found, c) ? found : c;
}

/** The text if it is one character; what upper or lower case makes of some is more. */
function single(text: string, otherwise: string): string {
  return Array.from(text).length === 1 ? text : otherwise;
}

/** Regular expressions with the flags i and u compare by simple folding (ECMA-262, section 22.2.2.7.3). */
function alike(a: string, b: string): boolean {
  const escaped = "\\u{" + (a.codePointAt(0) ?? 0).toString(16) + "}";
  return new RegExp(`^${escaped}$`, "iu").test(b);
}
