/** `ns-net lab supervise`: not for people. `lab up` starts it inside of a lab's namespaces. */
import { supervise } from "../../../lab/supervisor/supervise.ts";

export default ([folder = "", name = "", file = ""]: readonly string[]): Promise<number> =>
  supervise(folder, name, file);
