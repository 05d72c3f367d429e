/** The output of other programs for a bug report, where they are installed. */

/** The commands by the names of their files. None prints keys: `ip macsec` and `wg` would. */
const asked: Readonly<Record<string, readonly string[]>> = {
  "links.txt": ["ip", "-d", "-s", "link"],
  "addresses.txt": ["ip", "-d", "address"],
  "routes.txt": ["ip", "route", "show", "table", "all"],
  "routes6.txt": ["ip", "-6", "route", "show", "table", "all"],
  "policies.txt": ["ip", "rule"],
  "neighbours.txt": ["ip", "neighbour"],
  "bridges.txt": ["bridge", "-d", "link"],
  "forwarding.txt": ["bridge", "fdb"],
  "qdiscs.txt": ["tc", "-s", "qdisc"],
  "nftables.txt": ["nft", "-a", "list", "ruleset"],
  "iptables-legacy.txt": ["iptables-legacy-save"],
  "kernel.txt": ["uname", "-a"],
  "agent.log": ["journalctl", "--unit", "ns-net-agent", "--lines", "500", "--no-pager"],
};

/** A ruleset of thousands of services is some megabytes. */
const bytesMax = 16 * 1024 * 1024;
const timeoutMs = 10_000;

export interface Printed {
  readonly texts: Readonly<Record<string, string>>;
  /** A line for each program that said nothing useful. */
  readonly missing: readonly string[];
}

/** Runs each program with no environment but its path and plain words. */
export function printedByPrograms(): Printed {
  const texts: Record<string, string> = {};
  const missing: string[] = [];
  const env = { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };
  for (const [file, words] of Object.entries(asked)) {
    const command = words.join(" ");
    if (Bun.which(words[0]!, { PATH: env.PATH }) === null) {
      missing.push(`${file}: no program ${words[0]}`);
      continue;
    }
    const { exitCode, stdout, stderr } = Bun.spawnSync([...words], {
      ...{ env, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
      ...{ timeout: timeoutMs, maxBuffer: bytesMax },
    });
    if (exitCode === 0) texts[file] = `$ ${command}\n${stdout}`;
    else missing.push(`${file}: ${command} failed (${exitCode}): ${stderr.toString().trim()}`);
  }
  return { texts, missing };
}
