/** A lab file, imported as text. */
declare module "*.yaml" {
  const source: string;
  export default source;
}
