/** Time and calls left, as texts and shares of a bar. */

/** `4:05` for seconds below an hour, `1:00:00` from there; never below zero. */
export function clockText(seconds: number): string {
  const left = Math.max(0, Math.ceil(seconds));
  const parts = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  const [hours, minutes, rest] = parts as [number, number, number];
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** How a meter looks: plenty, little or nothing left. */
export function meterState(left: number, whole: number): '' | 'low' | 'out' {
  if (left <= 0) return 'out';
  return left / whole <= 0.2 ? 'low' : '';
}
