// What this device keeps between visits. A browser may refuse to keep anything;
// then nothing is kept, and nothing breaks.

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`countersign.${name}`);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`countersign.${name}`, value);
  } catch {
    // It is asked for again next time.
  }
}
