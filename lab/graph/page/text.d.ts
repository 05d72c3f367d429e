/** Scripts and styles of pages, imported as text. */
declare module "*.mjs" {
  const source: string;
  export default source;
}
declare module "*.css" {
  const source: string;
  export default source;
}
