/** 24409194 → $244,091.94 */
export function dollars(cents: number): string {
  return `$${count(Math.trunc(cents / 100))}.${String(cents % 100).padStart(2, '0')}`;
}

/** 6919 → 6,919 */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** 1 order, 2 orders */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Lines of at most `width` characters. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Columns of equal width; those that are listed are set to the right. */
export function align(rows: readonly (readonly string[])[], toTheRight: readonly number[] = []): readonly string[] {
  const widthOf = (column: number): number => Math.max(...rows.map((cells) => cells[column]?.length ?? 0));
  const widths = (rows[0] ?? []).map((_, column) => widthOf(column));
  const pad = (cell: string, column: number): string =>
    toTheRight.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return rows.map((cells) => cells.map(pad).join('  ').trimEnd());
}

/** The first few, and how many more there are. */
export function shorten(items: readonly string[], most: number): readonly string[] {
  if (items.length <= most) return items;
  return [...items.slice(0, most), `… and ${count(items.length - most)} more`];
}
