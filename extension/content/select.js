// Takes the selection from the page, on a person's click and only then. It must never keep the text longer than the
// card that shows its verdict, and never send it anywhere but back to the caller.

(() => {
  // Of a longer selection only the beginning is taken: twice what the engine reads of it.
  const SELECTED_UNITS_MAX = 100_000; // tables.js: SELECTED_UNITS_MAX
  // A form or image of the page named like a property stands in front of it on `document`, but not here.
  /**
   * @template {keyof Document} Name
   * @param {Name} name
   * @returns {Document[Name]}
   */
  const ofPage = (name) => Reflect.get(Document.prototype, name, document);

  // Down through shadow roots to the element that really has the focus and the root that has the selection.
  /** @type {ShadowRoot | null} */
  let root = null;
  /** @type {any} */
  let active = ofPage("activeElement");
  for (let inner; active && (inner = shadowOf(active))?.activeElement; ) {
    root = inner;
    active = inner.activeElement;
  }

  const field = active instanceof HTMLTextAreaElement || (active instanceof HTMLInputElement && active.type !== "password");
  /** @type {Subject & { text: string, cut: boolean }} */
  let subject = { text: "", cut: false, element: active, where: () => active?.getBoundingClientRect() };
  if (field) {
    // Null in a field of a kind that nobody can select in.
    const { selectionStart: start, selectionEnd: end, value } = active;
    const last = Math.min(end, start + SELECTED_UNITS_MAX);
    subject = { ...subject, text: value.slice(start, last), cut: last < end };
  } else {
    subject = selected(root?.getSelection?.() ?? getSelection()) ?? subject;
  }
  globalThis.sottoSubject = { ...subject, editable: field || active?.isContentEditable === true };
  return /** @satisfies {Selected} */ ({
    text: subject.text,
    cut: subject.cut,
    focused: ofPage("hasFocus").call(document) && !(active instanceof HTMLIFrameElement),
    // In a small frame the card would cover what it speaks of.
    roomy: innerWidth >= 360 && innerHeight >= 420,
  });

  /**
   * @param {Selection | null | undefined} selection
   * @returns {typeof subject | null}
   */
  function selected(selection) {
    // A selection inside a shadow root shows itself to the outside as an empty one at its host.
    for (let host; (host = hostAt(selection)); ) selection = shadowOf(host)?.getSelection?.();
    if (!selection?.rangeCount) return null;
    const range = selection.getRangeAt(0);
    const start = range.startContainer;
    const beginning = longer(range);
    return {
      text: beginning ?? selection.toString(),
      cut: beginning !== null,
      element: start.nodeType === 1 ? /** @type {Element} */ (start) : start.parentElement,
      // The outline of a whole book takes long to find, and no card can stand beside it.
      where: () => (beginning ? null : range.getBoundingClientRect()),
    };
  }

  /**
   * @param {Selection | null | undefined} selection
   * @returns {any} an element, or none
   */
  function hostAt(selection) {
    if (!selection?.isCollapsed || !selection.anchorNode) return null;
    const { anchorNode, anchorOffset } = selection;
    return [anchorNode.childNodes[anchorOffset], anchorNode].find((/** @type {any} */ node) => node?.nodeType === 1 && shadowOf(node)?.getSelection);
  }

  /**
   * The beginning of a selection that is too long, put together node by node without any layout; else null.
   * @param {Range} range
   */
  function longer(range) {
    const walker = ofPage("createTreeWalker").call(document, range.commonAncestorContainer, NodeFilter.SHOW_TEXT);
    walker.currentNode = range.startContainer.childNodes[range.startOffset] ?? range.startContainer;
    let found = "";
    /** @type {any} */
    let node = walker.currentNode;
    for (; node; node = walker.nextNode()) {
      if (node.nodeType !== 3 || /^(script|style)$/i.test(node.parentNode.nodeName)) continue;
      if (range.comparePoint(node, 0) > 0) return null;
      const from = node === range.startContainer ? range.startOffset : 0;
      const to = node === range.endContainer ? range.endOffset : node.data.length;
      found += `${node.data.slice(from, Math.min(to, from + SELECTED_UNITS_MAX))}\n`;
      if (found.length > SELECTED_UNITS_MAX) return found.slice(0, SELECTED_UNITS_MAX);
    }
    return null;
  }

  /**
   * @param {Element} element
   * @returns {ShadowRoot | null}
   */
  function shadowOf(element) {
    try {
      return chrome.dom?.openOrClosedShadowRoot(element) ?? element.openOrClosedShadowRoot ?? element.shadowRoot;
    } catch {
      return element.shadowRoot;
    }
  }
})();
