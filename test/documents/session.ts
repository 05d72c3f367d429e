/** Types a page in a sandbox, as root, in an empty folder where `ns-net` is on PATH, and answers what was printed. */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findSandbox, sandboxEnvironment } from "../../scripts/sandbox.ts";
import { nsNet } from "../support/plugin.ts";
import { type Page, root } from "./page.ts";

export interface Printed {
  readonly output: string;
  readonly exitCode: number;
}

const mark = (name: string, number: number | string) => `<<${name} ${number} of the page>>`;

/** Each command is typed into one shell, as a person does, so variables, folders and jobs go on. */
export function typedIn({ typed, within = '"$@"' }: Pick<Page, "typed" | "within">): Printed[] {
  const folder = mkdtempSync(join(tmpdir(), "ns-net-page-"));
  try {
    symlinkSync(nsNet, join(folder, "ns-net"));
    const script = typed.map(({ command }, i) =>
      [
        `printf '%s\\n' '${mark("begin", i)}'`,
        `eval ${quoted(command)} 2>&1`,
        `printf '\\n%s%s\\n' '${mark("end", i)}' $?`,
      ].join("\n"),
    );
    const sandbox = findSandbox();
    if (!sandbox.works) throw new Error(sandbox.reason);
    // A PID namespace of its own ends what a page leaves running.
    const apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    // The page installs into the folders of runtimes, and what others configured there would be in the output.
    const alone = "mount -t tmpfs tmpfs /opt; if [ -d /etc/cni ]; then mount -t tmpfs tmpfs /etc/cni; fi";
    const session = ["bash", "-c", `${alone}\n${within}`, "page", "bash", "-c", script.join("\n")];
    const { stdout, stderr } = Bun.spawnSync(sandbox.wrap([...apart, ...session]), {
      cwd: folder,
      env: { ...sandboxEnvironment, PATH: `${folder}:${sandboxEnvironment.PATH}`, CLONE: root, LC_ALL: "C.UTF-8" },
      stdin: null,
      timeout: 120_000,
    });
    return typed.map((_, i) => {
      const found = new RegExp(`${mark("begin", i)}\\n([\\s\\S]*?)\\n${mark("end", i)}(\\d+)`).exec(stdout.toString());
      if (found === null) throw new Error(`the session ended at ${typed[i]!.command}: ${stderr}`);
      return { output: found[1]!, exitCode: Number(found[2]) };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
