/** A bar that shows a fraction of a whole. The fraction is also written as a number. */
interface ShareProps {
  readonly value: number;
  /** The value at which the bar is full. */
  readonly of: number;
}

export function Share({ value, of }: ShareProps) {
  const percent = of > 0 ? Math.min(100, (value / of) * 100) : 0;
  return (
    <svg class="share" aria-hidden="true">
      <rect class="share-ground" width="100%" height="100%" rx="3" />
      <rect class="share-part" width={`${percent}%`} height="100%" rx="3" />
    </svg>
  );
}
