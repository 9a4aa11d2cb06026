import type { Spread } from './statistics.ts';

export function range({ min, max }: Spread, format: (value: number) => string): string {
  return `${format(min)}–${format(max)}`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

export function decimals(value: number): string {
  return value.toFixed(2);
}
