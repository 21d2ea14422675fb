/** Shows Koor's logo: agents around the state that they share. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="logo-ground" />
      <circle cx="16" cy="16" r="4" class="logo-core" />
      <g class="logo-agent">
        <circle cx="16" cy="6" r="2.6" />
        <circle cx="24.7" cy="21" r="2.6" />
        <circle cx="7.3" cy="21" r="2.6" />
      </g>
      <path class="logo-link" d="M16 8v5M22.6 19.8 18.9 17.7M9.4 19.8 13.1 17.7" />
    </svg>
  );
}
