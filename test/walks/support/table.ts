/** Reads the tables that the stock clients draw. */

/** Cells of each row below the heading; a row with an empty first cell goes on with the one above. */
export function readTable(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('|'));
  const rows: string[][] = [];
  for (const line of lines.slice(1)) {
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    const above = rows.at(-1);
    if (cells[0] === '' && above !== undefined)
      rows[rows.length - 1] = above.map((cell, index) => cell + cells[index]);
    else rows.push(cells);
  }
  return rows;
}

/** A table of two columns, by the first. */
export function readPairs(text: string): Record<string, string> {
  return Object.fromEntries(readTable(text).map(([name, value]) => [name!, value!]));
}
