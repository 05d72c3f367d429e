/** The examples of lab/examples/, compiled into the executable: `lab new` writes them. */
import broken from "./examples/broken.yaml" with { type: "text" };
import dualStack from "./examples/dual-stack.yaml" with { type: "text" };
import hundredPods from "./examples/hundred-pods.yaml" with { type: "text" };
import isolation from "./examples/isolation.yaml" with { type: "text" };
import lossyLink from "./examples/lossy-link.yaml" with { type: "text" };
import publishedPort from "./examples/published-port.yaml" with { type: "text" };
import ring from "./examples/ring.yaml" with { type: "text" };
import router from "./examples/router.yaml" with { type: "text" };
import shop from "./examples/shop.yaml" with { type: "text" };
import sidecar from "./examples/sidecar.yaml" with { type: "text" };
import threeHosts from "./examples/three-hosts.yaml" with { type: "text" };
import threeHostsRoutes from "./examples/three-hosts-routes.yaml" with { type: "text" };
import twoPods from "./examples/two-pods.yaml" with { type: "text" };

/** Texts by name, the simplest first. */
export const templates: Readonly<Record<string, string>> = {
  "two-pods": twoPods,
  "published-port": publishedPort,
  isolation,
  "dual-stack": dualStack,
  sidecar,
  router,
  ring,
  "lossy-link": lossyLink,
  shop,
  "three-hosts": threeHosts,
  "three-hosts-routes": threeHostsRoutes,
  "hundred-pods": hundredPods,
  broken,
};

/** The comment in the first line of a file. */
export const aboutOf = (text: string): string => text.split("\n", 1)[0]!.replace(/^# /, "");
