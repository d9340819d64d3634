// Spark is a row of numbers as small bars. What it says stands in a table as well.
export function Spark({ of, says }: { of: readonly number[]; says: string }) {
  const most = Math.max(1, ...of);
  const wide = 4;
  return (
    <svg class="spark" viewBox={`0 0 ${of.length * wide} 32`} preserveAspectRatio="none" role="img" aria-label={says}>
      <path class="bed" d={`M0 31.5H${of.length * wide}`} />
      {of.map((n, i) => {
        const h = n === 0 ? 0 : Math.max(1.5, (30 * n) / most);
        return <rect key={i} x={i * wide + 0.5} y={31 - h} width={wide - 1} height={h} />;
      })}
    </svg>
  );
}

// Share is a part of a hundred as a line, beside its number.
export const Share = ({ percent }: { percent: number }) => (
  <svg class="share" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><path class="bed" d="M0 2H100" /><path class="part" d={`M0 2H${percent}`} /></svg>
);
