/** Text as C reads it. */

/** The bytes of a `char *`, closed by NUL. The callee may read them and not keep them. */
export function cText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length + 1);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return new TextEncoder().encode(`${text}\0`);
    bytes[i] = unit;
  }
  return bytes;
}
