/** Builds the Markdown of the generated pages. */

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Paragraphs with one blank line between them and one newline at the end. */
export function page(paragraphs: readonly string[]): string {
  return `${paragraphs.join('\n\n')}\n`;
}
