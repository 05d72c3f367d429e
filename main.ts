#!/usr/bin/env bun
/** The executable: a plugin if a runtime calls it (CNI_COMMAND is set), else a command for people. */
import defer * as commandLine from "./cli/main.ts";
import { newestVersion, versions } from "./conf/version.ts";
import defer * as plugin from "./plugin/main.ts";

declare const NSNET_VERSION: string;
const version = typeof NSNET_VERSION === "string" ? NSNET_VERSION : "development";

function about(): string {
  return `CNI plugin ns-net v${version}\nCNI protocol versions supported: ${versions.join(", ")}\nFor a command line: ns-net --help\n`;
}

async function main(): Promise<number> {
  const command = process.env["CNI_COMMAND"];
  if (command === "VERSION") {
    console.log(JSON.stringify({ cniVersion: newestVersion, supportedVersions: versions }));
    return 0;
  }
  if (command) return plugin.serveAndExit(process.env);
  const args = process.argv.slice(2);
  if (args.length > 0) return commandLine.run(args, version);
  process.stderr.write(about());
  return 0;
}

void main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: Error) => {
    // A library or a file of ours could not be loaded, mostly for lack of memory. A runtime still gets an error in its
    // format.
    const msg = `ns-net could not be loaded: ${error.message}`;
    const fault = {
      cniVersion: newestVersion,
      code: 5,
      msg,
      details: "Free memory, or raise the caller's memory limit",
    };
    if (process.env["CNI_COMMAND"]) process.stdout.write(`${JSON.stringify(fault)}\n`);
    else process.stderr.write(`ns-net: ${msg}\n  ${fault.details}\n`);
    process.exitCode = 1;
  },
);
