// Notes every WebAssembly memory that is made in this page, and by whom, so that a peer's memory is measured, not asked of
// it. Must be the first module of the page.

const memories = [];
let owner = "unknown";

/** Everything made until the next call belongs to `name`. */
export function nowLoading(name) {
  owner = name;
}

/** Linear memory never shrinks, so what it has is also its peak. */
export function memoryBytes(name) {
  return memories.filter((entry) => entry.owner === name).reduce((sum, { memory }) => sum + memory.buffer.byteLength, 0);
}

function note(memory) {
  if (memory instanceof WebAssembly.Memory && !memories.some((entry) => entry.memory === memory)) {
    memories.push({ owner, memory });
  }
}

function noteExports(result) {
  const { exports } = result.instance ?? result;
  Object.values(exports).forEach(note);
  return result;
}

const Plain = WebAssembly.Memory;
WebAssembly.Memory = new Proxy(Plain, {
  construct(target, parameters) {
    const memory = new target(...parameters);
    note(memory);
    return memory;
  },
});
for (const name of ["instantiate", "instantiateStreaming"]) {
  const plain = WebAssembly[name].bind(WebAssembly);
  WebAssembly[name] = async (...parameters) => noteExports(await plain(...parameters));
}
WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct: (target, parameters) => noteExports(new target(...parameters)),
});
