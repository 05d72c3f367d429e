/** Runs a command of ns-net inside of a lab: with a host of the lab as its host, on that host's attachments. */
import { join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { inspect, labUp } from "../../lab/supervisor/client.ts";
import { ownWords } from "../../lab/supervisor/ownProgram.ts";
import { folderOf } from "../../lab/supervisor/state.ts";
import { closeFile } from "../../sys/libc.ts";
import { start, waitFor } from "../../sys/namespaces/start.ts";
import { openProcess } from "../../sys/processes.ts";
import { otherKinds } from "../inside/allNamespaces.ts";

/**
 * `at` is a lab's name, with `/HOST` for one of several hosts; `words` are those of the command line, without `--lab`. Answers
 * the exit code. Throws Fault.
 */
export async function runInLab(at: string, words: readonly string[]): Promise<number> {
  const [lab = "", host] = at.split("/");
  const state = labUp(lab, "");
  const { hosts } = await inspect(state);
  const isOne = hosts.length === 1;
  const { name, pid } = isOne && host === undefined ? hosts[0]! : hostIn(hosts, lab, host);
  const [ofLab, ofHost] = [openProcess(state.pid), openProcess(pid)];
  try {
    const others = otherKinds(state.pid).filter((kind) => kind !== "net");
    return waitFor(
      start({
        enter: [
          { fd: ofLab, kinds: others },
          { fd: ofHost, kinds: ["net"] },
        ],
        directory: "/",
        program: {
          paths: [process.execPath],
          words: [...ownWords(), ...words, "--data-dir", join(folderOf(lab), "leases", ...(isOne ? [] : [name]))],
          environment: process.env,
        },
        foreground: true,
        diesWithCaller: true,
      }),
    );
  } finally {
    closeFile(ofLab);
    closeFile(ofHost);
  }
}

function hostIn<H extends { readonly name: string }>(hosts: readonly H[], lab: string, host: string | undefined): H {
  const found = hosts.find(({ name }) => name === host);
  if (found) return found;
  const names = hosts.map(({ name }) => `${lab}/${name}`).join(", ");
  throw new Fault(
    code.config,
    host === undefined ? `${lab} has several hosts` : `${lab} has no host ${host}`,
    `Name one by --lab: ${names}`,
  );
}

/** The words without the option `--lab NAME` or `--lab=NAME`. */
export function withoutLab(words: readonly string[]): string[] {
  return words.filter((word, i) => word !== "--lab" && words[i - 1] !== "--lab" && !word.startsWith("--lab="));
}
