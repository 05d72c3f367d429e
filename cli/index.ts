/** The commands. Each is a file that is loaded when it is called. A name of two words belongs to a group. */
import type { Command } from "./command.ts";

interface Listed {
  readonly about: string;
  load(): Promise<Command>;
}

function listed(about: string, load: () => Promise<{ default: unknown }>): Listed {
  // Each command has its own options; the table hands it only what it parsed itself.
  return { about, load: async () => (await load()).default as Command };
}

export const commands = {
  add: listed("attach a namespace to a network", () => import("./command/add.ts")),
  del: listed("detach it, and delete the namespace that add made", () => import("./command/del.ts")),
  ls: listed("list what is attached", () => import("./command/ls.ts")),
  inspect: listed(
    "show all about one namespace: links, addresses, routes, port, rules",
    () => import("./command/inspect.ts"),
  ),
  check: listed("compare what is attached with what add made", () => import("./command/check.ts")),
  exec: listed("run a command inside a namespace", () => import("./command/exec.ts")),
  shell: listed("open a shell inside a namespace", () => import("./command/shell.ts")),
  repair: listed("repair what was lost: the store, rules, addresses, the bridge", () => import("./command/repair.ts")),
  gc: listed("remove what belongs to namespaces that are gone", () => import("./command/gc.ts")),
  "ns ls": listed(
    "list every network namespace of the machine, whichever program made it",
    () => import("./command/ns/ls.ts"),
  ),
  "ns same": listed("compare the namespaces of two processes", () => import("./command/ns/same.ts")),
  "ns who": listed("find the namespace of a name, inode, veth or address", () => import("./command/ns/who.ts")),
  "network ls": listed("list networks", () => import("./command/network/ls.ts")),
  "network inspect": listed(
    "show one network and what is attached to it",
    () => import("./command/network/inspect.ts"),
  ),
  "network create": listed(
    "write a network's configuration for add and for runtimes",
    () => import("./command/network/create.ts"),
  ),
  "network rm": listed("remove a network: configuration, bridge and rules", () => import("./command/network/rm.ts")),
  ports: listed(
    "list the published ports of the host, whichever program published them",
    () => import("./command/ports.ts"),
  ),
  agent: listed("serve the calls of runtimes from one process", () => import("./command/agent.ts")),
  status: listed(
    "show the agent, what is installed, pools and attachments on one page",
    () => import("./command/status.ts"),
  ),
  explain: listed(
    "explain why one place reaches another or not, and what repairs it",
    () => import("./command/explain.ts"),
  ),
  trace: listed(
    "print the packets between two places: interfaces, rules, drop reasons",
    () => import("./command/trace.ts"),
  ),
  top: listed("show live which containers receive and send most", () => import("./command/machine/top.ts")),
  watch: listed("print changes of networks as the kernel reports them", () => import("./command/machine/watch.ts")),
  doctor: listed("look for what keeps containers from their network", () => import("./command/machine/doctor.ts")),
  "lab learn": listed("learn in eleven lessons, by typing", () => import("./command/lab/learn.ts")),
  "lab new": listed("write a lab file from a template", () => import("./command/lab/new.ts")),
  "lab up": listed("bring a lab up from its file", () => import("./command/lab/up.ts")),
  "lab apply": listed("change a lab to what its file says now", () => import("./command/lab/apply.ts")),
  "lab restart": listed("start a pod of a lab again", () => import("./command/lab/restart.ts")),
  "lab down": listed("end a lab and everything in it", () => import("./command/lab/down.ts")),
  "lab test": listed("run the tests of a lab's file", () => import("./command/lab/test.ts")),
  "lab ping": listed("ping between all pods", () => import("./command/lab/ping.ts")),
  "lab impair": listed("delay, lose, limit or stop packets", () => import("./command/lab/impair.ts")),
  "lab capture": listed("capture packets of several pods into one file", () => import("./command/lab/capture.ts")),
  "lab script": listed("print a lab as a shell script", () => import("./command/lab/script.ts")),
  "lab exec": listed("run a command in a pod", () => import("./command/lab/exec.ts")),
  "lab shell": listed("open a shell in a pod", () => import("./command/lab/shell.ts")),
  "lab logs": listed("print what a pod's command wrote", () => import("./command/lab/logs.ts")),
  "lab graph": listed("draw a lab", () => import("./command/lab/picture/graph.ts")),
  "lab ui": listed("show a lab live in a browser", () => import("./command/lab/picture/ui.ts")),
  "lab status": listed("show the pods of a lab and their commands", () => import("./command/lab/status.ts")),
  "lab inspect": listed("show the namespaces and interfaces of a lab", () => import("./command/lab/inspect.ts")),
  "lab ls": listed("list labs", () => import("./command/lab/ls.ts")),
  "lab check": listed("check a lab file, and a lab that is up", () => import("./command/lab/check.ts")),
  install: listed(
    "put the plugin and a configuration where container runtimes look",
    () => import("./command/install.ts"),
  ),
  uninstall: listed("undo install", () => import("./command/uninstall.ts")),
  completion: listed("print completion for bash, zsh or fish", () => import("./command/completion.ts")),
  man: listed("print the manual page", () => import("./command/man.ts")),
} as const;

/** Not commands for people: `lab up` and `lab capture` start them in the namespaces of a lab. */
export const ownPrograms: Readonly<Record<string, () => Promise<number>>> = {
  supervise: async () => (await import("./command/own/supervise.ts")).default(),
  capturer: async () => (await import("./command/own/capturer.ts")).default(),
};
