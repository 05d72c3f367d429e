/** `ns-net lab supervise NAME`, which `lab up` starts: not for people. */
import { supervise } from "../../../lab/supervisor/supervise.ts";

export default ([name = ""]: readonly string[]): Promise<number> => supervise(name);
