// Plays products on a graphics processor, for whoever says which (src/gpu/mod.rs): opens a device, hands over what is multiplied,
// runs a program of theirs on it and reads back. It decides nothing of what is computed or measured. It must never be asked
// without a person's click, and never take a software adapter, which would only be a slower way to use the processor.

/** Firefox looks whether a device is done every 100 ms, and whenever something is handed over, be it nothing. */
const NUDGE_MS = 2;

/**
 * Why there is no figure: its reason goes to the person in their language, and what the browser said stands behind it.
 * @param {NoGraphics} reason
 * @param {string} [detail]
 */
const refused = (reason, detail = "") => Object.assign(new Error(detail), { reason });

/**
 * A device, or a refusal. `close` it in every case.
 * @param {{ allowsSoftware?: boolean }} [wish] for tests alone, which have nothing else
 */
export async function openGpu({ allowsSoftware = false } = {}) {
  if (!navigator.gpu) throw refused("noWebGpu");
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "low-power" });
  if (!adapter) throw refused("noAdapter");
  if (adapter.info.isFallbackAdapter && !allowsSoftware) throw refused("softwareOnly");
  return new Gpu(adapter.info, await adapter.requestDevice());
}

class Gpu {
  #device;
  #lost;
  #pipeline = /** @type {GPUComputePipeline | null} */ (null);

  /**
   * @param {GPUAdapterInfo} info
   * @param {GPUDevice} device
   */
  constructor(info, device) {
    this.#device = device;
    this.vendor = info.vendor;
    this.architecture = info.architecture;
    this.hasPackedDots = navigator.gpu.wgslLanguageFeatures.has("packed_4x8_integer_dot_product");
    this.#lost = device.lost.then(({ message }) => {
      throw refused("lost", message);
    });
    // Whoever waits for something hears of it then.
    this.#lost.catch(() => {});
    this.#watch();
  }

  /** From now on the device's errors are kept for the end of the next run. */
  #watch() {
    this.#device.pushErrorScope("validation");
    this.#device.pushErrorScope("out-of-memory");
  }

  /** @param {string} program */
  async compile(program) {
    const module = this.#device.createShaderModule({ code: program });
    const { messages } = await Promise.race([module.getCompilationInfo(), this.#lost]);
    const wrong = messages.find(({ type }) => type === "error");
    if (wrong) throw refused("failed", `${wrong.lineNum}: ${wrong.message}`);
    const pipeline = this.#device.createComputePipelineAsync({ layout: "auto", compute: { module } });
    this.#pipeline = await Promise.race([pipeline, this.#lost]);
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  upload(bytes) {
    return this.#filled(bytes, GPUBufferUsage.STORAGE);
  }

  /** @param {number} nBytes of sums */
  room(nBytes) {
    return this.#device.createBuffer({ size: nBytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @param {number} usage
   */
  #filled(bytes, usage) {
    const buffer = this.#device.createBuffer({ size: bytes.byteLength, usage: usage | GPUBufferUsage.COPY_DST });
    this.#device.queue.writeBuffer(buffer, 0, bytes);
    return buffer;
  }

  /**
   * One product, for `run`.
   * @param {Uint32Array<ArrayBuffer>} shape
   * @param {Uint32Array<ArrayBuffer>} workgroups
   * @param {GPUBuffer} rows
   * @param {GPUBuffer} weights
   * @param {GPUBuffer} sums
   */
  product(shape, workgroups, rows, weights, sums) {
    const pipeline = /** @type {GPUComputePipeline} */ (this.#pipeline);
    const buffers = [this.#filled(new Uint8Array(shape.buffer, shape.byteOffset, shape.byteLength), GPUBufferUsage.UNIFORM), rows, weights, sums];
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const bindings = this.#device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    const [across = 0, down = 0] = workgroups;
    return { bindings, across, down, sums };
  }

  /**
   * Products one after the other, each list of them handed over at once; returns the first bytes of the last one's sums.
   * @param {ReturnType<Gpu["product"]>[][]} lists
   * @param {number} nBytes
   */
  async run(lists, nBytes) {
    const read = this.#device.createBuffer({ size: nBytes, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
    for (const list of lists) {
      const encoder = this.#device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(/** @type {GPUComputePipeline} */ (this.#pipeline));
      for (const { bindings, across, down } of list) {
        pass.setBindGroup(0, bindings);
        pass.dispatchWorkgroups(across, down);
      }
      pass.end();
      const last = list === lists.at(-1) && list.at(-1);
      if (last) encoder.copyBufferToBuffer(last.sums, 0, read, 0, nBytes);
      this.#device.queue.submit([encoder.finish()]);
    }
    // Asked for together, because each answer takes its time.
    const ends = Promise.allSettled([read.mapAsync(GPUMapMode.READ), this.#device.popErrorScope(), this.#device.popErrorScope()]);
    const nudge = setInterval(() => this.#device.queue.submit([]), NUDGE_MS);
    const [mapped, memory, wrong] = await Promise.race([ends, this.#lost]).finally(() => clearInterval(nudge));
    this.#watch();
    if (memory.status === "fulfilled" && memory.value) throw refused("tooLittleMemory", memory.value.message);
    if (wrong.status === "fulfilled" && wrong.value) throw refused("failed", wrong.value.message);
    // Nothing was wrong with what was asked, so it is the device.
    if (mapped.status === "rejected") throw refused("lost", String(mapped.reason));
    const bytes = new Uint8Array(read.getMappedRange().slice(0));
    read.destroy();
    return bytes;
  }

  close() {
    this.#device.destroy();
  }
}
