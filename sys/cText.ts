/** Text as C has it. */

/** NUL-terminated, for a `char *` that the callee only reads. */
export function cText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length + 1);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return new TextEncoder().encode(`${text}\0`);
    bytes[i] = unit;
  }
  return bytes;
}
