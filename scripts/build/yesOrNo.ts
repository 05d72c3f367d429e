/**
 * Turns ajv's code for a schema into code that only decides: yes or no, without path, keyword and parameters of the
 * first complaint. It is a third as long, and its length counts: every ADD reads it.
 *
 * ajv stops at the first error, so between two checks its count of errors is always 0. Where it returns false, or would
 * count an error of a part, the answer is no. Every form is listed below, and any other is an error.
 */
export function deciding(code: string): string {
  const decided = code
    // The two ways to complain: at once, and after a part complained.
    .replace(/^validate\d+\.errors = \[.*\];\n/gm, "")
    .replace(/^vErrors = vErrors === null \? .*\nerrors = vErrors\.length;\n/gm, "return false;\n")
    // The bookkeeping, which is the same everywhere.
    .replace(/^(?:let vErrors = null;|let errors = 0;|const _errs\d+ = errors;|validate\d+\.errors = vErrors;)\n/gm, "")
    .replace(/^return errors === 0;/gm, "return true;")
    .replace(/\berrors === _errs\d+|_errs\d+ === errors|errors === 0/g, "true")
    .replace(/^var valid\d+ = true;\n/gm, "")
    .replace(/\bif\(valid\d+\)/g, "if(true)")
    .replace(/^if\(!valid\d+\)\{\nbreak;\n\}\n/gm, "")
    // The path of a part, which only a complaint contains.
    .replace(/^(function validate\d+)\(data, \{.*\}=\{\}\)\{/gm, "$1(data){")
    .replace(/\b(validate\d+)\((data[^,]*), ?\{[^}]*\}\)/g, "$1($2)")
    .replace(/^\/\*# sourceURL=.*\n/gm, "");
  const left = /\b(?:errors|vErrors|_errs\d+|valid\d+|instancePath)\b.*/.exec(decided);
  if (left) throw new Error(`ajv writes something that is not known here: ${left[0]}`);
  return decided;
}
