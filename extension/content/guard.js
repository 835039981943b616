// The upload guard, present only on sites where the person turned it on: holds image files that are picked, dropped or
// pasted until they are judged, then lets the page have them exactly once. It must never keep a file back without the
// person's word: what can't be judged within five seconds passes, with a notice.

(() => {
  if (globalThis.sottoGuard) return;
  globalThis.sottoGuard = true;
  const { text } = globalThis.sottoSurface;
  const { ask, line } = globalThis.sottoDialog;

  const PATIENCE_MS = 5000;
  const QUIET_MS = 300;
  const AT_ONCE = 3;
  const IMAGE_NAME = /\.(avif|bmp|gif|ico|jfif|jpe?g|pjp|pjpeg|png|svg|webp)$/i;

  /** Events we dispatched: they pass. */
  const ours = new WeakSet();
  /** Inputs whose files are being judged. */
  const held = new WeakSet();
  /** Files the person let pass in this page, by name, size and date. */
  const allowed = new Set();
  const listeners = { input: onPick, change: onPick, drop: onDrop, paste: onPaste };
  for (const [event, listener] of Object.entries(listeners)) addEventListener(event, listener, true);

  chrome.runtime.onMessage.addListener((message, sender) => {
    if (sender.id === chrome.runtime.id && message?.sotto === "guardOff") stop();
  });

  function stop() {
    for (const [event, listener] of Object.entries(listeners)) removeEventListener(event, listener, true);
    globalThis.sottoGuard = false;
  }

  /** Pages can make events too, but only with files they have already. */
  const concerns = (event, files) => event.isTrusted && !ours.has(event) && [...(files ?? [])].some(isImage);
  const isImage = (file) => file.type.startsWith("image/") || IMAGE_NAME.test(file.name);
  const keyOf = (file) => `${file.name}/${file.size}/${file.lastModified}`;

  function onPick(event) {
    const input = event.composedPath()[0];
    if (!(input instanceof HTMLInputElement) || input.type !== "file" || !event.isTrusted) return;
    // The browser's `change` follows its `input` at once: both belong to the pick that is held.
    if (held.has(input)) return event.stopImmediatePropagation();
    if (!concerns(event, input.files)) return;
    event.stopImmediatePropagation();
    const files = [...input.files];
    held.add(input);
    // What the input does not have, the page can't read early.
    input.value = "";
    judge(files).then((passed) => {
      held.delete(input);
      if (passed.length) give(input, passed);
    });
  }

  function give(input, files) {
    input.files = transferOf(files).files;
    for (const event of [new Event("input", { bubbles: true, composed: true }), new Event("change", { bubbles: true })]) {
      ours.add(event);
      input.dispatchEvent(event);
    }
  }

  function onDrop(event) {
    const { dataTransfer } = event;
    if (!concerns(event, dataTransfer?.files)) return;
    // A folder can't be handed on by a script; the page gets it untouched.
    if ([...dataTransfer.items].some((item) => item.webkitGetAsEntry?.()?.isDirectory)) return;
    const target = event.composedPath()[0];
    const [files, strings] = [[...dataTransfer.files], stringsOf(dataTransfer)];
    const { clientX, clientY, screenX, screenY, ctrlKey, shiftKey, altKey, metaKey } = event;
    event.preventDefault();
    event.stopImmediatePropagation();
    judge(files).then((passed) => {
      const input = target instanceof Element ? target.closest("input[type=file]") : null;
      if (input && passed.length) return give(input, input.multiple ? passed : passed.slice(0, 1));
      const point = { clientX, clientY, screenX, screenY, ctrlKey, shiftKey, altKey, metaKey };
      const options = { bubbles: true, cancelable: true, composed: true, ...point };
      if (!passed.length) {
        // Nothing is left to drop; the page's drop zone must still learn that the drag is over.
        target.dispatchEvent(new DragEvent("dragleave", options));
        return;
      }
      const again = new DragEvent("drop", { ...options, dataTransfer: transferOf(passed, strings) });
      ours.add(again);
      target.dispatchEvent(again);
    });
  }

  function onPaste(event) {
    const { clipboardData } = event;
    if (!concerns(event, clipboardData?.files)) return;
    const target = event.composedPath()[0];
    const [files, strings] = [[...clipboardData.files], stringsOf(clipboardData)];
    event.preventDefault();
    event.stopImmediatePropagation();
    judge(files).then((passed) => {
      if (!passed.length && !strings.length) return;
      const options = { bubbles: true, cancelable: true, composed: true };
      const again = new ClipboardEvent("paste", { ...options, clipboardData: transferOf(passed, strings) });
      ours.add(again);
      if (target.dispatchEvent(again) && target.isContentEditable) insert(passed, strings);
    });
  }

  /** What the browser would have pasted by itself: a script's event has no default action. */
  function insert(files, strings) {
    const html = strings.find(([type]) => type === "text/html")?.[1];
    if (html) return document.execCommand("insertHTML", false, html);
    for (const file of files.filter(isImage)) {
      const reader = new FileReader();
      reader.onload = () => document.execCommand("insertImage", false, reader.result);
      reader.readAsDataURL(file);
    }
  }

  const stringsOf = (transfer) => [...transfer.types].filter((type) => type !== "Files").map((type) => [type, transfer.getData(type)]);

  function transferOf(files, strings = []) {
    const transfer = new DataTransfer();
    for (const [type, data] of strings) transfer.setData(type, data);
    for (const file of files) transfer.items.add(file);
    return transfer;
  }

  /** The files that may pass, in their order. */
  async function judge(files) {
    const images = files.filter((file) => isImage(file) && !allowed.has(keyOf(file)));
    const { flagged, notice } = await check(images);
    if (notice) line(notice, { lasting: true });
    if (!flagged.length) return files;
    const decision = await ask(flagged);
    if (decision === "keep") {
      const kept = new Set(flagged.map(({ file }) => file));
      return files.filter((file) => !kept.has(file));
    }
    for (const { file } of flagged) allowed.add(keyOf(file));
    if (decision === "allow") {
      stop();
      send({ ask: "allowHere" }).catch(() => {});
    }
    return files;
  }

  async function check(images) {
    const flagged = [];
    const unjudged = [];
    let removeLine = null;
    const message = images.length === 1 ? text("checkingOne", images[0]?.name ?? "") : text("checkingMany", images.length, images[0]?.name ?? "");
    const quiet = setTimeout(() => (removeLine = line(message)), QUIET_MS);
    let late = false;
    const patience = new Promise((resolve) => setTimeout(() => resolve((late = true)), PATIENCE_MS));
    const waiting = [...images];
    const worker = async () => {
      for (let file; !late && (file = waiting.shift()); ) {
        const verdict = await verdictOn(file);
        if (late) break;
        if (!verdict) unjudged.push(file);
        else if (verdict.unsuitable) flagged.push({ file, verdict });
      }
    };
    await Promise.race([patience, Promise.all(Array.from({ length: AT_ONCE }, worker))]);
    clearTimeout(quiet);
    removeLine?.();
    const notice = late ? text("guardLate") : unjudged.length ? text("guardUnreadable", unjudged[0].name) : null;
    return { flagged: images.flatMap((file) => flagged.find((found) => found.file === file) ?? []), notice };
  }

  /** The background's verdict; null where there is none. A background that died is asked once more. */
  async function verdictOn(file) {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      try {
        const reply = await send({ ask: "picture", name: file.name, picture: file });
        if (reply?.answer === "picture") return reply;
        if (reply?.reason !== "internal") return null;
      } catch {
        // The background was stopped in the middle; the next message starts it again.
      }
    }
    return null;
  }

  const send = (request) => chrome.runtime.sendMessage({ id: crypto.getRandomValues(new Uint32Array(2)).join("-"), ...request });
})();
