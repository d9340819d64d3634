// save gives the reader a file.
export function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// csv is a table as RFC 4180 has it. A cell that a spreadsheet would take for a
// formula gets an apostrophe in front, since agents write some of the text.
export function csv(rows: readonly (readonly string[])[]): string {
  const cell = (s: string) => `"${(/^[=+\-@\t\r]/.test(s) ? "'" + s : s).replaceAll('"', '""')}"`;
  return rows.map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n";
}
