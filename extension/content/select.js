// Takes the selection from the page, on a person's click and only then. It must never keep the text longer than the
// card that shows its verdict, and never send it anywhere but back to the caller.

(() => {
  // Down through shadow roots to the element that really has the focus and the root that has the selection.
  let root = document;
  let active = document.activeElement;
  for (let inner; active && (inner = shadowOf(active))?.activeElement; ) {
    root = inner;
    active = inner.activeElement;
  }

  const field = typeof active?.value === "string" && active.matches("textarea, input:not([type=password])");
  let text = "";
  let rect = null;
  if (field && typeof active.selectionStart === "number" && active.selectionEnd > active.selectionStart) {
    text = active.value.slice(active.selectionStart, active.selectionEnd);
    rect = active.getBoundingClientRect();
  } else {
    const selection = root.getSelection?.() ?? document.getSelection();
    text = selection?.toString() ?? "";
    if (selection?.rangeCount) {
      const range = selection.getRangeAt(0);
      rect = range.getBoundingClientRect();
      // A selection inside a shadow root shows itself to the outside as an empty range at its host.
      if (!rect.width && !rect.height) rect = (active ?? range.startContainer.parentElement)?.getBoundingClientRect();
    }
  }
  globalThis.sottoSubject = { text, rect, editable: field || Boolean(active?.isContentEditable) };
  return {
    text,
    focused: document.hasFocus() && document.activeElement?.tagName !== "IFRAME",
    // In a small frame the card would cover what it speaks of.
    roomy: innerWidth >= 360 && innerHeight >= 420,
  };

  function shadowOf(element) {
    try {
      return chrome.dom?.openOrClosedShadowRoot(element) ?? element.openOrClosedShadowRoot ?? element.shadowRoot;
    } catch {
      return element.shadowRoot;
    }
  }
})();
