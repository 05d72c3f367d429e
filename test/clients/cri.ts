/** A client of CRI, the interface between kubelet and a container runtime. */
import { join } from "node:path";
import { credentials, loadPackageDefinition, type ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { cgroupParent } from "./cgroups.ts";

export interface Pod {
  readonly name: string;
  readonly ports?: readonly { readonly host: number; readonly container: number; readonly protocol?: "TCP" | "UDP" }[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Cri extends Disposable {
  /** Answers the sandbox's id. */
  run(pod: Pod): Promise<string>;
  /** The sandbox's addresses, the primary one first. */
  addresses(id: string): Promise<string[]>;
  stop(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** Ids of all sandboxes. */
  list(): Promise<string[]>;
  /** Why the network is not ready; undefined if it is. */
  networkComplaint(): Promise<string | undefined>;
}

type Call = (request: object, options: object, done: (error: ServiceError | null, answer: never) => void) => void;
type Client = Record<string, Call> & { close(): void };

/** A sandbox that takes longer hangs. */
const callLimitMs = 30_000;

export function connect(socket: string): Cri {
  const definition = loadPackageDefinition(loadSync(join(import.meta.dirname, "cri.proto"), { keepCase: true }));
  // biome-ignore lint/suspicious/noExplicitAny: the package is made at run time, from the .proto file.
  const { RuntimeService } = (definition as any).runtime.v1;
  const client: Client = new RuntimeService(`unix://${socket}`, credentials.createInsecure());
  // biome-ignore lint/suspicious/noExplicitAny: as above, each answer has the shape that cri.proto says.
  const ask = (method: string, request: object = {}): Promise<any> =>
    new Promise((resolve, reject) =>
      client[method]!(request, { deadline: Date.now() + callLimitMs }, (error, answer) =>
        error ? reject(new Error(error.details || error.message)) : resolve(answer),
      ),
    );
  return {
    run: async (pod) => (await ask("RunPodSandbox", { config: configOf(pod) })).pod_sandbox_id,
    async addresses(id) {
      const { network } = (await ask("PodSandboxStatus", { pod_sandbox_id: id })).status;
      return [network?.ip, ...(network?.additional_ips ?? []).map((one: { ip: string }) => one.ip)].filter(Boolean);
    },
    stop: (id) => ask("StopPodSandbox", { pod_sandbox_id: id }),
    remove: (id) => ask("RemovePodSandbox", { pod_sandbox_id: id }),
    list: async () => ((await ask("ListPodSandbox")).items ?? []).map(({ id }: { id: string }) => id),
    async networkComplaint() {
      const { conditions } = (await ask("Status")).status;
      const network = conditions.find(({ type }: { type: string }) => type === "NetworkReady");
      return network?.status ? undefined : String(network?.message ?? "no answer about the network");
    },
    [Symbol.dispose]: () => client.close(),
  };
}

function configOf({ name, ports = [], annotations = {} }: Pod): object {
  return {
    metadata: { name, uid: `uid-${name}`, namespace: "default", attempt: 0 },
    hostname: name,
    log_directory: "/tmp",
    port_mappings: ports.map(({ host, container, protocol = "TCP" }) => ({
      ...{ host_port: host, container_port: container, protocol, host_ip: "" },
    })),
    annotations,
    linux: { cgroup_parent: `/${cgroupParent}` },
  };
}
