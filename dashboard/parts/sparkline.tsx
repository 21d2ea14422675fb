/** A sparkline: one small bar per value. */

interface SparklineProps {
  readonly values: readonly number[];
  /** The accessible description. */
  readonly label: string;
}

export function Sparkline({ values, label }: SparklineProps) {
  const most = Math.max(1, ...values);
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${values.length * 4} 20`}
      role="img"
      aria-label={label}
      preserveAspectRatio="none"
    >
      {values.map((value, at) => {
        const tall = value === 0 ? 1 : Math.max(2, (value / most) * 20);
        return (
          <rect key={at} x={at * 4} y={20 - tall} width={3} height={tall} class={value === 0 ? "spark-none" : ""} />
        );
      })}
    </svg>
  );
}
