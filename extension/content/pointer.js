// Remembers where the page was last right-clicked, because no browser tells an extension. It is in a page only once a person has
// had something checked there, or has the upload guard on; before that, the element under the pointer must do.

globalThis.sottoPointer ??= (() => {
  let last = /** @type {(Point & { element: WeakRef<EventTarget> }) | null} */ (null);
  addEventListener("contextmenu", (event) => {
    if (event.isTrusted) last = { element: new WeakRef(event.composedPath()[0]), x: event.clientX, y: event.clientY };
  }, true);
  return { last: () => last && { ...last, element: last.element.deref() } };
})();
