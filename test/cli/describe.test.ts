/**
 * Texts generated from the table of commands: each shell accepts its completion, and the manual page names every
 * option.
 */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { commands } from "../../cli/index.ts";
import { findProgram } from "../../scripts/setup/tools.mjs";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { freshNetns, needsSandbox, run } from "../support/sandbox.ts";
import { needsOwnEtc } from "./place.ts";

const said = (...words: string[]) => run([nsNet, ...words]);

describe("ns-net completion and man", () => {
  before(function () {
    needs(this, "ns-net");
  });

  const ask = (words: string, at: number) =>
    run([
      "bash",
      "-c",
      `source <(${nsNet} completion bash); COMP_WORDS=(${words}); COMP_CWORD=${at}; _ns_net; echo "\${COMPREPLY[@]}"`,
    ]).trim();

  it("completes commands and options in bash", () => {
    assert.equal(ask("ns-net ins", 1), "inspect install");
    assert.equal(ask("ns-net add --dr", 2), "--dry-run");
    assert.equal(ask("ns-net completion ''", 2), "bash zsh fish");
    assert.equal(ask("ns-net completion f", 2), "fish");
    assert.equal(ask("ns-net ls ''", 2), "");
    assert.equal(ask("ns-net ns ''", 2), "ls same who");
    assert.equal(ask("ns-net ns ls --j", 3), "--json");
  });

  it("completes the places of explain and trace in bash", function () {
    needsSandbox(this);
    using one = freshNetns("completed");
    for (const words of ["explain", "trace", "exec"]) assert.equal(ask(`ns-net ${words} completed-`, 2), one.name);
    assert.equal(ask("ns-net trace host completed-", 3), one.name);
  });

  it("completes networks in bash: files, and the names of those in /etc/cni/net.d", function () {
    needsOwnEtc(this);
    const name = `named-${process.pid}`;
    const path = `/etc/cni/net.d/10-${name}.conflist`;
    mkdirSync("/etc/cni/net.d", { recursive: true });
    writeFileSync(path, JSON.stringify({ name, plugins: [{ type: "ns-net" }] }));
    try {
      const at = (word: string) => ask(`ns-net add web --network ${word}`, 4).split(" ");
      assert.deepEqual(at("named"), [name]);
      assert.deepEqual(at("/etc/pass").sort()[0], "/etc/passwd");
      assert.ok(at("''").includes(name));
      for (const command of ["inspect", "rm"]) assert.equal(ask(`ns-net network ${command} named`, 3), name);
    } finally {
      rmSync(path);
    }
  });

  for (const shell of ["zsh", "fish"]) {
    it(`names every command for ${shell}`, () => {
      const script = said("completion", shell);
      for (const word of Object.keys(commands).flatMap((name) => name.split(" ")))
        assert.match(script, new RegExp(`\\b${word}\\b`));
      if (findProgram(shell)) run([shell, "-n"], script);
    });
  }

  it("refuses another shell", () => {
    assert.throws(() => said("completion", "tcsh"), /no completion for "tcsh", only for bash, zsh, fish/);
  });

  it("has a manual page with every option of every command", async () => {
    const page = said("man").replace(/\\-/g, "-");
    for (const section of ["ENVIRONMENT", "FILES", "SEE ALSO"]) assert.match(page, RegExp(`^\\.SH ${section}$`, "m"));
    for (const [name, { load }] of Object.entries(commands)) {
      assert.ok(RegExp(`^\\.SS ns-net ${name}( .*\\S)?$`, "m").test(page), name);
      for (const option of Object.keys((await load()).options)) assert.ok(page.includes(`--${option}`), option);
    }
  });
});
