const most = 8; // squares; the number beside them always tells

// Pips are a quorum: one square a person, filled when signed.
export function Pips({ signed, needed }: { signed: number; needed: number }) {
  const squares = Array.from({ length: Math.min(needed, most) }, (_, i) => i);
  const width = Math.max(10 * squares.length, 1);
  return (
    <span class="pips">
      <svg viewBox={`0 0 ${width} 10`} width={width} height="10" aria-hidden="true">
        {squares.map((i) => <rect key={i} x={10 * i + 1} y="1" width="7" height="8" class={i < signed ? "on" : ""} />)}
      </svg>
      {signed} of {needed}
    </span>
  );
}
