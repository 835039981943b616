// The one script of the upload guard that lives in the page's own world, because only there can be seen what a page does
// without its document: file inputs that are in no document, and showOpenFilePicker. It hands both to guard.js and must
// never judge, show or keep anything.

(() => {
  // Two names that guard.js knows too. The first words pass before any script of the page runs.
  const HERE = "sotto-guard-here";
  const PORT = "sotto-guard-port";
  // What the page may bend later is taken now.
  const { apply } = Reflect;
  const { dispatchEvent, addEventListener } = EventTarget.prototype;
  const { getFile } = globalThis.FileSystemFileHandle?.prototype ?? {};
  const { postMessage } = MessagePort.prototype;
  const [Message, Mouse, Refused, PromiseNow] = [MessageEvent, MouseEvent, DOMException, Promise];
  const { all } = Promise;
  /**
   * @param {unknown} value
   * @returns {value is HTMLInputElement}
   */
  const isInput = (value) => value instanceof HTMLInputElement;

  // A script of ours that is here already says so, and opens the way again.
  if (!dispatchEvent(new Event(HERE, { cancelable: true }))) return;

  /** The way to guard.js; null before it answered and after it stopped. */
  let port = /** @type {MessagePort | null} */ (null);
  /** The event under which guard.js takes an element; random, so that no page can send it one. */
  let handOver = /** @type {string | null} */ (null);
  const waiting = /** @type {Map<number, (passed: number[] | null) => void>} */ (new Map());
  let lastId = 0;

  /** Opens the way once more; a guard that was stopped and started again asks for it. */
  function open() {
    const { port1, port2 } = new MessageChannel();
    const name = crypto.getRandomValues(new Uint32Array(4)).join("-");
    port1.onmessage = ({ data }) => {
      if (data === "off") {
        port = null;
        for (const answer of waiting.values()) answer(null);
        waiting.clear();
        return;
      }
      waiting.get(data.id)?.(data.passed);
      waiting.delete(data.id);
    };
    handOver = name;
    const heard = !apply(dispatchEvent, window, [new Message(PORT, { cancelable: true, ports: [port2], data: name })]);
    port = heard ? port1 : null;
  }

  /** @param {HTMLElement} element */
  const show = (element) => port && apply(dispatchEvent, window, [new Mouse(handOver ?? "", { relatedTarget: element })]);

  /**
   * Which of these files may pass, as their places in the list; null where nobody is there to say.
   * @param {File[]} files
   * @returns {Promise<number[] | null>}
   */
  function judged(files) {
    return new PromiseNow((resolve) => {
      const id = (lastId += 1);
      waiting.set(id, resolve);
      apply(postMessage, port, [{ id, files }]);
    });
  }

  /**
   * Replaces a function by one that looks the same to the page.
   * @typedef {(native: Function, self: unknown, given: any[]) => unknown} Before
   * @param {any} owner
   * @param {string} name
   * @param {Before} before
   */
  function wrap(owner, name, before) {
    const native = owner[name];
    if (typeof native !== "function") return;
    const proxy = new Proxy(native, { apply: (target, self, given) => before(target, self, given) });
    Object.defineProperty(owner, name, { ...Object.getOwnPropertyDescriptor(owner, name), configurable: true, writable: true, value: proxy });
  }

  /** @type {Before} */
  const shownFirst = (native, self, given) => {
    if (port && isInput(self)) show(self);
    return apply(native, self, given);
  };
  wrap(HTMLElement.prototype, "click", (native, self, given) => {
    // A label without a document opens its input's picker too.
    if (port && self instanceof HTMLLabelElement && self.control) show(self.control);
    return shownFirst(native, self, given);
  });
  wrap(HTMLInputElement.prototype, "showPicker", shownFirst);
  wrap(EventTarget.prototype, "dispatchEvent", (native, self, given) =>
    given[0]?.type === "click" ? shownFirst(native, self, given) : apply(native, self, given));

  wrap(window, "showOpenFilePicker", async (native, self, given) => {
    const handles = /** @type {FileSystemFileHandle[]} */ (await apply(native, self, given));
    if (!port) return handles;
    const reads = handles.map((handle) => apply(getFile, handle, []));
    // A file that can't be read by us can't be read by the page.
    const files = await /** @type {Promise<File[]>} */ (apply(all, PromiseNow, [reads])).catch(() => null);
    const passed = files && (await judged(files));
    if (!passed) return handles;
    const left = handles.filter((_, place) => passed.includes(place));
    // What a page hears when a person closes the picker.
    if (handles.length && !left.length) throw new Refused("The user aborted a request.", "AbortError");
    return left;
  });

  apply(addEventListener, window, [HERE, (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!port) open();
  }]);
  open();
})();
