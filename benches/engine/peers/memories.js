// Notes every WebAssembly memory that is made in this page, and by whom, so that a peer's memory is measured, not asked of
// it. Must be the first module of the page.

const memories = /** @type {{ owner: string, memory: WebAssembly.Memory }[]} */ ([]);
let owner = "unknown";

/**
 * Everything made until the next call belongs to `name`.
 * @param {string} name
 */
export function nowLoading(name) {
  owner = name;
}

/**
 * Linear memory never shrinks, so what it has is also its peak.
 * @param {string} name
 */
export function memoryBytes(name) {
  return memories.filter((entry) => entry.owner === name).reduce((sum, { memory }) => sum + memory.buffer.byteLength, 0);
}

/** @param {unknown} memory */
function note(memory) {
  if (memory instanceof WebAssembly.Memory && !memories.some((entry) => entry.memory === memory)) {
    memories.push({ owner, memory });
  }
}

/** @param {any} result an instance, or one with its module */
function noteExports(result) {
  const { exports } = result.instance ?? result;
  Object.values(exports).forEach(note);
  return result;
}

const Plain = WebAssembly.Memory;
WebAssembly.Memory = new Proxy(Plain, {
  construct(target, parameters) {
    const memory = new target(.../** @type {[WebAssembly.MemoryDescriptor]} */ (parameters));
    note(memory);
    return memory;
  },
});
for (const name of /** @type {const} */ (["instantiate", "instantiateStreaming"])) {
  const plain = /** @type {(...parameters: any[]) => Promise<unknown>} */ (WebAssembly[name].bind(WebAssembly));
  WebAssembly[name] = async (/** @type {any[]} */ ...parameters) => noteExports(await plain(...parameters));
}
WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct: (target, parameters) => noteExports(new target(.../** @type {[WebAssembly.Module]} */ (parameters))),
});
