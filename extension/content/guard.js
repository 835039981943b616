// The upload guard, present only on sites where the person turned it on: holds image files that are picked, dropped or
// pasted until they are judged, then lets the page have them exactly once. It must never lose a file and never show one
// to the page before its time.

(() => {
  if (globalThis.sottoGuard) return;
  globalThis.sottoGuard = true;
  const { isSeen, judge, passesUnseen, stillWatched } = globalThis.sottoCheck;

  /** Events we dispatched: they pass. */
  const ours = /** @type {WeakSet<Event>} */ (new WeakSet());
  /** Inputs whose files are being judged. */
  const held = /** @type {WeakSet<Element>} */ (new WeakSet());
  /** The first file that an input had when we last saw it. */
  const known = /** @type {WeakMap<Element, File | undefined>} */ (new WeakMap());
  /** Forms that were to be sent meanwhile, with the button that was pressed. */
  const unsent = /** @type {Map<HTMLFormElement, (HTMLElement & { form?: HTMLFormElement | null }) | null>} */ (new Map());
  /** Nodes with listeners of ours beside those on the window. */
  const watched = /** @type {WeakSet<EventTarget>} */ (new WeakSet());
  /** Ends every listener at once. */
  const off = new AbortController();
  const picks = { input: onPick, change: onPick };
  const listeners = { ...picks, drop: onDrop, paste: onPaste, submit: onSubmit, click: onClick };
  // What a script of ours puts into a transfer of its own, Firefox keeps from the page; the page's own takes it as from the page.
  const Transfer = globalThis.wrappedJSObject?.DataTransfer ?? DataTransfer;
  /** The way to pickers.js in the page's own world. */
  let port = /** @type {MessagePort | null} */ (null);

  /**
   * @param {EventTarget} target
   * @param {Record<string, (event: any) => unknown>} wanted
   */
  const listen = (target, wanted) => {
    for (const [event, listener] of Object.entries(wanted)) target.addEventListener(event, listener, { capture: true, signal: off.signal });
  };
  listen(window, { ...listeners, "sotto-guard-port": onPort });
  // Asks for the way, should pickers.js have been here first.
  dispatchEvent(new Event("sotto-guard-here", { cancelable: true }));
  chrome.runtime.onMessage.addListener(onChange);

  /**
   * Settings changed somewhere: the guard may no longer be wanted here.
   * @param {Heard | undefined} message
   * @param {chrome.runtime.MessageSender} sender
   */
  async function onChange(message, sender) {
    if (sender.id === chrome.runtime.id && message?.sotto === "guardChanged" && !(await stillWatched())) stop();
  }

  function stop() {
    off.abort();
    chrome.runtime.onMessage.removeListener(onChange);
    port?.postMessage("off");
    port = null;
    globalThis.sottoGuard = false;
  }

  /** @param {File[]} files */
  async function decide(files) {
    const { passed, allowed } = await judge(files).catch(async (problem) => {
      if (chrome.runtime?.id) throw problem;
      // The extension was updated or removed while the page was open: nobody is left who could judge, or say so. The browser's
      // `change`, which belongs to the same pick, comes first.
      await new Promise((resolve) => setTimeout(resolve));
      return { passed: files, allowed: false };
    });
    if (allowed) stop();
    return passed;
  }

  /**
   * The first way that is offered counts: it opens before any script of the page runs.
   * @param {MessageEvent} event
   */
  function onPort(event) {
    if (port || !event.ports?.[0]) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    port = event.ports[0];
    listen(window, { [String(event.data)]: onHandOver });
    port.onmessage = async (/** @type {MessageEvent<{ id: number, files: File[] }>} */ { data: { id, files } }) => {
      const passed = files.some(isSeen) ? await decide(files) : files;
      port?.postMessage({ id, passed: passed.map((file) => files.indexOf(file)) });
    };
  }

  /** @param {MouseEvent} event */
  function onHandOver(event) {
    event.stopImmediatePropagation();
    watch(/** @type {Node | null} */ (event.relatedTarget));
  }

  /**
   * Listens on a node itself, for where the window can't hear: no document, or a shadow root that keeps its events.
   * @param {Node | null} node
   */
  function watch(node) {
    if (!node || watched.has(node)) return;
    watched.add(node);
    listen(node, picks);
    if (!node.isConnected) watch(node.getRootNode());
  }

  /**
   * @param {EventTarget | null} element
   * @returns {ShadowRoot | null}
   */
  function shadowOf(element) {
    if (!(element instanceof Element)) return null;
    try {
      return chrome.dom?.openOrClosedShadowRoot(element) ?? element.openOrClosedShadowRoot ?? element.shadowRoot;
    } catch {
      return element.shadowRoot;
    }
  }

  /**
   * An input that is taken out of the page while its picker is open still has its own listeners.
   * @param {MouseEvent} event
   */
  function onClick(event) {
    const target = event.composedPath()[0];
    const input = /** @type {(Element & { control?: HTMLElement | null }) | null} */ (target instanceof Element ? target.closest("input, label") : null);
    const control = input?.control ?? input;
    if (isFileInput(control)) watch(control);
  }

  /**
   * @param {unknown} element
   * @returns {element is HTMLInputElement}
   */
  const isFileInput = (element) => element instanceof HTMLInputElement && element.type === "file";

  /** @param {HTMLInputElement} input one for files, which always has a list of them */
  const filesOf = (input) => /** @type {FileList} */ (input.files);

  /** @param {Event} event */
  function onPick(event) {
    if (!event.isTrusted || ours.has(event)) return;
    const path = event.composedPath();
    let target = /** @type {EventTarget | null} */ (path[0]);
    for (let root; !isFileInput(target) && (root = shadowOf(target)); target = picked(root)) {
      // A closed shadow root hides its input, but not from a listener of its own; `change` never leaves any root.
      watch(root);
      if (!picked(root)) return;
    }
    if (!isFileInput(target)) return;
    for (const node of path) if (node instanceof ShadowRoot) watch(node);
    // The browser's `change` follows its `input` at once: both belong to the pick that is held.
    if (held.has(target)) return event.stopImmediatePropagation();
    const input = target;
    const files = [...filesOf(input)];
    if (!files.some(isSeen)) return void known.set(input, files[0]);
    event.stopImmediatePropagation();
    held.add(input);
    // What the input does not have, the page can't read early.
    input.value = "";
    void decide(files).then((passed) => {
      held.delete(input);
      if (passed.length) give(input, passed);
      send(input.form);
    });
  }

  /**
   * The one input of a shadow root that has files which were not there before, or the host of one; null where that is not clear.
   * @param {ShadowRoot | null} root
   * @returns {Element | null}
   */
  function picked(root) {
    if (!root) return null;
    /** @param {Element} element */
    const isNew = (element) => (isFileInput(element) ? filesOf(element).length && filesOf(element)[0] !== known.get(element) : picked(shadowOf(element)));
    const found = [...root.querySelectorAll("*")].filter(isNew);
    return found.length === 1 ? found[0] : null;
  }

  /**
   * @param {HTMLInputElement} input
   * @param {File[]} files
   */
  function give(input, files) {
    input.files = transferOf(files).files;
    known.set(input, filesOf(input)[0]);
    for (const event of [new Event("input", { bubbles: true, composed: true }), new Event("change", { bubbles: true })]) {
      ours.add(event);
      input.dispatchEvent(event);
    }
  }

  /**
   * A form sent while a pick of it is held would go without its files.
   * @param {SubmitEvent} event
   */
  function onSubmit(event) {
    const form = event.composedPath()[0];
    if (!(form instanceof HTMLFormElement) || ![...form.elements].some((element) => held.has(element))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    unsent.set(form, event.submitter);
  }

  /** @param {HTMLFormElement | null} form */
  function send(form) {
    if (!form || !unsent.has(form) || [...form.elements].some((element) => held.has(element))) return;
    const submitter = unsent.get(form);
    unsent.delete(form);
    form.requestSubmit(submitter?.form === form ? submitter : null);
  }

  /**
   * Pages can make events too, but only with files they have already.
   * @param {Event} event
   * @param {FileList | undefined} files
   */
  const concerns = (event, files) => event.isTrusted && !ours.has(event) && [...(files ?? [])].some(isSeen);

  /** @param {DragEvent} event */
  function onDrop(event) {
    const { dataTransfer } = event;
    if (!event.isTrusted || ours.has(event) || !dataTransfer) return;
    // A DataTransfer that a script makes takes files and strings and no folder (a test tries), so what is held here could not be
    // given back as it was: the page gets it untouched, and the person is told.
    if ([...dataTransfer.items].some((item) => item.webkitGetAsEntry?.()?.isDirectory)) return passesUnseen();
    if (!concerns(event, dataTransfer.files)) return;
    const { clientX, clientY, screenX, screenY, ctrlKey, shiftKey, altKey, metaKey } = event;
    const target = /** @type {HTMLElement} */ (deepest(event.composedPath()[0], (root) => root.elementFromPoint(clientX, clientY)));
    const [files, strings] = [[...dataTransfer.files], stringsOf(dataTransfer)];
    event.preventDefault();
    event.stopImmediatePropagation();
    const point = { clientX, clientY, screenX, screenY, ctrlKey, shiftKey, altKey, metaKey };
    const options = { bubbles: true, cancelable: true, composed: true, ...point };
    void decide(files).then((passed) => {
      if (!passed.length) {
        // Nothing is left to drop; the page's drop zone must still learn that the drag is over.
        target.dispatchEvent(new DragEvent("dragleave", options));
        return;
      }
      const again = new DragEvent("drop", { ...options, dataTransfer: transferOf(passed, strings) });
      ours.add(again);
      // What the browser does by itself with a drop that no page takes, it does not do for a script's.
      if (!target.dispatchEvent(again)) return;
      if (isFileInput(target) && !target.disabled) return give(target, target.multiple ? passed : passed.slice(0, 1));
      if (!target.isContentEditable) return;
      const range = document.caretRangeFromPoint?.(clientX, clientY);
      if (range) getSelection()?.setBaseAndExtent(range.startContainer, range.startOffset, range.endContainer, range.endOffset);
      insert(passed, strings);
    });
  }

  /** @param {ClipboardEvent} event */
  function onPaste(event) {
    const { clipboardData } = event;
    if (!clipboardData || !concerns(event, clipboardData.files)) return;
    const target = /** @type {HTMLElement} */ (deepest(event.composedPath()[0], (root) => root.activeElement));
    const [files, strings] = [[...clipboardData.files], stringsOf(clipboardData)];
    event.preventDefault();
    event.stopImmediatePropagation();
    void decide(files).then((passed) => {
      // The markup beside a picture that stays behind would bring it in by its address.
      const left = passed.length ? strings : strings.filter(([type]) => type !== "text/html");
      if (!passed.length && !left.length) return;
      const options = { bubbles: true, cancelable: true, composed: true };
      const again = new ClipboardEvent("paste", { ...options, clipboardData: transferOf(passed, left) });
      // Firefox takes none, and makes an empty one.
      const empty = again.wrappedJSObject?.clipboardData;
      if (empty && !empty.types.length) transferOf(passed, left, empty);
      ours.add(again);
      if (target.dispatchEvent(again) && target.isContentEditable) insert(passed, left);
    });
  }

  /**
   * From a shadow root's host to what `inner` names inside it.
   * @param {EventTarget} target
   * @param {(root: ShadowRoot) => Element | null} inner
   */
  function deepest(target, inner) {
    for (let root, next; (root = shadowOf(target)) && (next = inner(root)) && next !== target; ) target = next;
    return target;
  }

  /**
   * What the browser would have put in by itself: a script's event has no default action.
   * @param {File[]} files
   * @param {Strings} strings
   */
  function insert(files, strings) {
    const html = strings.find(([type]) => type === "text/html")?.[1];
    if (html) return document.execCommand("insertHTML", false, html);
    for (const file of files.filter(isSeen)) {
      const reader = new FileReader();
      reader.onload = () => document.execCommand("insertImage", false, /** @type {string} */ (reader.result));
      reader.readAsDataURL(file);
    }
  }

  /**
   * @typedef {[type: string, data: string][]} Strings
   * @param {DataTransfer} transfer
   * @returns {Strings}
   */
  const stringsOf = (transfer) => [...transfer.types].filter((type) => type !== "Files").map((type) => [type, transfer.getData(type)]);

  /**
   * @param {File[]} files
   * @param {Strings} strings
   * @param {DataTransfer} transfer
   */
  function transferOf(files, strings = [], transfer = new Transfer()) {
    for (const [type, data] of strings) transfer.setData(type, data);
    for (const file of files) transfer.items.add(file);
    return transfer;
  }
})();
