/** What is generated from the table of commands: each shell takes its completion, and the manual page names every option. */
import assert from "node:assert/strict";
import { commands } from "../../cli/index.ts";
import { findProgram } from "../../scripts/tools.mjs";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { run } from "../support/sandbox.ts";

const said = (...words: string[]) => run([nsNet, ...words]);

describe("ns-net completion and man", () => {
  before(function () {
    needs(this, "ns-net");
  });

  it("completes commands and options in bash", () => {
    const ask = (words: string, at: number) =>
      run([
        "bash",
        "-c",
        `source <(${nsNet} completion bash); COMP_WORDS=(${words}); COMP_CWORD=${at}; _ns_net; echo "\${COMPREPLY[@]}"`,
      ]).trim();
    assert.equal(ask("ns-net ins", 1), "inspect install");
    assert.equal(ask("ns-net add --dr", 2), "--dry-run");
  });

  for (const shell of ["zsh", "fish"]) {
    it(`names every command for ${shell}`, () => {
      const script = said("completion", shell);
      for (const name of Object.keys(commands)) assert.match(script, new RegExp(`\\b${name}\\b`));
      if (findProgram(shell)) run([shell, "-n"], script);
    });
  }

  it("refuses another shell", () => {
    assert.throws(() => said("completion", "tcsh"), /no completion for "tcsh", only for bash, zsh, fish/);
  });

  it("has a manual page with every option of every command", async () => {
    const page = said("man").replace(/\\-/g, "-");
    for (const [name, { load }] of Object.entries(commands)) {
      assert.ok(page.includes(`.SS ns-net ${name} `), name);
      for (const option of Object.keys((await load()).options)) assert.ok(page.includes(`--${option}`), option);
    }
  });
});
